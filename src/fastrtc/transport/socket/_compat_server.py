"""All uses of private names of Starlette and of the ASGI server."""

from __future__ import annotations

import asyncio
from typing import Any

__all__ = ["connection_of", "drop_if_unread", "unsent_bytes"]


def connection_of(websocket: Any) -> asyncio.Transport | None:
    """Return the ``asyncio.Transport`` of a Starlette ``WebSocket``; None if it is not accessible.

    ASGI has no interface for it. Starlette keeps the server's ``receive`` as ``_receive`` (seen in
    0.36 to 1.10), which in uvicorn is a method of the object with the ``transport`` (seen in 0.30
    to 0.54). With other servers, or below middleware that replaces ``receive``, it is None.
    """
    protocol = getattr(getattr(websocket, "_receive", None), "__self__", None)
    transport = getattr(protocol, "transport", None)
    return transport if hasattr(transport, "get_write_buffer_size") else None


def drop_if_unread(websocket: Any, timeout_s: float) -> None:
    """Abort the connection of a closing WebSocket if its client does not read the remaining data.

    A server that closes a connection sends its buffer first, for as long as the client's machine
    acknowledges packets: such a client would keep the connection open, and the server running.

    Args:
        websocket: A WebSocket that was closed, or that could not be closed.
        timeout_s: How long the client may take, in seconds.
    """
    connection = connection_of(websocket)
    if connection is not None and unsent_bytes(connection):
        asyncio.get_running_loop().call_later(timeout_s, connection.abort)


def unsent_bytes(connection: asyncio.Transport) -> int:
    """Return the number of unsent bytes of a connection."""
    try:
        return connection.get_write_buffer_size()
    except AttributeError:  # asyncio's TLS transport after a second close (Python 3.11 to 3.13)
        return 0
