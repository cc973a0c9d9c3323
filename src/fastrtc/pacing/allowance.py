"""How far ahead of real time a client may send; without a clock."""

from __future__ import annotations

__all__ = ["Allowance"]

AHEAD_S = 30.0
"""How much audio may come ahead of its time, in seconds: as much as waits for a slow handler. A
client may send a recording, or what it could not send for a while, at once."""

LEAST_S = 0.001
"""What each piece counts at least, in seconds, so that tiny ones are as limited."""


class Allowance:
    """Limits audio to what a client can have recorded. Times are in seconds of any clock."""

    def __init__(self) -> None:
        self._until: float | None = None

    def take(self, seconds: float, now: float) -> bool:
        """Tell whether audio is to be taken; if it is, it counts."""
        until = now if self._until is None else max(self._until, now)
        allowed = until + seconds <= now + AHEAD_S
        if allowed:
            self._until = until + max(seconds, LEAST_S)
        return allowed
