"""One timer for all that wait on an event loop."""

from __future__ import annotations

import asyncio
import itertools
import weakref
from heapq import heapify, heappop, heappush
from math import inf
from typing import Any

__all__ = ["TICK_S", "LoopClock", "clock_of"]

TICK_S = 0.001
"""Waiters whose times are this close together, in seconds, are woken together, the later ones early
by as much: an event loop's own clock is no more precise."""

MAX_DONE = 64
"""Waiters that no longer wait, beyond which they are removed once they are the majority."""


class LoopClock:
    """Wake the waiters of an event loop, each at its time.

    Every session waits for the time of its next frame, mostly woken earlier by audio. A timer of
    the event loop for each wait would cost more than the wait; this needs one for all of them, and
    none while nothing waits.

    Args:
        loop: The event loop. All methods are called on it.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._order = itertools.count()
        self._waiting: list[tuple[float, int, asyncio.Future[Any]]] = []  # a heap
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = inf
        self._done = 0

    def wake_at(self, when: float, waiter: asyncio.Future[Any]) -> None:
        """Set the result of a future to None at a time, unless it is done earlier.

        Args:
            when: Time on the loop's clock. It is woken up to ``TICK_S`` early.
            waiter: The future.
        """
        heappush(self._waiting, (when, next(self._order), waiter))
        if when < self._timer_at:
            self._set_timer(when)

    def note_done(self) -> None:
        """Record that a waiter was done before its time."""
        self._done += 1
        if self._done > MAX_DONE and 2 * self._done > len(self._waiting):
            self._waiting = [entry for entry in self._waiting if not entry[2].done()]
            heapify(self._waiting)
            self._done = 0

    def _set_timer(self, when: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer_at = when
        self._timer = self._loop.call_at(when, self._tick)

    def _tick(self) -> None:
        until = self._loop.time() + TICK_S
        waiting = self._waiting
        while waiting:
            when, _, waiter = waiting[0]
            if waiter.done():
                self._done -= self._done > 0
            elif when <= until:
                waiter.set_result(None)
            else:
                break
            heappop(waiting)
        self._timer, self._timer_at = None, inf
        if waiting:
            self._set_timer(waiting[0][0])


_clocks: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, weakref.ref[LoopClock]] = (
    weakref.WeakKeyDictionary()
)
"""Weak on both sides: a clock refers to its loop."""


def clock_of(loop: asyncio.AbstractEventLoop) -> LoopClock:
    """Return the clock of an event loop."""
    reference = _clocks.get(loop)
    clock = None if reference is None else reference()
    if clock is None:
        clock = LoopClock(loop)
        _clocks[loop] = weakref.ref(clock)
    return clock
