"""Telling a client that is slow from one that does not read."""

from __future__ import annotations

__all__ = ["StalledClientDetector"]

MAX_WAITING = 1 << 20
"""Bytes, or characters, that may wait for however long: 15 s of PCM audio at 24 kHz."""

MAX_EVER = 16 << 20
"""Bytes that may wait for a client that takes some of them: a program may say much at once."""

PATIENCE_S = 10.0
"""How long a client may take nothing at all, in seconds for each ``MAX_WAITING`` that waits:
what it takes is seen by whole messages, so this is a megabyte over 0.8 Mbit/s."""


class StalledClientDetector:
    """Watches what waits for one client; without I/O and without a clock."""

    def __init__(self) -> None:
        self._taken: int | None = None
        self._since = 0.0

    def is_too_much(self, waiting: int, taken: int, now: float) -> bool:
        """Tell whether no more should be added.

        Args:
            waiting: How much waits.
            taken: How much the client has taken so far.
            now: The time, in seconds of any clock.
        """
        if waiting <= MAX_WAITING:
            self._taken = None
            return False
        if taken != self._taken:
            self._taken, self._since = taken, now
        patience_s = PATIENCE_S * waiting / MAX_WAITING
        return waiting > MAX_EVER or now - self._since > patience_s
