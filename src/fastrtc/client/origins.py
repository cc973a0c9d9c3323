"""Which server gets the headers that a user has given: not one that a redirect leads to."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

__all__ = ["has_host", "headers_for", "is_same_origin"]

PORTS = {"http": 80, "ws": 80, "https": 443, "wss": 443}
ENCRYPTED = ("https", "wss")


def has_host(url: str) -> bool:
    """Return whether a URL, of a redirect, has a host and a valid port."""
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


def headers_for(url: str, server: str, headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers of a request to a URL that redirects of a server may lead to.

    Args:
        url: The URL of the request.
        server: The URL of the server, as the user has given it.
        headers: The headers that the user has given, which may be credentials.

    Returns:
        The headers; none if the URL is of another origin.
    """
    return dict(headers) if is_same_origin(url, server) else {}


def _origin(url: str) -> tuple[bool, str | None, int | None]:
    """Return whether a URL uses TLS, its host and its port; without a host if it is invalid."""
    try:
        parts = urlsplit(url)
        return parts.scheme in ENCRYPTED, parts.hostname, parts.port or PORTS.get(parts.scheme)
    except ValueError:
        return False, None, None
