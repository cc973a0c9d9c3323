"""TLS contexts, which take 50 to 90 ms of the event loop to create."""

from __future__ import annotations

import os
import ssl
from functools import cache

import httpx

__all__ = ["http_context", "socket_context"]

VARIABLES = ("SSL_CERT_FILE", "SSL_CERT_DIR")
"""Environment variables that name the certificate authorities."""


def http_context() -> ssl.SSLContext:
    """Return the context that httpx would create, from the second call on without delay."""
    return _http_context(*map(os.environ.get, VARIABLES))


def socket_context() -> ssl.SSLContext:
    """Return the context that websockets would create, from the second call on without delay."""
    return _socket_context(*map(os.environ.get, VARIABLES))


@cache
def _http_context(*variables: str | None) -> ssl.SSLContext:
    return httpx.create_ssl_context()


@cache
def _socket_context(*variables: str | None) -> ssl.SSLContext:
    return ssl.create_default_context()
