"""Silence in place of audio that a client does not send. No clock."""

from __future__ import annotations

import math

__all__ = ["SilenceClock"]

AFTER_S = 0.5
"""Time without audio before silence is inserted, in seconds: longer than a usual network stall, so
that a stall within a sentence is not a pause."""

LIMIT_S = 60.0
"""The most silence inserted for one gap, in seconds: an utterance whose options prevent its end
must not cost work for the rest of the connection."""

ROUNDING_S = 1e-6
"""Tolerance of times in seconds. uvloop's clock has whole milliseconds, so a block is often
requested exactly when it is due."""


class SilenceClock:
    """Decide how much silence is due while a client sends no audio.

    A muted track, a released push-to-talk button and discontinuous transmission (DTX) stop the
    audio, and with it the audio time that decides about the end of a turn. Audio covers the time
    from its arrival for its duration, so a client that sends a second at once is not late
    afterwards. Times are in seconds of any monotonic clock.

    Args:
        block_s: Length of a block of silence in seconds.
    """

    def __init__(self, block_s: float) -> None:
        self._block_s = block_s
        self._heard_until = -math.inf
        self._given = 0  # blocks, in this gap

    def heard(self, seconds: float, now: float) -> None:
        """Record the arrival of audio, which ends a gap."""
        self._heard_until = max(self._heard_until, now) + seconds
        self._given = 0

    def next_at(self) -> float:
        """Return when the next block of silence is due, unless audio arrives."""
        return self._heard_until + AFTER_S + self._given * self._block_s

    def take(self, now: float) -> int:
        """Return how many blocks of silence are due, and count them."""
        since_s = now - self._heard_until - AFTER_S + ROUNDING_S
        if since_s < 0:
            return 0
        due = math.floor(min(since_s, LIMIT_S) / self._block_s) + 1
        taken, self._given = max(0, due - self._given), max(due, self._given)
        return taken

    def missing(self, seconds: float) -> int:
        """Return how many blocks a gap still lacks, given its length as reported by the sender."""
        return max(0, round(min(seconds, LIMIT_S) / self._block_s) - self._given)
