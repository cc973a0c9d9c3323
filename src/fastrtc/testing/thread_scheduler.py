"""Let the threads of a call run one at a time, in an order that is the same in each run."""

from __future__ import annotations

import contextlib
import threading
import time
from _thread import allocate_lock
from collections import deque
from collections.abc import Callable, Iterator

from .cpu_wait import CpuWait, computed_ns

__all__ = ["GRACE_S", "Parked", "ThreadScheduler"]

GRACE_S = 0.1
"""What a thread, or the loop, may compute at a stretch without taking any time on the clock, in
seconds of real time. Anything longer counts in full. Far more than the turn detection needs for a
frame; otherwise no two runs would be the same."""


POLL_S = 0.01
"""Interval at which to look at a thread that waits for a CPU, in seconds of real time."""


MAX_IDLE = 5
"""How often in a row such a thread must be seen to wait for anything else, such as the GIL, or to
have computed for longer, before it runs freely."""


class Parked:
    """A thread that waits until it may run; once released, a new one is needed.

    Attributes:
        wakes: Released when it may.
        native_id: The id that the system has for the thread.
        computed_ns: How long it had computed until then, in nanoseconds.
    """

    def __init__(self) -> None:
        self.wakes = allocate_lock()
        self.wakes.acquire()
        self.native_id = 0
        self.computed_ns = 0


class ThreadScheduler:
    """Run threads in turn while the event loop waits in ``settle``.

    A thread that is woken, or started, does not run at once: it is ready, and runs when the loop
    has nothing to do and the threads before it wait again. One that computes for longer than
    ``GRACE_S`` no longer holds up the others, nor does one that was released because the loop is
    blocked. Such threads, and those of executors that the call has not started, run freely.

    Args:
        real: The real time in which threads compute.

    Attributes:
        lock: Guards the state of all waiting threads.
        busy_since: The real time since which at least one thread has been running freely.
        wake_loop: Called when a thread is ready while the loop may be waiting for files.
    """

    def __init__(self, real: CpuWait) -> None:
        self.lock = allocate_lock()
        self.busy_since = 0.0
        self.wake_loop: Callable[[], object] = bool
        self._real = real
        self._here = threading.local()
        self._ready: deque[Parked] = deque()
        self._running: Parked | None = None  # in its turn
        self._since = 0.0  # when its turn began
        self._idle = 0  # how often it was seen to wait
        self._free = 0  # running out of turn
        self._starters: set[object] = set()  # turns of threads, or this for the loop
        self._settling = False
        self._closed = False
        self._awaited = False  # the loop waits for a change
        self._changed = allocate_lock()  # released then
        self._changed.acquire()

    def adopt_loop(self) -> None:
        """Record that the running thread is that of the loop."""
        self._here.is_loop = True

    def enter(self) -> None:
        """Count another thread that runs freely."""
        with self.lock:
            self._count_free(self._real.recent_time())

    def leave(self) -> None:
        """Count a thread that runs freely no longer."""
        with self.lock:
            self._uncount_free()

    def end(self) -> None:
        """Record that the running thread ends."""
        with self.lock:
            self.stop()

    def park(self, parked: Parked) -> None:
        """Wait until it is the turn of the running thread."""
        parked.native_id = threading.get_native_id()
        parked.computed_ns = time.thread_time_ns()
        parked.wakes.acquire()
        self._here.turn = parked

    @contextlib.contextmanager
    def starting(self) -> Iterator[None]:
        """Record that the running thread waits for another to start, within the block.

        No other thread has to run first. On a busy machine it may take long.
        """
        is_loop = getattr(self._here, "is_loop", False)
        starter = self if is_loop else getattr(self._here, "turn", None)
        self._starters.add(starter)
        try:
            yield
        finally:
            self._starters.discard(starter)

    def stop(self) -> None:
        """Record that the running thread waits, or ends; the lock must be held."""
        if self._running is not None and self._running is getattr(self._here, "turn", None):
            self._run_next()
        else:
            self._uncount_free()

    def add(self, parked: Parked) -> None:
        """Let a thread run when its turn comes; the lock must be held."""
        self._ready.append(parked)
        if self._closed:
            self._free_all()
        elif not self._settling and not getattr(self._here, "is_loop", False):
            self.wake_loop()

    def remove(self, parked: Parked) -> None:
        """Forget a thread that could not be started."""
        with self.lock:
            if parked in self._ready:
                self._ready.remove(parked)

    def settle(self) -> bool:
        """Let all threads run until they wait, each for ``GRACE_S`` at most; for the loop.

        Returns:
            Whether all threads wait.
        """
        with self.lock:
            self._settling = True
        try:
            while (quiet := self._is_quiet()) is None:
                pass
            return quiet
        finally:
            with self.lock:
                self._settling = False

    def _is_quiet(self) -> bool | None:
        """Wait for a change; return None if there is more to wait for."""
        with self.lock:
            if self._running is None and self._ready:
                self._run_next()
            if self._running is None and not self._free:
                return True
            timeout_s = self._timeout_s()
            self._awaited = True
        if timeout_s > 0 and self._changed.acquire(timeout=timeout_s):
            return None
        with self.lock:
            if not self._awaited:  # in this moment
                self._changed.acquire()
                return None
            self._awaited = False
            if self._real.time() < self._deadline():
                return None
            if self._running is None:
                return False
            goes_on = self._running in self._starters or _waits_for_a_cpu(self._running)
            self._idle = 0 if goes_on else self._idle + 1
            if self._idle < MAX_IDLE:
                return None
            self._idle, self._running = 0, None
            self._count_free(self._since)
            return None

    def _timeout_s(self) -> float:
        """Return how long to wait for a change."""
        timeout_s = self._deadline() - self._real.recent_time()
        return timeout_s if timeout_s > 0 or self._running is None else POLL_S

    def _deadline(self) -> float:
        return GRACE_S + (self.busy_since if self._running is None else self._since)

    def free_ready(self) -> None:
        """Let all threads that are ready run freely, as the loop is blocked."""
        with self.lock:
            if not self._settling and self not in self._starters:
                self._free_all()

    def close(self) -> None:
        """Let all threads run freely from now on."""
        with self.lock:
            self._closed = True
            self._free_all()

    def not_busy_before_now(self) -> None:
        """Do not count what threads have computed so far."""
        with self.lock:
            self.busy_since = self._real.time()

    def _run_next(self) -> None:
        self._running = None
        if self._ready:
            self._running, self._since = self._ready.popleft(), self._real.recent_time()
            self._running.wakes.release()
        else:
            self._signal()

    def _free_all(self) -> None:
        while self._ready:
            self._count_free(self._real.recent_time())
            self._ready.popleft().wakes.release()

    def _count_free(self, since: float) -> None:
        if not self._free:
            self.busy_since = since
        self._free += 1

    def _uncount_free(self) -> None:
        self._free -= 1
        if not self._free and self._running is None:
            self._signal()

    def _signal(self) -> None:
        if self._awaited:
            self._awaited = False
            self._changed.release()


def _waits_for_a_cpu(parked: Parked) -> bool:
    """Return whether a thread has computed for less than ``GRACE_S``, and could go on."""
    computed = computed_ns(parked.native_id)
    return computed is not None and computed - parked.computed_ns < GRACE_S * 1e9
