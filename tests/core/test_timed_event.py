"""An alarm wakes the one who waits, at a time or when it is rung."""

import asyncio

import pytest

from fastrtc.core.timed_event import TimedEvent


async def test_a_ring_wakes_the_one_who_waits():
    alarm = TimedEvent()
    waiting = asyncio.create_task(alarm.wait())
    await asyncio.sleep(0)

    alarm.ring()

    assert await waiting is True


async def test_a_ring_is_kept_for_the_next_one_who_waits():
    alarm = TimedEvent()
    alarm.ring()
    alarm.ring()

    assert await alarm.wait() is True
    assert await alarm.wait(asyncio.get_running_loop().time()) is False, "two rings are one"


async def test_a_kept_ring_does_not_give_way_to_other_tasks():
    alarm, ran = TimedEvent(), []
    alarm.ring()
    asyncio.get_running_loop().call_soon(ran.append, "other")

    await alarm.wait()

    assert ran == []


async def test_a_time_wakes_without_a_ring():
    loop = asyncio.get_running_loop()
    when = loop.time() + 0.01

    assert await TimedEvent().wait(when) is False
    assert loop.time() >= when - 0.001


async def test_a_wait_that_is_shortened_ends_earlier():
    alarm, loop = TimedEvent(), asyncio.get_running_loop()
    when = loop.time() + 0.01
    loop.call_soon(alarm.wake_at, when)
    loop.call_soon(alarm.wake_at, when + 3600)

    assert await alarm.wait(when + 60) is False
    assert alarm.when == when


async def test_a_wait_is_not_shortened_where_none_waits():
    alarm, loop = TimedEvent(), asyncio.get_running_loop()

    alarm.wake_at(loop.time())

    when = loop.time() + 0.01
    assert await alarm.wait(when) is False
    assert loop.time() >= when - 0.001


async def test_a_ring_is_not_lost_when_the_one_it_woke_is_cancelled():
    alarm = TimedEvent()
    waiting = asyncio.create_task(alarm.wait())
    await asyncio.sleep(0)

    alarm.ring()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting

    assert await alarm.wait() is True


async def test_it_serves_one_wait_after_the_other():
    alarm, woken = TimedEvent(), 0
    for _ in range(3):
        asyncio.get_running_loop().call_soon(alarm.ring)
        woken += await alarm.wait()

    assert woken == 3
