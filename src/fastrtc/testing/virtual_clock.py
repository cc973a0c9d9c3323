"""A clock that stands still while something runs, and then jumps to the next timer.

The event loop of a call and the threads that it starts share one clock. A thread that waits, be it
for a condition, a queue or a time, is known to wait (see ``virtual_threads``); the clock advances
only when all of them wait and the loop has nothing to do.
"""

from __future__ import annotations

import itertools
import threading
from heapq import heappop, heappush
from math import inf

from .cpu_wait import CpuWait
from .thread_scheduler import Parked, ThreadScheduler

__all__ = ["VirtualClock", "Waiter"]

START_S = 1000.0
"""The first time of a clock, in seconds; always the same, so that times are rounded alike."""


class VirtualClock:
    """The clock of one call; its methods are thread-safe unless they say otherwise.

    Attributes:
        now: The time in seconds.
        real: The real time in which the threads compute.
        scheduler: Lets the threads run.
        threads: The threads of the call that have not ended, and what is set when they do.
        others: The native ids of the threads that run the call: the creator's and the loop's.
    """

    def __init__(self) -> None:
        self.now = START_S
        self.threads: dict[threading.Thread, threading.Event] = {}
        self.others = [threading.get_native_id()]
        self.real = CpuWait(self.native_ids)
        self.scheduler = ThreadScheduler(self.real)
        self._timers: list[tuple[float, int, Waiter]] = []  # a heap
        self._order = itertools.count()

    def native_ids(self) -> list[int | None]:
        """Return the ids that the system has for the threads.

        Those of ``others`` are among them, for whose GIL a thread may wait.
        """
        return [*self.others, *(thread.native_id for thread in list(self.threads))]

    def add_timer(self, when: float, waiter: Waiter) -> None:
        """End the wait of a thread at a time; the lock must be held."""
        heappush(self._timers, (when, next(self._order), waiter))

    def next_timer(self) -> float:
        """Return the time at which the next thread must wake up; infinity if there is none."""
        with self.scheduler.lock:
            while self._timers and self._timers[0][2].done:
                heappop(self._timers)
            return self._timers[0][0] if self._timers else inf

    def wake_due(self) -> bool:
        """Wake the threads whose time has come; return whether there was one."""
        woken = False
        while self.next_timer() <= self.now:
            with self.scheduler.lock:
                waiter = heappop(self._timers)[2]
            woken = waiter.expire() or woken
        return woken


class Waiter(Parked):
    """A thread that waits; like a lock that is held, ``release`` lets it continue.

    Args:
        clock: The clock of the thread.

    Attributes:
        done: Whether it was released, or its time has come.
    """

    def __init__(self, clock: VirtualClock) -> None:
        super().__init__()
        self._clock = clock
        self._waits = False
        self._expired = False
        self.done = False

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait in the thread, on the clock of the call.

        Returns:
            Whether it was released, rather than its time had come.
        """
        clock, scheduler = self._clock, self._clock.scheduler
        with scheduler.lock:
            if self.done:
                return True
            if timeout_s is not None and timeout_s <= 0:
                self.done = True
                return False
            self._waits = True
            if timeout_s is not None:
                clock.add_timer(clock.now + timeout_s, self)
            scheduler.stop()
        scheduler.park(self)
        return not self._expired

    def release(self) -> None:
        """Let the thread continue."""
        self._end(expired=False)

    def expire(self) -> bool:
        """Let the thread continue because its time has come; return whether it waited."""
        return self._end(expired=True)

    def _end(self, *, expired: bool) -> bool:
        scheduler = self._clock.scheduler
        with scheduler.lock:
            if self.done:
                return False
            self.done, self._expired = True, expired
            if self._waits:
                scheduler.add(self)
        return True
