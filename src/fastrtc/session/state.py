"""The states of a session."""

from __future__ import annotations

import enum

__all__ = ["State"]


class State(enum.Enum):
    """The state of a session; it only moves forward."""

    NEW = "new"
    LIVE = "live"
    CLOSING = "closing"
    CLOSED = "closed"
