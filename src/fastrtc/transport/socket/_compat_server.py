"""Whatever touches a private name of Starlette, or of the server below it."""

from __future__ import annotations

import asyncio
from typing import Any

__all__ = ["connection_of", "drop_if_unread"]


def connection_of(websocket: Any) -> asyncio.Transport | None:
    """Give the connection that a Starlette ``WebSocket`` travels over, if it can be reached.

    ASGI has no word for it. Starlette keeps the server's ``receive`` as ``_receive`` (seen in 0.36
    to 1.10), which in uvicorn is a method of what has the ``transport`` (seen in 0.30 to 0.54).
    With other servers, or below middleware that replaces ``receive``, it is None.
    """
    protocol = getattr(getattr(websocket, "_receive", None), "__self__", None)
    transport = getattr(protocol, "transport", None)
    return transport if hasattr(transport, "get_write_buffer_size") else None


def drop_if_unread(websocket: Any, within_s: float) -> None:
    """Drop the connection of a WebSocket that ends, if its client does not read the rest.

    A server that closes a connection first sends what waits, for as long as the client's machine
    answers at all: such a client would keep the connection, and the server from ending.

    Args:
        websocket: It was closed, or could not be.
        within_s: How long the client may take, in seconds.
    """
    connection = connection_of(websocket)
    if connection is not None and _unsent(connection):
        asyncio.get_running_loop().call_later(within_s, connection.abort)


def _unsent(connection: asyncio.Transport) -> int:
    """Tell how many bytes wait in a connection."""
    try:
        return connection.get_write_buffer_size()
    except AttributeError:  # asyncio's of TLS, once it was closed twice (Python 3.11 to 3.13)
        return 0
