"""How long a machine that is busy, or stands still, has held up an event loop."""

import asyncio
import threading
from collections.abc import Awaitable, Callable

import numpy as np

__all__ = ["AUDIBLE_S", "TRIES", "Stalls", "without_a_stall"]

AUDIBLE_S = 0.15
"""A longer stall may cost a word, in seconds: buffers hold less."""

TRIES = 3


class Stalls:
    """By how much the callbacks of an event loop were late, in seconds, but for a little."""

    EVERY_S = 0.01
    WINDOW_S = 0.5
    """Stalls so close to each other are one: a packet needs several turns of the loop."""

    def __init__(self) -> None:
        self._late: list[tuple[float, float]] = []  # when, and by how much
        self._over = threading.Event()

    def watch(self) -> None:
        """Begin, on the event loop."""
        self._loop = asyncio.get_running_loop()
        self._wait()

    def _wait(self) -> None:
        self._due_s = self._loop.time() + self.EVERY_S
        self._timer = self._loop.call_at(self._due_s, self._look)

    def _look(self) -> None:
        now = self._loop.time()
        self.note(now, now - self._due_s)
        if not self._over.is_set():
            self._wait()

    def note(self, at: float, late_s: float) -> None:
        """Note how late a callback was."""
        if late_s > self.EVERY_S:
            self._late.append((at, late_s))

    def end(self) -> None:
        self._over.set()

    def longest(self, start: float, end: float) -> float:
        """Return the length of the longest stall that overlaps a time, in seconds."""
        late = [(at, late_s) for at, late_s in self._late if at > start and at - late_s < end]
        ends = np.array([at for at, _ in late])
        total = np.cumsum([0.0, *(late_s for _, late_s in late)])
        first = np.searchsorted(ends, ends - self.WINDOW_S)
        return float(np.max(total[1:] - total[first], initial=0.0))

    def single(self) -> float:
        """Return by how much one callback was late at most, in seconds."""
        return max((late_s for _, late_s in self._late), default=0.0)

    def total(self) -> float:
        """Return the length of all stalls, in seconds."""
        return sum(late_s for _, late_s in self._late)


async def without_a_stall(speak: Callable[[], Awaitable[None]]) -> None:
    """Let a caller ask and be answered, and ask again if the machine has stalled meanwhile.

    A stall costs words in both directions. What is answered is not looked at: only the time counts.
    """
    for _ in range(TRIES):
        stalls = Stalls()
        stalls.watch()
        try:
            await speak()
        finally:
            stalls.end()
        if stalls.single() < AUDIBLE_S:
            break
