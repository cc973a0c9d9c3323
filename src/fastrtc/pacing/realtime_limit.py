"""Limit on audio that arrives faster than real time. No clock."""

from __future__ import annotations

__all__ = ["RealtimeAudioLimit"]

AHEAD_S = 30.0
"""How far audio may run ahead of real time, in seconds: the capacity of the queue in front of a
slow handler. Within it, a client may send a recording or delayed audio at once."""

MIN_S = 0.001
"""The minimum duration that each chunk is charged, in seconds, so that tiny chunks are limited,
too."""


class RealtimeAudioLimit:
    """Limit the audio of a client to real time. Times are in seconds of any clock."""

    def __init__(self) -> None:
        self._until: float | None = None

    def take(self, seconds: float, now: float) -> bool:
        """Return whether to accept audio, and charge it if so."""
        until = now if self._until is None else max(self._until, now)
        allowed = until + seconds <= now + AHEAD_S
        if allowed:
            self._until = until + max(seconds, MIN_S)
        return allowed
