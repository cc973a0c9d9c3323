"""Open a WebSocket, also behind redirects."""

from __future__ import annotations

from collections.abc import Mapping
from inspect import signature
from typing import Any
from urllib.parse import urljoin

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus, InvalidURI, SecurityError
from websockets.uri import parse_uri

from .origins import headers_for, is_same_origin
from .signaling import is_local
from .tls import socket_context

__all__ = ["connect_socket"]

MAX_REDIRECTS = 3

REDIRECTS = (301, 302, 303, 307, 308)

NO_PROXY: dict[str, Any] = {"proxy": None} if "proxy" in signature(connect).parameters else {}
"""The argument to connect without a proxy of the environment; websockets before 15 has none."""


async def connect_socket(url: str, headers: Mapping[str, str], **options: Any) -> ClientConnection:
    """Connect to a WebSocket, and follow redirects.

    Those to another origin get neither the headers nor the subprotocols, which may be a token. No
    proxy is used for a server on this machine.

    Args:
        url: The URL, ``ws://`` or ``wss://``.
        headers: The headers that the user has given, which may be credentials.
        options: Further arguments of ``websockets.asyncio.client.connect``.

    Raises:
        OSError: If the server cannot be reached.
        InvalidHandshake: If it refuses the handshake, or redirects to an invalid URL.
    """
    server = url
    for _ in range(MAX_REDIRECTS + 1):
        tls: dict[str, Any] = {"ssl": socket_context()} if url.startswith("wss:") else {}
        proxy = NO_PROXY if is_local(url) else {}
        given = headers_for(url, server, headers)
        if not is_same_origin(url, server):
            options["subprotocols"] = None
        try:
            return await _Connect(url, additional_headers=given, **options, **tls, **proxy)
        except InvalidStatus as error:
            location = error.response.headers.get("Location")
            if error.response.status_code not in REDIRECTS or location is None:
                raise
            found = _redirected(url, location)
            if tls and not found.startswith("wss:"):
                raise SecurityError(f"{url} redirects to {found}, without TLS") from error
            url = found
    raise SecurityError(f"{server} redirects more than {MAX_REDIRECTS} times")


def _redirected(url: str, location: str) -> str:
    """Return the URL that a redirect leads to, ``ws://`` or ``wss://``.

    Raises:
        SecurityError: If it is no URL of a WebSocket.
    """
    try:
        found = urljoin(url, location)
        found = f"ws{found.removeprefix('http')}" if found.startswith("http") else found
        parse_uri(found)
    except (ValueError, InvalidURI) as error:
        raise SecurityError(f"{url} redirects to an invalid URL: {error}") from error
    return found


class _Connect(connect):
    """Follow no redirects: websockets would send headers to another origin."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        """Return the response as the error that it is."""
        return exc
