"""Event loops with a virtual clock, which test minutes in milliseconds.

When nothing is ready to run, the clock immediately advances to the next timer. While the test has
threads, they get a short real time before, and as long as they run or wait for a processor. A loop
that waits without any timer waits for them; then the test fails as deadlocked.
"""

import asyncio
import functools
import selectors
import threading
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

__all__ = ["virtual_time"]

T = TypeVar("T")

THREADS_S = 0.002  # real time for threads of the test before the clock advances
BUSY_S = 5.0  # real time at most for threads that run
DEADLOCK_S = 30.0  # real time without any event or timer


def virtual_time(test: Callable[..., Coroutine[Any, Any, T]]) -> Callable[..., T]:
    """Run an async test on a loop with virtual time, on which no task may be left at the end."""

    @functools.wraps(test)
    def run(*args: Any, **kwargs: Any) -> T:
        loop = _Loop()
        try:
            result = loop.run_until_complete(test(*args, **kwargs))
            left = asyncio.all_tasks(loop)
            assert not left, f"leaked tasks: {left}"
            return result
        finally:
            for task in asyncio.all_tasks(loop):
                task.cancel()
            loop.run_until_complete(_end())
            loop.close()

    return run


async def _end() -> None:
    left = asyncio.all_tasks() - {asyncio.current_task()}
    await asyncio.gather(*left, return_exceptions=True)
    await asyncio.get_running_loop().shutdown_asyncgens()


class _Selector(selectors.DefaultSelector):
    def __init__(self) -> None:
        super().__init__()
        self.now = 1000.0
        self._other_threads = threading.active_count()

    def select(self, timeout: float | None = None) -> list[Any]:
        if timeout is not None and timeout <= 0:
            return super().select(0)
        if timeout is None:
            if events := super().select(DEADLOCK_S):
                return events
            raise AssertionError("deadlock: every task waits, no timer is set")
        events = self._wait_for_threads() or super().select(0)
        if not events:
            self.now += timeout
        return events

    def _wait_for_threads(self) -> list[Any]:
        if threading.active_count() <= self._other_threads:
            return []
        until = time.monotonic() + BUSY_S
        while not (events := super().select(THREADS_S)):
            if not _threads_run() or time.monotonic() > until:
                break
        return events


def _threads_run() -> bool:
    """Whether another thread of the process runs, or waits for a processor or a disk (proc(5))."""
    for task in Path("/proc/self/task").glob("*"):
        if task.name != str(threading.get_native_id()):
            with suppress(OSError):  # it has just ended
                state = (task / "stat").read_text().rpartition(") ")[2][0]
                if state in "RD":
                    return True
    return False


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._virtual = _Selector()
        super().__init__(self._virtual)

    def time(self) -> float:
        return self._virtual.now
