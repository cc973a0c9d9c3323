"""Under which address a request reached us, as its sender wrote it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from ipaddress import IPv6Address

__all__ = ["public_host", "public_scheme"]

HOST = re.compile(r"([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::(\d{1,5}))?")
DEFAULT_PORTS = ("80", "443")
MAX_PORT = 65535


def public_host(headers: Mapping[str, str]) -> str | None:
    """Give the host, with its port if it is not the scheme's, that the request was sent to.

    A proxy tells it in ``Forwarded`` (RFC 7239), or in ``X-Forwarded-Host`` and
    ``X-Forwarded-Port``; otherwise ``Host`` does.

    Args:
        headers: Those of the request, with names in any case.

    Returns:
        ``"example.com"``, ``"example.com:8443"``; None if no header has a host.
    """
    port = _first(headers.get("x-forwarded-port"))
    for told in (
        _forwarded(headers, "host"),
        _first(headers.get("x-forwarded-host")),
        headers.get("host"),
    ):
        found = HOST.fullmatch(told or "")
        if found is None or int(found[2] or 0) > MAX_PORT or not _is_usable(found[1]):
            continue
        own_port = found[2] or (port if port.isdecimal() else "")
        # the number of digits first: Python refuses to read a number of thousands
        if own_port in ("", *DEFAULT_PORTS) or len(own_port) > 5 or int(own_port) > MAX_PORT:
            return found[1]
        return f"{found[1]}:{own_port}"
    return None


def public_scheme(headers: Mapping[str, str], scheme: str) -> str:
    """Give the scheme that the request was sent with: ``"https"`` or ``"http"``.

    Args:
        headers: Those of the request, with names in any case.
        scheme: The one that it arrived with, which a proxy may have changed.
    """
    told = _forwarded(headers, "proto") or _first(headers.get("x-forwarded-proto")) or scheme
    return "https" if told.lower() in ("https", "wss") else "http"


def _is_usable(host: str) -> bool:
    """Return whether a URL with this host can be parsed: in brackets there must be an address."""
    if host.startswith("["):
        try:
            IPv6Address(host[1:-1])
        except ValueError:
            return False
    return True


def _first(value: str | None) -> str:
    """Give what the proxy nearest to the client said: each one appends."""
    return (value or "").partition(",")[0].strip()


def _forwarded(headers: Mapping[str, str], parameter: str) -> str | None:
    for pair in _first(headers.get("forwarded")).split(";"):
        name, _, value = pair.partition("=")
        if name.strip().lower() == parameter:
            return value.strip().strip('"')
    return None
