"""Silence in place of audio that a client does not send; without a clock."""

from __future__ import annotations

import math

__all__ = ["SilenceClock"]

AFTER_S = 0.5
"""How long audio must not have come before silence takes its place, in seconds: longer than a
network stalls now and then, so that a stall within a sentence is no pause."""

LIMIT_S = 60.0
"""How much silence is given for one gap at most, in seconds: an utterance that does not end
by it, as its options forbid, must not cost work for as long as the connection lasts."""

ROUNDING_S = 1e-6
"""What times may be wrong by. uvloop's are whole milliseconds, so that a block is often asked for
exactly when it is due."""


class SilenceClock:
    """Decides how much silence is due while a client sends no audio.

    A muted track, a released push-to-talk button and discontinuous transmission (DTX) stop the
    audio, and with it the audio time by which the end of a turn is decided. Audio counts from
    its arrival on for as long as it lasts, so a client that sends a second at once is not late
    for the next one. Times are in seconds, of any clock that does not jump.

    Args:
        block_s: The length of a block of silence.
    """

    def __init__(self, block_s: float) -> None:
        self._block_s = block_s
        self._heard_until = -math.inf
        self._given = 0  # blocks, in this gap

    def heard(self, seconds: float, now: float) -> None:
        """Record that so much audio has come: a gap is over."""
        self._heard_until = max(self._heard_until, now) + seconds
        self._given = 0

    def next_at(self) -> float:
        """Return when the next block of silence is due, unless audio comes."""
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
        """Return how many blocks a gap of so many seconds still lacks, as the sender says."""
        return max(0, round(min(seconds, LIMIT_S) / self._block_s) - self._given)
