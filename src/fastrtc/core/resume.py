"""What a client says about resuming its session over another connection."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["ResumeRequest", "read_resume"]

MAX_SECRET = 256
"""Maximum length of a secret in characters."""


@dataclass(frozen=True)
class ResumeRequest:
    """The part of an offer, or of ``start``, about resuming.

    Attributes:
        secret: The secret of the session to resume; None for a new session that may be resumed.
        received: How many messages of the server the client has received in this session.
        heard: How far it has heard the audio of the connection that was lost: the RTP timestamp of
            the last frame that it has played, or the number of samples over a WebSocket.
    """

    secret: str | None = None
    received: int | None = None
    heard: int | None = None


def read_resume(message: Mapping[str, Any]) -> ResumeRequest | None:
    """Return what a message of a client says about resuming; None if it says nothing.

    Raises:
        ValueError: If a value has the wrong type.
    """
    value = message.get("resume")
    if value is None or value is False:
        return None
    if value is True:
        return ResumeRequest()
    if not isinstance(value, str) or not 0 < len(value) <= MAX_SECRET:
        raise ValueError(
            f"resume must be true, or the secret of the session: up to {MAX_SECRET} characters"
        )
    return ResumeRequest(value, _count(message, "received"), _count(message, "heard"))


def _count(message: Mapping[str, Any], name: str) -> int | None:
    value = message.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError(f"{name} must be an integer of at least 0")
    return value
