"""The public address of the server, from the headers of a request."""

from __future__ import annotations

import re
from collections.abc import Mapping
from ipaddress import IPv6Address

__all__ = ["public_host", "public_scheme"]

HOST = re.compile(r"([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::(\d{1,5}))?")
DEFAULT_PORTS = ("80", "443")
MAX_PORT = 65535


def public_host(headers: Mapping[str, str]) -> str | None:
    """Return the host that the request was sent to, with its port unless it is the default.

    Taken from ``Forwarded`` (RFC 7239), or ``X-Forwarded-Host`` and ``X-Forwarded-Port``, which
    proxies set; otherwise from ``Host``.

    Args:
        headers: The headers of the request; lookups must ignore case.

    Returns:
        Such as ``"example.com"`` or ``"example.com:8443"``; None if no header has a host.
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
        # check the number of digits first: int() rejects thousands of them
        if own_port in ("", *DEFAULT_PORTS) or len(own_port) > 5 or int(own_port) > MAX_PORT:
            return found[1]
        return f"{found[1]}:{own_port}"
    return None


def public_scheme(headers: Mapping[str, str], scheme: str) -> str:
    """Return the scheme that the request was sent with: ``"https"`` or ``"http"``.

    Args:
        headers: The headers of the request; lookups must ignore case.
        scheme: The scheme at the server, which a proxy may have changed.
    """
    told = _forwarded(headers, "proto") or _first(headers.get("x-forwarded-proto")) or scheme
    return "https" if told.lower() in ("https", "wss") else "http"


def _is_usable(host: str) -> bool:
    """Return whether a URL with this host can be parsed: brackets must contain an address."""
    if host.startswith("["):
        try:
            IPv6Address(host[1:-1])
        except ValueError:
            return False
    return True


def _first(value: str | None) -> str:
    """Return the value of the proxy nearest to the client: each proxy appends its own."""
    return (value or "").partition(",")[0].strip()


def _forwarded(headers: Mapping[str, str], parameter: str) -> str | None:
    for pair in _first(headers.get("forwarded")).split(";"):
        name, _, value = pair.partition("=")
        if name.strip().lower() == parameter:
            return value.strip().strip('"')
    return None
