"""Reasons for the end of a connection, for every transport."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from .stats import ConnectionStats

__all__ = [
    "GOING_AWAY",
    "INTERNAL_ERROR",
    "NORMAL",
    "POLICY_VIOLATION",
    "TOO_BIG",
    "TRY_AGAIN_LATER",
    "UNSUPPORTED_DATA",
    "CloseReason",
    "ConnectionEnd",
    "EndCode",
]

NORMAL = 1000
GOING_AWAY = 1001
UNSUPPORTED_DATA = 1003
POLICY_VIOLATION = 1008
TOO_BIG = 1009
INTERNAL_ERROR = 1011
"""Close codes of RFC 6455, section 7.4.1."""

TRY_AGAIN_LATER = 1013
"""The close code for a server that is full (IANA's WebSocket Close Code Number Registry)."""

MAX_REASON_BYTES = 123
"""Maximum size of the reason in a close frame, in bytes (RFC 6455, section 5.5)."""


EndCode: TypeAlias = Literal["time_limit", "idle", "error", "server", "replaced", "closed"]
"""Why a connection has ended: ``time_limit`` or ``idle_timeout`` of the stream, an ``error`` of the
handler or a limit that the client exceeded, the ``server`` or its program, ``replaced`` by another
connection of the same client, or ``closed`` by the client or its network."""

_OF_CODES: dict[int, EndCode] = {
    GOING_AWAY: "server",
    INTERNAL_ERROR: "error",
    POLICY_VIOLATION: "error",
    TOO_BIG: "error",
}


@dataclass(frozen=True)
class ConnectionEnd:
    """The end of a connection, as ``on_disconnect`` gets it.

    Attributes:
        code: Why it has ended: ``"time_limit"``, ``"idle"``, ``"error"``, ``"server"``,
            ``"replaced"`` or ``"closed"``.
        reason: The reason in words.
        duration_s: How long it was established, in seconds.
        transport: ``"webrtc"``, ``"websocket"`` or ``"telephone"``.
        messages: Number of messages that the client sent.
        stats: The figures of the connection: loss, round trip, dropped frames and others.
    """

    code: EndCode
    reason: str
    duration_s: float
    transport: Literal["webrtc", "websocket", "telephone"]
    messages: int = 0
    stats: ConnectionStats | None = None


@dataclass(frozen=True)
class CloseReason:
    """The reason for the end of a connection.

    Attributes:
        code: A close code of RFC 6455; for WebRTC, which has none, it is only logged.
        text: The reason in words.
        end: Why, as a code for clients and programs; None derives it from the close code.
    """

    code: int = NORMAL
    text: str = ""
    end: EndCode | None = None

    @property
    def end_code(self) -> EndCode:
        """Why, as a code for clients and programs."""
        return self.end or _OF_CODES.get(self.code, "closed")

    @property
    def short_text(self) -> str:
        """The text, truncated to ``MAX_REASON_BYTES``."""
        return self.text.encode()[:MAX_REASON_BYTES].decode(errors="ignore")
