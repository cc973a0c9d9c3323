"""The WebSocket of Starlette, as the socket transport uses it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from fastapi import WebSocket, WebSocketDisconnect
from fastapi.responses import JSONResponse
from starlette.websockets import WebSocketState

from ..core.close_reason import POLICY_VIOLATION, CloseReason
from ..core.errors import SessionRefused
from ..transport.socket._compat_server import (
    connection_of,
    drop_if_unread,
    unsent_bytes,
)
from .tokens import PREFIX

__all__ = ["StarletteSocket"]

DENIAL = "websocket.http.response"
"""The extension of ASGI for a response to the handshake other than its acceptance."""

SUBPROTOCOL = "fastrtc"
"""The subprotocol that a browser offers beside its token."""


class StarletteSocket:
    """A WebSocket of Starlette or FastAPI.

    Args:
        websocket: Whether it is already accepted does not matter.
    """

    def __init__(self, websocket: WebSocket) -> None:
        self._websocket = websocket
        self._connection: asyncio.Transport | None = None
        self._close_code: int | None = None

    @property
    def is_read(self) -> bool:
        """Whether the client is connected, as far as the server knows."""
        return self._websocket.client_state is WebSocketState.CONNECTED

    @property
    def is_open(self) -> bool:
        """Whether the server has accepted and not closed it."""
        return self._websocket.application_state is WebSocketState.CONNECTED

    @property
    def is_closed(self) -> bool:
        """Whether the client or the server has closed it, as far as the server knows."""
        closed = WebSocketState.DISCONNECTED
        return closed in (self._websocket.client_state, self._websocket.application_state)

    @property
    def close_code(self) -> int | None:
        """The code with which the client has closed it; None before, and if there is none."""
        return self._close_code

    def is_idle(self) -> bool:
        """Return whether the server has sent all data; False if that is not known."""
        if self._connection is None:
            self._connection = connection_of(self._websocket)
        return self._connection is not None and not unsent_bytes(self._connection)

    async def accept(self) -> None:
        """Accept it, unless it is already accepted."""
        if self._websocket.application_state is WebSocketState.CONNECTING:
            await self._websocket.accept(_subprotocol(self._websocket.scope))

    async def receive(self) -> str | bytes | None:
        """Wait for the next message; None if the client has disconnected."""
        message = await self._websocket.receive()
        if message["type"] == "websocket.disconnect":
            self._close_code = message.get("code")
            return None
        content: str | bytes | None = message.get("text")
        return (message.get("bytes") or b"") if content is None else content

    async def send(self, message: str | bytes) -> None:
        """Send a message.

        Raises:
            Exception: Of various types, raised by the server if the client has disconnected.
        """
        if isinstance(message, str):
            await self._websocket.send_text(message)
        else:
            await self._websocket.send_bytes(message)

    async def close(self, reason: CloseReason) -> None:
        """Close it.

        Raises:
            Exception: Of various types, raised by the server if both ends close it.
        """
        await self._websocket.close(reason.code, reason.short_text)

    async def refuse(self, refusal: SessionRefused) -> None:
        """Send the client a refusal, and close it; if it has disconnected, do nothing."""
        await self.accept()
        with suppress(WebSocketDisconnect, RuntimeError):
            await self.send(json.dumps(refusal.answer))
            await self.close(CloseReason(POLICY_VIOLATION, refusal.code))

    async def deny(self, refusal: SessionRefused) -> bool:
        """Answer the handshake with the status 503 and a refusal.

        Returns:
            Whether the server supports it, and the socket has not been accepted yet.
        """
        unanswered = self._websocket.application_state is WebSocketState.CONNECTING
        if not unanswered or DENIAL not in self._websocket.scope.get("extensions", {}):
            return False
        with suppress(WebSocketDisconnect):
            await self._websocket.send_denial_response(JSONResponse(refusal.answer, 503))
        return True

    def drop_if_unread(self, timeout_s: float) -> None:
        """Drop the TCP connection if the client does not read the close frame in time."""
        drop_if_unread(self._websocket, timeout_s)


def _subprotocol(scope: Mapping[str, Any]) -> str | None:
    """Return the subprotocol to accept.

    A browser that offers subprotocols, one of which is its token, closes the socket unless the
    server selects one of them.
    """
    offered: list[str] = scope.get("subprotocols") or []
    tokens = [one for one in offered if one.startswith(PREFIX)]
    return SUBPROTOCOL if SUBPROTOCOL in offered else next(iter(tokens), None)
