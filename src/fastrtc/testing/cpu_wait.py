"""How long threads have waited for a CPU, because the machine was busy."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

__all__ = ["BlockedThread", "CpuWait", "computed_ns"]

TASKS = "/proc/self/task"
"""The threads of this process; only on Linux."""

FRESH_S = 0.05
"""How old a measurement may be at the start of a computation, in seconds. Each costs 10 to 20 us
for each thread."""

_real_time = time.monotonic


class CpuWait:
    """Real time without that in which threads were ready to run, but had no CPU.

    What they compute then takes about the same time on a busy machine. Where the system does not
    tell, the waits are not subtracted. Those of several threads are added up, as one of them may
    have waited for the GIL of another. A thread that is new counts from its start, for which the
    thread that started it has waited.

    Args:
        threads: Returns the native ids of the threads.
    """

    def __init__(self, threads: Callable[[], Iterable[int | None]]) -> None:
        self._threads = threads
        self._waited_ns: dict[int | None, int] = {}
        self._total_s = 0.0
        self._measured_at = _real_time()
        self._measure(self._measured_at)
        self._total_s = 0.0

    def time(self) -> float:
        """Return the time in seconds."""
        now = _real_time()
        self._measure(now)
        return now - self._total_s

    def recent_time(self) -> float:
        """Return the same at less cost; the threads may have waited for a few milliseconds more."""
        now = _real_time()
        if now - self._measured_at > FRESH_S:
            self._measure(now)
        return now - self._total_s

    def _measure(self, now: float) -> None:
        passed_s, self._measured_at = now - self._measured_at, now
        before, self._waited_ns = self._waited_ns, {}
        waited_ns = 0
        for thread in self._threads():
            try:
                with open(f"{TASKS}/{thread}/schedstat", "rb") as file:  # run, wait, slices
                    so_far = int(file.read().split()[1])
            except (OSError, ValueError, IndexError):  # it has ended
                continue
            self._waited_ns[thread] = so_far
            waited_ns += so_far - before.get(thread, 0)
        self._total_s += min(waited_ns / 1e9, passed_s)


class BlockedThread:
    """Detect that a thread waits for a lock, for instance, rather than for a CPU or the GIL.

    Args:
        thread: The native id of the thread.
    """

    def __init__(self, thread: int) -> None:
        self._thread = thread
        self._computed_ns = -1

    def look(self) -> bool:
        """Return whether the thread waits and has not run since the last look.

        True if the system does not tell.
        """
        before = self._computed_ns
        try:
            self._computed_ns = _run_ns(self._thread)
        except (OSError, ValueError, IndexError):
            return True
        return self._computed_ns == before and computed_ns(self._thread) is None


def computed_ns(thread: int) -> int | None:
    """Return the CPU time of a thread that runs or waits for a CPU, in nanoseconds.

    None if it waits for anything else, or the system does not tell.
    """
    try:
        with open(f"{TASKS}/{thread}/stat", "rb") as file:
            state = file.read().rpartition(b")")[2].split()[0]
        if state != b"R":
            return None
        return _run_ns(thread)
    except (OSError, ValueError, IndexError):
        return None


def _run_ns(thread: int) -> int:
    with open(f"{TASKS}/{thread}/schedstat", "rb") as file:
        return int(file.read().split()[0])
