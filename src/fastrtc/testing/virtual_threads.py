"""Threads on a virtual clock: what they wait for and how late it is.

While a call over memory is open, a few functions of the standard library are replaced. Threads that
do not belong to a call get the originals; so do all while no call is open.
"""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from _thread import allocate_lock
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from .thread_scheduler import Parked
from .virtual_clock import START_S, VirtualClock, Waiter

__all__ = ["current_clock", "on_clock", "virtual_threads"]

_here = threading.local()
_installing = allocate_lock()
_installed = 0

_real_start = threading.Thread.start
_real_join = threading.Thread.join
_real_wait = threading.Condition.wait
_real_sleep = time.sleep
_real_monotonic = time.monotonic
_real_counter = time.perf_counter
_real_wall_time = time.time
_real_monotonic_ns = time.monotonic_ns
_real_counter_ns = time.perf_counter_ns
_real_wall_time_ns = time.time_ns
_RealQueue = queue.SimpleQueue
_real_submit = ThreadPoolExecutor.submit


@contextlib.contextmanager
def virtual_threads() -> Iterator[None]:
    """Replace the functions with which threads wait and read the time, within the block."""
    global _installed
    with _installing:
        if not _installed:
            for target, name, function, _ in _REPLACED:
                setattr(target, name, function)
        _installed += 1
    try:
        yield
    finally:
        with _installing:
            _installed -= 1
            if not _installed:
                for target, name, _, original in _REPLACED:
                    setattr(target, name, original)


@contextlib.contextmanager
def on_clock(clock: VirtualClock, *, is_loop: bool) -> Iterator[None]:
    """Let the running thread use a clock within the block.

    Args:
        clock: The clock.
        is_loop: Whether it is the thread of the loop, which does not count as running.
    """
    _here.clock, _here.is_loop, _here.starting = clock, is_loop, False
    if is_loop:
        clock.scheduler.adopt_loop()
    try:
        yield
    finally:
        _here.clock = None


def current_clock() -> VirtualClock | None:
    """Return the clock of the running thread, if it has one."""
    return getattr(_here, "clock", None)


def _waiting_clock(timeout: float | None) -> VirtualClock | None:
    """Return the clock on which the running thread waits; None for the loop, which blocks."""
    clock = current_clock()
    if clock is None or _here.starting:
        return None
    if _here.is_loop:
        if timeout is None or timeout > 0:
            clock.scheduler.free_ready()  # it may wait for one of them
        return None
    return clock


def _start(thread: threading.Thread) -> None:
    clock = current_clock()
    if clock is None or thread.ident is not None:
        _real_start(thread)  # which raises if it was started before
        return
    if _is_of_older_pool(thread):
        _start_now(thread, clock)
        return
    run, ended, first = thread.run, threading.Event(), Parked()

    def run_on_clock() -> None:
        clock.scheduler.park(first)
        try:
            with on_clock(clock, is_loop=False):
                run()
        finally:
            ended.set()
            clock.threads.pop(thread, None)
            clock.scheduler.end()

    thread.run = run_on_clock  # type: ignore[method-assign]
    clock.threads[thread] = ended
    with clock.scheduler.lock:
        clock.scheduler.add(first)
    try:
        _start_now(thread, clock)
    except BaseException:
        clock.threads.pop(thread, None)
        clock.scheduler.remove(first)
        raise


def _start_now(thread: threading.Thread, clock: VirtualClock) -> None:
    """Start a thread, and wait in real time until it has started."""
    _here.starting = True
    try:
        with clock.scheduler.starting():
            _real_start(thread)
    finally:
        _here.starting = False


def _is_of_older_pool(thread: threading.Thread) -> bool:
    """Return whether a thread belongs to an executor from before the call, which it outlives."""
    given = getattr(thread, "_args", ())
    return any(isinstance(one, _RealQueue) and not isinstance(one, _Queue) for one in given)


def _submit(pool: ThreadPoolExecutor, *args: Any, **options: Any) -> Future[Any]:
    """Submit work; that of an executor from before the call counts as running."""
    clock = current_clock()
    if clock is None or isinstance(pool._work_queue, _Queue):
        return _real_submit(pool, *args, **options)
    clock.scheduler.enter()
    try:
        future = _real_submit(pool, *args, **options)
    except BaseException:
        clock.scheduler.leave()
        raise
    future.add_done_callback(lambda _: clock.scheduler.leave())
    return future


def _join(thread: threading.Thread, timeout: float | None = None) -> None:
    clock = _waiting_clock(timeout)
    ended = None if clock is None else clock.threads.get(thread)
    if ended is None or thread is threading.current_thread() or ended.wait(timeout):
        _real_join(thread, timeout)


def _wait(condition: Any, timeout: float | None = None) -> bool:
    """Wait as ``Condition.wait`` does, on the clock of the thread."""
    clock = _waiting_clock(timeout)
    if clock is None:
        return _real_wait(condition, timeout)
    if not condition._is_owned():
        raise RuntimeError("cannot wait on un-acquired lock")
    waiter = Waiter(clock)
    condition._waiters.append(waiter)
    state = condition._release_save()
    released = False
    try:
        released = waiter.wait(timeout)
    finally:
        condition._acquire_restore(state)
        if not released:
            with contextlib.suppress(ValueError):
                condition._waiters.remove(waiter)
    return released


def _sleep(seconds: float) -> None:
    clock = current_clock()
    if clock is None or seconds < 0:
        _real_sleep(seconds)
    elif _here.is_loop:  # it blocks the loop
        clock.now += seconds
    else:
        Waiter(clock).wait(seconds or 1e-9)


def _monotonic() -> float:
    clock = current_clock()
    return _real_monotonic() if clock is None else clock.now


def _counter() -> float:
    clock = current_clock()
    return _real_counter() if clock is None else clock.now


_WALL_START_S = _real_wall_time() - START_S


def _wall_time() -> float:
    clock = current_clock()
    return _real_wall_time() if clock is None else _WALL_START_S + clock.now


def _monotonic_ns() -> int:
    return _real_monotonic_ns() if current_clock() is None else round(_monotonic() * 1e9)


def _counter_ns() -> int:
    return _real_counter_ns() if current_clock() is None else round(_counter() * 1e9)


def _wall_time_ns() -> int:
    return _real_wall_time_ns() if current_clock() is None else round(_wall_time() * 1e9)


class _Queue(_RealQueue[Any]):
    """A ``SimpleQueue`` whose readers wait on their clock."""

    def __init__(self) -> None:
        super().__init__()
        self._readers: deque[Waiter] = deque()

    def get(self, block: bool = True, timeout: float | None = None) -> Any:
        clock = _waiting_clock(timeout) if block else None
        if clock is None:
            return super().get(block, timeout)
        ends = None if timeout is None else clock.now + timeout
        while True:
            waiter = Waiter(clock)
            self._readers.append(waiter)  # first, so that no put is missed
            with contextlib.suppress(queue.Empty):
                item = super().get_nowait()
                if waiter.done:  # a put meant this one
                    self._wake_reader()
                self._forget(waiter)
                return item
            if not waiter.wait(None if ends is None else ends - clock.now):
                self._forget(waiter)
                raise queue.Empty

    def put(self, item: Any, block: bool = True, timeout: float | None = None) -> None:
        super().put(item)
        self._wake_reader()

    def put_nowait(self, item: Any) -> None:
        self.put(item)

    def _wake_reader(self) -> None:
        with contextlib.suppress(IndexError):
            self._readers.popleft().release()

    def _forget(self, waiter: Waiter) -> None:
        with contextlib.suppress(ValueError):
            self._readers.remove(waiter)


_REPLACED: list[tuple[Any, str, Callable[..., Any], Callable[..., Any]]] = [
    (threading.Thread, "start", _start, _real_start),
    (threading.Thread, "join", _join, _real_join),
    (threading.Condition, "wait", _wait, _real_wait),
    (ThreadPoolExecutor, "submit", _submit, _real_submit),
    (threading, "_time", _monotonic, _real_monotonic),
    (queue, "time", _monotonic, _real_monotonic),
    (queue, "SimpleQueue", _Queue, _RealQueue),
    (time, "sleep", _sleep, _real_sleep),
    (time, "monotonic", _monotonic, _real_monotonic),
    (time, "perf_counter", _counter, _real_counter),
    (time, "time", _wall_time, _real_wall_time),
    (time, "monotonic_ns", _monotonic_ns, _real_monotonic_ns),
    (time, "perf_counter_ns", _counter_ns, _real_counter_ns),
    (time, "time_ns", _wall_time_ns, _real_wall_time_ns),
]
"""Where a function is, its name, its replacement and the original. Modules that have imported a
function by its name keep the original."""
