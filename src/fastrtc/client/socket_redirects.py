"""Open a WebSocket, also behind redirects."""

from __future__ import annotations

from collections.abc import Mapping
from inspect import signature
from typing import Any

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus, InvalidURI, SecurityError
from websockets.uri import parse_uri

from .origins import HeaderScope, has_host
from .signaling import is_local
from .tls import socket_context

__all__ = ["connect_socket"]

MAX_REDIRECTS = 3

REDIRECTS = (301, 302, 303, 307, 308)

NO_PROXY: dict[str, Any] = {"proxy": None} if "proxy" in signature(connect).parameters else {}
"""The argument to connect without a proxy of the environment; websockets before 15 has none."""


async def connect_socket(url: str, headers: Mapping[str, str], **options: Any) -> ClientConnection:
    """Connect to a WebSocket, and follow redirects.

    Once one leads to another origin, neither the headers nor the subprotocols, which may be a
    token, are sent. No proxy is used for a server on this machine.

    Args:
        url: The URL, of WebSocket or HTTP.
        headers: The headers that the user has given, which may be credentials.
        options: Further arguments of ``websockets.asyncio.client.connect``.

    Raises:
        OSError: If the server cannot be reached.
        InvalidHandshake: If it refuses the handshake, or redirects to an invalid URL.
    """
    url = server = _socket_url(url)
    scope = HeaderScope(server, headers)
    for _ in range(MAX_REDIRECTS + 1):
        is_encrypted = url.startswith("wss:")
        tls: dict[str, Any] = {"ssl": socket_context()} if is_encrypted else {}
        proxy = NO_PROXY if is_local(url) else {}
        given = scope.headers_for(url)
        if not scope.is_own:
            options["subprotocols"] = None
        try:
            return await _Connect(url, additional_headers=given, **options, **tls, **proxy)
        except InvalidStatus as error:
            location = error.response.headers.get("Location")
            if error.response.status_code not in REDIRECTS or location is None:
                raise
            try:
                found = _socket_url(location, url)
            except SecurityError as invalid:
                raise SecurityError(f"{url} redirects to {invalid}") from error
            if is_encrypted and not found.startswith("wss:"):
                raise SecurityError(f"{url} redirects to {found}, without TLS") from error
            url = found
    raise SecurityError(f"{server} redirects more than {MAX_REDIRECTS} times")


def _socket_url(given: str, base: str | None = None) -> str:
    """Return a URL of WebSocket or HTTP as one of WebSocket, with its host as in DNS.

    Args:
        given: The URL.
        base: The URL that it is relative to; None for none.

    Raises:
        SecurityError: If it is no such URL.
    """
    try:
        url = httpx.URL(given) if base is None else httpx.URL(base).join(given)
        url = url.copy_with(scheme={"http": "ws", "https": "wss"}.get(url.scheme, url.scheme))
        if not has_host(str(url)):
            raise ValueError("the host is invalid")
        parse_uri(str(url))
    except (ValueError, httpx.InvalidURL, InvalidURI) as error:
        raise SecurityError(f"an invalid URL: {given!r}: {error}") from error
    return str(url)


class _Connect(connect):
    """Follow no redirects: websockets would send headers to another origin."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        """Return the response as the error that it is."""
        return exc
