"""A clock that stands still while something runs, and then jumps to the next timer.

The event loop of a call and the threads that it starts share one clock. A thread that waits, be it
for a condition, a queue or a time, is known to wait (see ``virtual_threads``); the clock advances
only when all of them wait and the loop has nothing to do.
"""

from __future__ import annotations

import itertools
import threading
from _thread import allocate_lock
from heapq import heappop, heappush
from math import inf

from .cpu_wait import CpuWait

__all__ = ["GRACE_S", "VirtualClock", "Waiter"]

START_S = 1000.0
"""The first time of a clock, in seconds; always the same, so that times are rounded alike."""

GRACE_S = 0.1
"""What threads, or the loop, may compute at a stretch without taking any time on the clock, in
seconds of real time. Anything longer counts in full. Far more than the turn detection needs for a
frame; otherwise no two runs would be the same."""


class VirtualClock:
    """The clock of one call; its methods are thread-safe unless they say otherwise.

    Attributes:
        now: The time in seconds.
        lock: Guards the state of all waiting threads.
        real: The real time in which the threads compute.
        busy_since: The real time since which at least one thread has been running.
        threads: The threads of the call that have not ended, and what is set when they do.
        others: The native ids of the threads that run the call: the creator's and the loop's.
    """

    def __init__(self) -> None:
        self.now = START_S
        self.lock = allocate_lock()
        self.busy_since = 0.0
        self.threads: dict[threading.Thread, threading.Event] = {}
        self.others = [threading.get_native_id()]
        self.real = CpuWait(self.native_ids)
        self._running = 0
        self._awaited = False  # the loop waits until all threads wait
        self._quiet = allocate_lock()  # released then
        self._quiet.acquire()
        self._timers: list[tuple[float, int, Waiter]] = []  # a heap
        self._order = itertools.count()

    def native_ids(self) -> list[int | None]:
        """Return the ids that the system has for the threads.

        Those of ``others`` are among them, for whose GIL a thread may wait.
        """
        return [*self.others, *(thread.native_id for thread in list(self.threads))]

    def enter(self) -> None:
        """Count a thread as running."""
        with self.lock:
            self.count_up()

    def leave(self) -> None:
        """Count a running thread no longer: it ends."""
        with self.lock:
            self.count_down()

    def count_up(self) -> None:
        """Count a thread as running; the lock must be held."""
        if not self._running:
            self.busy_since = self.real.recent_time()
        self._running += 1

    def count_down(self) -> None:
        """Count a thread as waiting; the lock must be held."""
        self._running -= 1
        if not self._running and self._awaited:
            self._awaited = False
            self._quiet.release()

    def settle(self) -> bool:
        """Wait until all threads wait, but not longer than ``GRACE_S``; for the loop.

        Returns:
            Whether all threads wait.
        """
        while True:
            with self.lock:
                if not self._running:
                    return True
                self._awaited = True
                since = self.busy_since
            timeout_s = since + GRACE_S - self.real.recent_time()
            if timeout_s > 0 and self._quiet.acquire(timeout=timeout_s):
                return True
            with self.lock:
                if not self._awaited:  # in this moment
                    self._quiet.acquire()
                    return True
                self._awaited = False
            if self.real.time() >= self.busy_since + GRACE_S:
                return False

    def not_busy_before_now(self) -> None:
        """Do not count what threads have computed so far."""
        self.busy_since = self.real.time()

    def add_timer(self, when: float, waiter: Waiter) -> None:
        """End the wait of a thread at a time; the lock must be held."""
        heappush(self._timers, (when, next(self._order), waiter))

    def next_timer(self) -> float:
        """Return the time at which the next thread must wake up; infinity if there is none."""
        with self.lock:
            while self._timers and self._timers[0][2].done:
                heappop(self._timers)
            return self._timers[0][0] if self._timers else inf

    def wake_due(self) -> bool:
        """Wake the threads whose time has come; return whether there was one."""
        woken = False
        while self.next_timer() <= self.now:
            with self.lock:
                waiter = heappop(self._timers)[2]
            woken = waiter.expire() or woken
        return woken


class Waiter:
    """A thread that waits; like a lock that is held, ``release`` lets it continue.

    Args:
        clock: The clock of the thread.

    Attributes:
        done: Whether it was released, or its time has come.
    """

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock
        self._wakes = allocate_lock()
        self._wakes.acquire()
        self._waits = False
        self._expired = False
        self.done = False

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait in the thread, on the clock of the call.

        Returns:
            Whether it was released, rather than its time had come.
        """
        clock = self._clock
        with clock.lock:
            if self.done:
                return True
            if timeout_s is not None and timeout_s <= 0:
                self.done = True
                return False
            self._waits = True
            if timeout_s is not None:
                clock.add_timer(clock.now + timeout_s, self)
            clock.count_down()
        self._wakes.acquire()
        return not self._expired

    def release(self) -> None:
        """Let the thread continue."""
        self._end(expired=False)

    def expire(self) -> bool:
        """Let the thread continue because its time has come; return whether it waited."""
        return self._end(expired=True)

    def _end(self, *, expired: bool) -> bool:
        with self._clock.lock:
            if self.done:
                return False
            self.done, self._expired = True, expired
            if self._waits:
                self._clock.count_up()
        self._wakes.release()
        return True
