"""Distinguish a slow client from one that does not read."""

from __future__ import annotations

__all__ = ["StalledClientDetector"]

MAX_WAITING = 1 << 20
"""Bytes (or characters) that may be queued for any time: 15 s of PCM audio at 24 kHz."""

MAX_EVER = 16 << 20
"""Bytes that may be queued for a client that reads: a program may send much at once."""

PATIENCE_S = 10.0
"""How long a client may read nothing, in seconds for each ``MAX_WAITING`` that is queued. Progress
is seen by whole messages, so this is a megabyte over 0.8 Mbit/s."""


class StalledClientDetector:
    """Observe the queue of one client. No I/O and no clock."""

    def __init__(self) -> None:
        self._taken: int | None = None
        self._since = 0.0

    def is_too_much(self, waiting: int, taken: int, now: float) -> bool:
        """Return whether to give up on the client.

        Args:
            waiting: Bytes (or characters) that are queued.
            taken: Bytes (or characters) that the client has read so far.
            now: The time, in seconds of any clock.
        """
        if waiting <= MAX_WAITING:
            self._taken = None
            return False
        if taken != self._taken:
            self._taken, self._since = taken, now
        patience_s = PATIENCE_S * waiting / MAX_WAITING
        return waiting > MAX_EVER or now - self._since > patience_s
