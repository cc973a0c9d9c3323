"""Outputs wait for their readers, and no reader loses or doubles one."""

import asyncio

import pytest

from fastrtc.core.outputs import AdditionalOutputs
from fastrtc.session import outputs as module
from fastrtc.session.outputs import OutputQueue


def outputs(*numbers: int) -> list[AdditionalOutputs]:
    return [AdditionalOutputs(number) for number in numbers]


async def read(queue: OutputQueue) -> list[int]:
    return [given.args[0] async for given in queue]


async def settle() -> None:
    """Let every task run until it waits."""
    for _ in range(5):
        await asyncio.sleep(0)


async def test_outputs_come_in_order_and_then_the_end():
    queue = OutputQueue()
    for given in outputs(1, 2, 3):
        queue.put(given)
    queue.end()

    assert await read(queue) == [1, 2, 3]
    assert await queue.get() is None


async def test_a_reader_that_waits_is_woken():
    queue = OutputQueue()
    reading = asyncio.create_task(read(queue))
    await settle()
    assert queue.being_read

    for given in outputs(1, 2):
        queue.put(given)
        await settle()
    queue.end()

    assert await reading == [1, 2]
    assert not queue.being_read


async def test_each_output_goes_to_one_reader():
    queue = OutputQueue()
    readers = [asyncio.create_task(read(queue)) for _ in range(3)]
    await settle()

    for given in outputs(*range(30)):
        queue.put(given)
        if given.args[0] % 4 == 0:
            await settle()
    queue.end()

    found = await asyncio.gather(*readers)
    assert sorted(sum(found, [])) == list(range(30))
    assert all(numbers == sorted(numbers) for numbers in found)


async def test_the_end_wakes_all_readers():
    queue = OutputQueue()
    readers = [asyncio.create_task(queue.get()) for _ in range(3)]
    await settle()

    queue.end()

    assert await asyncio.gather(*readers) == [None] * 3
    assert queue.ended


async def test_cancelling_a_reader_that_waits_loses_nothing():
    queue = OutputQueue()
    first, second = (asyncio.create_task(queue.get()) for _ in range(2))
    await settle()

    first.cancel()
    await settle()
    queue.put(outputs(1)[0])

    assert (await second).args == (1,)


async def test_cancelling_a_reader_that_was_just_woken_loses_nothing():
    queue = OutputQueue()
    first, second = (asyncio.create_task(queue.get()) for _ in range(2))
    await settle()

    queue.put(outputs(1)[0])  # wakes the first
    first.cancel()

    assert (await asyncio.wait_for(second, 30)).args == (1,)
    assert first.cancelled()


async def test_readers_that_give_up_leave_nothing_behind():
    queue = OutputQueue()

    for _ in range(10):
        reading = asyncio.create_task(queue.get())
        await settle()
        reading.cancel()
        await asyncio.wait([reading])

    assert not queue.being_read
    assert len(queue._readers) == 0


async def test_waiting_with_a_timeout_loses_nothing():
    queue, found = OutputQueue(), []

    async def poll() -> None:
        while len(found) < 20:
            try:
                given = await asyncio.wait_for(queue.get(), 0.001)
            except asyncio.TimeoutError:
                continue
            found.append(given.args[0])

    polling = asyncio.create_task(poll())
    for given in outputs(*range(20)):
        queue.put(given)
        await asyncio.sleep(0.001)
    await asyncio.wait_for(polling, 5)

    assert found == list(range(20))


async def test_outputs_can_be_taken_without_waiting():
    queue = OutputQueue()
    assert queue.take() is None

    queue.put(outputs(1)[0])

    assert queue.take().args == (1,)
    assert queue.take() is None


async def test_too_many_push_out_the_oldest_and_it_is_said_once(
    monkeypatch: pytest.MonkeyPatch, caplog
):
    monkeypatch.setattr(module, "MAX_QUEUED", 3)
    queue = OutputQueue()
    for given in outputs(*range(5)):
        queue.put(given)
    queue.end()

    assert await read(queue) == [2, 3, 4]
    (record,) = caplog.records
    assert "More than 3 outputs are unread: the oldest are dropped" in record.getMessage()


def test_it_is_known_whether_the_connection_is_there():
    queue = OutputQueue()
    assert (queue.begun, queue.ended) == (False, False)

    queue.begin()
    assert (queue.begun, queue.ended) == (True, False)


async def test_a_program_may_use_the_queue_itself():
    queue = OutputQueue()
    reading = asyncio.create_task(read(queue))
    await settle()
    for given in outputs(1, 2):
        queue.queue.put_nowait(given)
    await settle()
    queue.quit.set()
    assert await reading == [1, 2]

    other = OutputQueue()
    taking = asyncio.create_task(other.queue.get())
    await settle()
    other.put(outputs(3)[0])
    assert (await taking).args == (3,)
    other.put(outputs(4)[0])
    assert (await asyncio.wait_for(other.get(), 5)).args == (4,)
    other.end()
    assert other.quit.is_set()
