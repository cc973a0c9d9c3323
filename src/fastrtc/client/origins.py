"""Which server gets the headers that a user has given: not one that a redirect leads to."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from contextlib import suppress

import httpx

__all__ = ["HeaderScope", "has_host", "is_same_origin"]

PORTS = {"http": 80, "ws": 80, "https": 443, "wss": 443}
ENCRYPTED = ("https", "wss")

MAX_PORT = 65_535

MAX_LABEL = 63
"""The longest label of a host name, in bytes (RFC 1035 section 2.3.4); Python raises a
``UnicodeError`` for longer and empty ones when it connects."""


def has_host(url: str) -> bool:
    """Return whether a URL, of a redirect, has a valid host and a valid port."""
    return _origin(url)[1] is not None


def is_same_origin(url: str, server: str) -> bool:
    """Return whether a URL is of the origin of a server, or of the same host with TLS.

    The latter is a redirect from ``http://HOST`` to ``https://HOST``, on the default ports.
    """
    (encrypted, host, port), (was_encrypted, own_host, own_port) = _origin(url), _origin(server)
    if host is None or host != own_host:
        return False
    if encrypted == was_encrypted:
        return port == own_port
    return encrypted and (own_port, port) == (PORTS["http"], PORTS["https"])


class HeaderScope:
    """Decide which requests get the headers that a user has given, along redirects.

    As in browsers, these are the requests before the first one to another origin: a server that was
    redirected to cannot send the headers back to a URL that it chooses.

    Args:
        server: The URL of the server, as the user has given it.
        headers: The headers, which may be credentials.

    Attributes:
        url: The URL of the last request.
        is_own: Whether no request went to another origin.
    """

    def __init__(self, server: str, headers: Mapping[str, str]) -> None:
        self.url = server
        self.is_own = True
        self._headers = dict(headers)

    def headers_for(self, url: str) -> dict[str, str]:
        """Return the headers of the next request; none once another origin was requested."""
        self.is_own = self.is_own and is_same_origin(url, self.url)
        self.url = url
        return dict(self._headers) if self.is_own else {}


def _origin(url: str) -> tuple[bool, str | None, int | None]:
    """Return whether a URL uses TLS, its host and its port; without a host if it is invalid.

    The host is as in DNS, in lower case and Punycode, or an IP address in its shortest form.
    """
    try:
        parts = httpx.URL(url)
        host = parts.raw_host.decode("ascii")
    except (httpx.InvalidURL, ValueError):
        return False, None, None
    port = PORTS.get(parts.scheme) if parts.port is None else parts.port
    labels = host.removesuffix(".").split(".")
    if not all(0 < len(label) <= MAX_LABEL for label in labels) or (port or 0) > MAX_PORT:
        return False, None, None
    with suppress(ValueError):
        host = str(ipaddress.ip_address(host))
    return parts.scheme in ENCRYPTED, host, port
