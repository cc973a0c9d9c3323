from __future__ import annotations

import asyncio
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastrtc.pacing.frames import FrameClock, FrameQueue
from tests.support.virtual_time import virtual_time

# --- FrameQueue ----------------------------------------------------------------------------------


@virtual_time
async def test_frames_come_out_in_order():
    queue: FrameQueue[int] = FrameQueue(3)
    for frame in (1, 2, 3):
        queue.put(frame)
    assert [await queue.get() for _ in range(3)] == [1, 2, 3]
    assert queue.dropped == 0


@virtual_time
async def test_a_new_frame_pushes_out_the_oldest():
    queue: FrameQueue[int] = FrameQueue(2)
    for frame in range(5):
        queue.put(frame)
    assert queue.dropped == 3
    assert [await queue.get(), await queue.get()] == [3, 4]


@virtual_time
async def test_get_waits_for_a_frame():
    queue: FrameQueue[int] = FrameQueue(1)
    getting = asyncio.create_task(queue.get())
    await asyncio.sleep(10)
    assert not getting.done()
    queue.put(1)
    assert await getting == 1


@virtual_time
async def test_put_wait_waits_for_room():
    queue: FrameQueue[int] = FrameQueue(1)
    await queue.put_wait(1)
    putting = asyncio.create_task(queue.put_wait(2))
    await asyncio.sleep(10)
    assert not putting.done()
    assert await queue.get() == 1
    await putting
    assert await queue.get() == 2
    assert queue.dropped == 0


@virtual_time
async def test_empty_waits_until_all_are_taken():
    queue: FrameQueue[int] = FrameQueue(2)
    await queue.empty()
    queue.put(1)
    queue.put(2)
    emptied = asyncio.create_task(queue.empty())
    await queue.get()
    await asyncio.sleep(1)
    assert not emptied.done()
    await queue.get()
    await emptied


@virtual_time
async def test_ready_leaves_the_frame_there():
    queue: FrameQueue[int] = FrameQueue(1)
    readying = asyncio.create_task(queue.ready())
    await asyncio.sleep(1)
    assert not readying.done()
    queue.put(1)
    await readying
    await queue.ready()
    assert await queue.get() == 1


@virtual_time
async def test_a_wait_that_is_cancelled_takes_nothing():
    queue: FrameQueue[int] = FrameQueue(1)
    getting = asyncio.create_task(queue.get())
    await asyncio.sleep(1)
    getting.cancel()
    queue.put(1)
    await asyncio.sleep(0)
    assert getting.cancelled()
    assert await queue.get() == 1


# --- FrameClock ----------------------------------------------------------------------------------


def send(clock: FrameClock, arrivals: list[float]) -> tuple[list[float], list[int], int]:
    """Send frames as `VideoOutbound` does, where a newer one replaces the one that waits.

    Returns when frames left, their timestamps, and how many were replaced.
    """
    left: list[float] = []
    stamps: list[int] = []
    replaced = 0
    for k, arrival in enumerate(arrivals):
        free = max(arrival, left[-1]) if left else arrival
        due = clock.due(free)
        if k + 1 < len(arrivals) and arrivals[k + 1] <= due:
            replaced += 1
            continue
        stamps.append(clock.stamp(due))
        left.append(due)
    return left, stamps, replaced


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("jitter", [0.0, 0.005, 0.01])
def test_a_camera_that_jitters_loses_no_frame(jitter, seed):
    rng = random.Random(seed)
    arrivals = [k / 30 + rng.uniform(-jitter, jitter) for k in range(3000)]
    left, stamps, replaced = send(FrameClock(30), arrivals)
    assert replaced == 0
    assert len(left) == 3000
    assert (
        max(at - arrival for at, arrival in zip(left, arrivals, strict=True)) <= 2 * jitter + 1e-9
    )
    assert all(later > earlier for earlier, later in zip(stamps, stamps[1:], strict=False))
    assert stamps[-1] == pytest.approx(2999 * 3000, abs=0.05 * 90000)


def test_a_camera_that_is_twice_as_fast_loses_every_second_frame():
    left, stamps, replaced = send(FrameClock(30), [k / 60 + 1e-6 * k for k in range(600)])
    assert replaced == pytest.approx(300, abs=5)
    assert len(left) / 10 == pytest.approx(30, rel=0.03)


def test_a_generator_is_paced():
    clock = FrameClock(25)
    now, times, stamps = 50.0, [], []
    for _ in range(100):
        now = clock.due(now)
        times.append(now)
        stamps.append(clock.stamp(now))
        now += 0.001  # it is quick
    assert times == pytest.approx([50 + k / 25 for k in range(100)])
    assert stamps == [k * 3600 for k in range(100)]


def test_a_slow_generator_has_the_time_that_it_takes():
    clock = FrameClock(30)
    stamps = []
    for k in range(50):
        assert clock.due(k * 0.1) == k * 0.1
        stamps.append(clock.stamp(k * 0.1))
    assert (stamps[-1] - stamps[1]) / 90000 == pytest.approx(4.8)


def test_a_frame_that_is_a_little_late_does_not_shift_the_schedule():
    clock = FrameClock(50)
    clock.stamp(0.0)
    assert clock.stamp(0.029) == 1800
    assert clock.due(0.03) == pytest.approx(0.04)


def test_no_burst_follows_a_pause():
    clock = FrameClock(30)
    now = clock.due(0.0)
    clock.stamp(now)
    now = 60.0
    times = []
    for _ in range(30):
        now = clock.due(now)
        clock.stamp(now)
        times.append(now)
    assert times[0] == 60.0
    assert times[-1] - times[0] >= 28.5 / 30 - 1e-9


def test_timestamps_begin_with_0_and_are_in_90_khz():
    clock = FrameClock(30)
    assert clock.stamp(12345.678) == 0
    assert FrameClock.TIME_BASE * FrameClock.CLOCK_RATE == 1


@given(
    st.floats(0.5, 240),
    st.lists(st.one_of(st.floats(0, 0.1), st.floats(0, 100)), min_size=1, max_size=200),
)
def test_whenever_frames_come_the_rate_is_kept_and_timestamps_increase(fps, pauses):
    clock = FrameClock(fps)
    now = 1000.0
    times, stamps = [], []
    for pause in pauses:
        now = clock.due(now + pause)
        times.append(now)
        stamps.append(clock.stamp(now))
    assert all(later > earlier for earlier, later in zip(stamps, stamps[1:], strict=False))
    interval = 1 / fps
    for k in range(len(times)):
        within = sum(times[k] <= at < times[k] + 1 for at in times)
        assert within <= 1 / interval + 1.5 + 1e-6
