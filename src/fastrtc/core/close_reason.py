"""Reasons for the end of a connection, for every transport."""

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
"""Maximum size of the reason in a close frame, in bytes (RFC 6455, section 5.5)."""


@dataclass(frozen=True)
class CloseReason:
    """The reason for the end of a connection.

    Attributes:
        code: A close code of RFC 6455; for WebRTC, which has none, it is only logged.
        text: The reason in words.
    """

    code: int = NORMAL
    text: str = ""

    @property
    def short_text(self) -> str:
        """The text, truncated to ``MAX_REASON_BYTES``."""
        return self.text.encode()[:MAX_REASON_BYTES].decode(errors="ignore")
