"""An event loop on a virtual clock, in a thread of its own."""

from __future__ import annotations

import asyncio
import contextlib
import selectors
import threading
import time
from collections.abc import Coroutine
from concurrent.futures import Executor, ThreadPoolExecutor
from math import inf
from typing import Any, TypeVar

from .cpu_wait import BlockedThread, CpuWait
from .errors import CallFailed
from .leaks import place_of_thread
from .thread_scheduler import GRACE_S
from .virtual_clock import VirtualClock
from .virtual_threads import on_clock, virtual_threads

__all__ = ["VirtualLoop"]

SLICE_S = 0.005
"""How long to wait at a time for threads that compute, in seconds of real time."""

IDLE_GRACE_S = 0.25
"""The same as ``GRACE_S`` for a loop that has not computed, but was held up: by the program, or by
a busy machine."""

MAX_SELECT_S = 1.0
"""How long to wait for sockets at a time, in seconds of real time; it shows that the loop runs."""

BLOCKED_S = 30.0
"""After how long without a turn of the loop the program counts as blocking it, in seconds of real
time: more than a model takes to load."""

STANDS_S = 0.05
"""Interval at which to look at a loop that takes no turn, in seconds of real time. If it is blocked
twice in a row, the threads that are ready run all the same: it may wait for a lock that one of them
holds."""

SPINS_S = 1.0
"""After how long without a turn they run though the loop is not blocked, in seconds of real time:
it may call a function until one of them has done something."""

MAX_THREADS = 32
"""Threads of the default executor of the loop: as many on each machine."""

ENDS_TIMEOUT_S = 5.0
"""How long the thread of the loop may take to end, in seconds of real time."""

T = TypeVar("T")
_real_time = time.monotonic


class VirtualLoop:
    """Run coroutines on an event loop whose clock jumps to the next timer.

    The clock only advances while ``run`` is being awaited. It advances with real time while threads
    or the loop itself compute for long (see ``GRACE_S``), or while the loop has sockets.
    """

    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.turns = 0  # of the loop
        self._requests = 0
        self.loop = _Loop(self)
        self.clock.scheduler.wake_loop = self._wake
        self._thread = threading.Thread(target=self._serve, name="fastrtc-call", daemon=True)
        self._stack = contextlib.ExitStack()
        self._stack.enter_context(virtual_threads())
        self._pool = ThreadPoolExecutor(MAX_THREADS, "asyncio")
        self.loop.set_default_executor(self._pool)
        self._thread.start()
        self._blocked = BlockedThread(self._thread.native_id or 0)

    @property
    def paused(self) -> bool:
        """Whether the clock stands still because nothing is run."""
        return not self._requests

    async def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on the loop, from another loop, and return its result."""

        async def counted() -> T:
            self._requests += 1
            try:
                return await work
            finally:
                self._requests -= 1

        if self.loop.is_closed():
            work.close()
            raise RuntimeError("The loop of the call is closed")
        result = asyncio.wrap_future(asyncio.run_coroutine_threadsafe(counted(), self.loop))
        turns, turned_at = self.turns, _real_time()
        try:
            while not result.done():
                await asyncio.wait([result], timeout=STANDS_S)
                if result.done():
                    break
                if turns != self.turns:
                    turns, turned_at = self.turns, _real_time()
                    continue
                stood_s = _real_time() - turned_at
                if self._blocked.look() or stood_s > SPINS_S:
                    self.clock.scheduler.free_ready()
                if stood_s > BLOCKED_S:
                    raise CallFailed(
                        f"The program has blocked the event loop for {BLOCKED_S:g} s, "
                        f"at {place_of_thread(self._thread)}"
                    )
        finally:
            result.cancel()
        return result.result()

    def end_idle_threads(self) -> None:
        """End the threads of the default executor, except those that work."""
        self._pool.shutdown(wait=False)

    async def close(self) -> None:
        """Cancel what is left on the loop, and end its thread."""
        if self.loop.is_closed():
            return
        try:
            await self.run(_cancel_all())
            self.end_idle_threads()
        finally:
            self.loop.call_soon_threadsafe(self.loop.stop)
            await asyncio.to_thread(self._thread.join, ENDS_TIMEOUT_S)
            self._stack.close()

    def _serve(self) -> None:
        self.clock.others.append(threading.get_native_id())
        with on_clock(self.clock, is_loop=True):
            try:
                self.loop.run_forever()
            finally:
                self.loop.close()
                self.clock.scheduler.close()

    def _wake(self) -> None:
        with contextlib.suppress(RuntimeError):  # it is closed
            self.loop.call_soon_threadsafe(bool)


async def _cancel_all() -> None:
    loop = asyncio.get_running_loop()
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for task in left:
        task.cancel()
    if left:
        await asyncio.wait(left, timeout=ENDS_TIMEOUT_S)
    await loop.shutdown_asyncgens()


class _Loop(asyncio.SelectorEventLoop):
    """The event loop; its selector advances the clock."""

    def __init__(self, owner: VirtualLoop) -> None:
        self._clock = owner.clock
        super().__init__(_Selector(owner))

    def time(self) -> float:
        return self._clock.now

    def run_in_executor(  # type: ignore[override]
        self, executor: Executor | None, func: Any, *args: Any
    ) -> asyncio.Future[Any]:
        """Run a function; threads of an executor that is not the loop's count as running."""
        if executor is None:
            return super().run_in_executor(None, func, *args)

        self._clock.scheduler.enter()
        future = super().run_in_executor(executor, func, *args)
        future.add_done_callback(lambda _: self._clock.scheduler.leave())
        return future


class _Selector(selectors.DefaultSelector):
    """Wait for files as usual, for threads in real time, and for timers not at all."""

    def __init__(self, owner: VirtualLoop) -> None:
        super().__init__()
        self._owner = owner
        self._clock = clock = owner.clock
        self._real = CpuWait(clock.native_ids)
        self._returned_at = self._real.time()
        self._cpu_at = 0.0  # of the thread of the loop
        self._charged_to: float | None = None  # real time that threads computed
        self._debt_s = 0.0  # of it, what has not passed on the clock

    def select(self, timeout: float | None = None) -> list[Any]:
        self._owner.turns += 1
        real = self._real
        if real.recent_time() - self._returned_at > GRACE_S and not self._owner.paused:
            computed_s = real.time() - self._returned_at
            if computed_s > self._grace_s():  # the loop was blocked
                self._clock.now += computed_s
                timeout = None if timeout is None else max(0.0, timeout - computed_s)
        try:
            return self._select(timeout)
        finally:
            self._returned_at = real.recent_time()
            self._cpu_at = time.thread_time()

    def _grace_s(self) -> float:
        """Return how long the loop may have been away without taking any time on the clock."""
        computed = time.thread_time() - self._cpu_at > GRACE_S
        return GRACE_S if computed else IDLE_GRACE_S

    def _select(self, timeout: float | None) -> list[Any]:
        clock = self._clock
        quiet = clock.scheduler.settle()
        if quiet:
            self._charged_to, self._debt_s = None, 0.0
        else:
            self._charge()
        events = super().select(0)
        if events or (timeout is not None and timeout <= 0):
            return events
        if self._owner.paused:
            events = super().select(None if quiet else SLICE_S)
            clock.scheduler.not_busy_before_now()
            self._charged_to, self._debt_s = None, 0.0
            return events
        if clock.wake_due():
            return []
        wait_s = min(inf if timeout is None else timeout, clock.next_timer() - clock.now)
        if not quiet:
            if not self._debt_s:
                return super().select(min(SLICE_S, wait_s))
            wait_s = min(wait_s, self._debt_s)
            self._debt_s -= wait_s
        elif wait_s == inf or len(self.get_map()) > 1:  # sockets, besides the loop's own
            return self._wait_in_real_time(wait_s)
        clock.now += wait_s
        clock.wake_due()
        return []

    def _charge(self) -> None:
        """Let real time pass on the clock, as threads compute; each timer at its time."""
        now = self._clock.real.time()
        self._debt_s += now - (self._charged_to or self._clock.scheduler.busy_since)
        self._charged_to = now

    def _wait_in_real_time(self, wait_s: float) -> list[Any]:
        began = _real_time()
        events = super().select(min(wait_s, MAX_SELECT_S))
        self._clock.now += min(wait_s, _real_time() - began)
        return events
