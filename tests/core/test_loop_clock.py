"""One timer wakes all that wait on an event loop."""

import asyncio
import gc
import weakref

from fastrtc.core.loop_clock import MAX_DONE, TICK_S, LoopClock, clock_of
from tests.support.virtual_time import virtual_time


def waiters(count: int) -> list[asyncio.Future[None]]:
    loop = asyncio.get_running_loop()
    return [loop.create_future() for _ in range(count)]


async def woken_at(waiter: asyncio.Future[None]) -> float:
    await waiter
    return asyncio.get_running_loop().time()


def timers() -> int:
    loop = asyncio.get_running_loop()
    return sum(not timer.cancelled() for timer in loop._scheduled)  # type: ignore[attr-defined]


@virtual_time
async def test_each_waiter_is_woken_at_its_time():
    loop = asyncio.get_running_loop()
    clock, begin = LoopClock(loop), loop.time()
    times = [0.5, 0.1, 0.3, 0.2, 0.4]
    waiting = waiters(len(times))
    for seconds, waiter in zip(times, waiting, strict=True):
        clock.wake_at(begin + seconds, waiter)

    woken = await asyncio.gather(*(woken_at(waiter) for waiter in waiting))

    assert [round(at - begin, 6) for at in woken] == times


@virtual_time
async def test_all_have_one_timer():
    loop = asyncio.get_running_loop()
    clock, waiting = LoopClock(loop), waiters(100)
    for index, waiter in enumerate(waiting):
        clock.wake_at(loop.time() + 1 - index / 1000, waiter)

    assert timers() == 1
    await asyncio.gather(*waiting)
    assert timers() == 0, "no timer while nobody waits"


@virtual_time
async def test_times_within_a_tick_are_one_wake_up():
    loop = asyncio.get_running_loop()
    clock, begin = LoopClock(loop), loop.time()
    first, soon, later = waiters(3)
    clock.wake_at(begin + 0.1, first)
    clock.wake_at(begin + 0.1 + 0.9 * TICK_S, soon)
    clock.wake_at(begin + 0.1 + 1.1 * TICK_S, later)

    await first

    assert soon.done() and not later.done()
    await later


@virtual_time
async def test_a_waiter_that_is_done_is_left_alone():
    loop = asyncio.get_running_loop()
    clock = LoopClock(loop)
    rung, cancelled, last = waiters(3)
    for waiter in (rung, cancelled, last):
        clock.wake_at(loop.time() + 0.1, waiter)
    rung.set_result(None)
    cancelled.cancel()

    await last

    assert cancelled.cancelled()


@virtual_time
async def test_waiters_that_are_done_are_not_kept():
    loop = asyncio.get_running_loop()
    clock, waiting = LoopClock(loop), waiters(10 * MAX_DONE)
    references = [weakref.ref(waiter) for waiter in waiting]
    for waiter in waiting:
        clock.wake_at(loop.time() + 3600, waiter)
        waiter.set_result(None)
        clock.note_done()
    del waiting, waiter

    assert sum(reference() is not None for reference in references) <= MAX_DONE


def test_each_loop_has_one_and_neither_keeps_the_other():
    async def clocks() -> tuple[weakref.ref[LoopClock], bool]:
        loop = asyncio.get_running_loop()
        clock = clock_of(loop)
        clock.wake_at(loop.time() + 3600, loop.create_future())
        return weakref.ref(clock), clock_of(loop) is clock

    reference, same = asyncio.run(clocks())
    other, _ = asyncio.run(clocks())

    assert same and other is not reference
    gc.collect()
    assert reference() is None and other() is None
