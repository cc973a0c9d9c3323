"""The protocol over a WebSocket: its events are messages, with the audio in them."""

from __future__ import annotations

import json
from typing import Any

from ...core.context import Call
from ...transport.socket.events import Audio, SocketEvent, Start
from ...transport.socket.open_socket import OpenSocket
from .connection import RealtimeConnection
from .errors import error_body

__all__ = ["RealtimeSocketProtocol"]


class RealtimeSocketProtocol:
    """The ``SocketProtocol`` of the clients.

    Args:
        model: The model that the client has named.
    """

    def __init__(self, model: str) -> None:
        self._model = model
        self._connection: RealtimeConnection | None = None

    def carry(self, opened: OpenSocket) -> None:
        """Serve a session over an open socket."""
        self._connection = RealtimeConnection(
            opened.session,
            opened.media,
            self._model,
            opened.put,
            webrtc=False,
            unplayed_s=opened.unplayed_s,
        )
        self._connection.prepare(None)

    def receive(self, message: str | bytes) -> list[SocketEvent]:
        """Parse a message of the client; never raises."""
        if self._connection is None:
            return []
        return [Audio(pcm) for pcm in self._connection.receive(message)]

    def started(self, start: Start) -> None:
        """Greet the client."""
        if self._connection is not None:
            self._connection.open()

    def audio(self, payload: bytes) -> str | None:
        """Format audio, which is in the encoding of ``Start``."""
        return None if self._connection is None else self._connection.audio(payload)

    def message(self, text: str) -> str | None:
        """Format a message of the session; None, as several events may be sent."""
        if self._connection is None:
            return refusal_event(json.loads(text))
        self._connection.translate(text)
        return None

    def clear(self) -> None:
        """Return None: a client drops its audio when the response is cancelled."""

    def pause(self) -> None:
        """Return None: clients do not pause."""

    def resume(self) -> None:
        """Return None: clients do not pause."""

    def mark(self, name: str) -> None:
        """Return None: there are no marks."""

    def pong(self) -> None:
        """Return None: there are no pings."""

    async def hang_up(self, call: Call) -> None:
        """Do nothing: there is no call."""


def refusal_event(answer: dict[str, Any]) -> str:
    """Return the ``error`` event for the refusal of a connection, or for an error before it."""
    meta = answer.get("meta") or {}
    code = meta.get("error", "server_error")
    reason = meta.get("reason") or answer.get("message") or f"The session is refused: {code}"
    return json.dumps({"type": "error", "event_id": "event_0", "error": error_body(reason, code)})
