"""Why a connection ends, whatever it travels over."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = [
    "GOING_AWAY",
    "INTERNAL_ERROR",
    "NORMAL",
    "POLICY_VIOLATION",
    "TOO_BIG",
    "TRY_AGAIN_LATER",
    "UNSUPPORTED_DATA",
    "CloseReason",
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
"""Bytes that the reason in a close frame may have (RFC 6455, section 5.5)."""


@dataclass(frozen=True)
class CloseReason:
    """Why a connection ends.

    Attributes:
        code: A close code of RFC 6455; WebRTC has none, there it is for the log.
        text: For people.
    """

    code: int = NORMAL
    text: str = ""

    @property
    def short_text(self) -> str:
        """The text, cut to what a close frame may have."""
        return self.text.encode()[:MAX_REASON_BYTES].decode(errors="ignore")
