"""A line over a WebSocket."""

from __future__ import annotations

from .client_line import ClientLine

__all__ = ["WebSocketLine"]


class WebSocketLine(ClientLine):
    """A line over a WebSocket, whose server sends audio ahead of playout."""

    transport = "websocket"
    delay_s = 0.04
    max_queued_s = 0.4
