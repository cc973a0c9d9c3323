"""Functions that are called when the audio at a position begins to be played."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from ..core.rates import FRAME_S

__all__ = ["Cues"]

MAX_WAITING = 256
"""Maximum number of functions that wait; beyond it, the first is called early."""

EXACT_S = 0.005
"""Audio of this length or less before the position counts as played: resampling changes it by as
much."""


class Cues:
    """Call functions in the order of their positions; on the event loop.

    Args:
        played_s: Returns how much of all audio that was ever queued was played or dropped, in
            seconds.
    """

    def __init__(self, played_s: Callable[[], float]) -> None:
        self._played_s = played_s
        self._waiting: deque[tuple[float, Callable[[], None]]] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False

    def add(self, at_s: float, function: Callable[[], None]) -> None:
        """Call a function when the audio before a position was played; never once closed.

        Args:
            at_s: The position in all audio that was ever queued, in seconds; not before that of
                the last call.
            function: The function; must not raise.
        """
        if self._closed:
            return
        self._waiting.append((at_s, function))
        if len(self._waiting) > MAX_WAITING:
            self._waiting.popleft()[1]()
        if self._timer is None:
            self._look()

    def clear(self) -> None:
        """Drop all functions: their audio was dropped."""
        self._waiting.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def close(self) -> None:
        """Drop all functions, and those that follow: nothing is played any more."""
        self._closed = True
        self.clear()

    def _look(self) -> None:
        self._timer = None
        while self._waiting:
            left_s = self._waiting[0][0] - self._played_s()
            if left_s > EXACT_S:
                loop = asyncio.get_running_loop()
                self._timer = loop.call_later(max(left_s, FRAME_S), self._look)
                return
            self._waiting.popleft()[1]()
