"""A WebSocket of Starlette, as the transport needs it."""

from __future__ import annotations

from fastapi import WebSocket
from starlette.websockets import WebSocketState

from ..core.close_reason import CloseReason
from ..transport.socket._compat_server import drop_if_unread

__all__ = ["StarletteSocket"]


class StarletteSocket:
    """A WebSocket of Starlette or FastAPI.

    Args:
        websocket: Accepted already, or not yet.
    """

    def __init__(self, websocket: WebSocket) -> None:
        self._websocket = websocket

    @property
    def is_read(self) -> bool:
        """Whether the client is there, as far as it is known."""
        return self._websocket.client_state is WebSocketState.CONNECTED

    @property
    def is_open(self) -> bool:
        """Whether the server has accepted it, and not closed it."""
        return self._websocket.application_state is WebSocketState.CONNECTED

    async def accept(self) -> None:
        """Accept it, if that has not been done."""
        if self._websocket.application_state is WebSocketState.CONNECTING:
            await self._websocket.accept()

    async def receive(self) -> str | bytes | None:
        """Wait for the next message; None if the client has gone."""
        message = await self._websocket.receive()
        if message["type"] == "websocket.disconnect":
            return None
        content: str | bytes | None = message.get("text")
        return (message.get("bytes") or b"") if content is None else content

    async def send(self, message: str | bytes) -> None:
        """Send a message.

        Raises:
            Exception: Of many types, by the server, when the client has gone.
        """
        if isinstance(message, str):
            await self._websocket.send_text(message)
        else:
            await self._websocket.send_bytes(message)

    async def close(self, reason: CloseReason) -> None:
        """Close it.

        Raises:
            Exception: Of many types, by the server, when both ends close it.
        """
        await self._websocket.close(reason.code, reason.short_text)

    def drop_if_unread(self, timeout_s: float) -> None:
        """Drop the TCP connection if the client has not taken the close frame in time."""
        drop_if_unread(self._websocket, timeout_s)
