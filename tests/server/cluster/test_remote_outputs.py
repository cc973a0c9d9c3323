"""Outputs for readers on other nodes: each once, and none lost with a reader."""

import asyncio
from typing import Any

import pytest

from fastrtc import AdditionalOutputs
from fastrtc.server.cluster.calls import ConnectionUnknown
from fastrtc.server.cluster.remote_outputs import MAX_READERS, RemoteReaders
from fastrtc.session.outputs import OutputQueue
from tests.support.virtual_time import virtual_time


def served(*outputs: Any) -> tuple[RemoteReaders, OutputQueue]:
    queue = OutputQueue()
    for one in outputs:
        queue.put(AdditionalOutputs(one))
    return RemoteReaders(lambda id: queue if id == "me" else None), queue


async def read(readers: RemoteReaders, received: int, name: str = "r1") -> tuple[bool, Any]:
    more, outputs = await readers.read("me", name, received, 10.0)
    return more, outputs if outputs is None else outputs.args[0]


@virtual_time
async def test_each_request_takes_one():
    readers, queue = served(1, 2, 3)
    assert await read(readers, 0) == (True, 1)
    assert await read(readers, 1) == (True, 2)
    assert queue.queue.qsize() == 1
    queue.end()
    assert await read(readers, 2) == (True, 3)
    assert await read(readers, 3) == (False, None)
    assert not readers._reading


@virtual_time
async def test_an_answer_that_was_lost_is_sent_again():
    readers, _ = served(1, 2)
    for _ in range(3):
        assert await read(readers, 0) == (True, 1)
    assert await read(readers, 1) == (True, 2)


@virtual_time
async def test_what_a_reader_has_not_received_goes_to_the_next_one_first():
    readers, _ = served(1, 2, 3)
    await read(readers, 0)
    await read(readers, 1)
    readers.end("r1", 1)
    assert await read(readers, 0, "r2") == (True, 2)
    readers.end("r2", 1)
    assert await read(readers, 0, "r3") == (True, 3)
    readers.end("unknown", 0)


@virtual_time
async def test_there_may_be_nothing_for_some_time():
    readers, _ = served()
    assert await read(readers, 0) == (True, None)


@virtual_time
async def test_the_end_of_a_reader_ends_its_request():
    readers, queue = served()
    reading = asyncio.ensure_future(read(readers, 0))
    await asyncio.sleep(0.1)
    readers.end("r1", 0)
    assert await reading == (False, None)
    assert not queue.being_read


@virtual_time
async def test_a_reader_that_ends_as_outputs_arrive_loses_none():
    readers, queue = served()
    reading = asyncio.ensure_future(read(readers, 0))
    await asyncio.sleep(0.1)
    queue.put(AdditionalOutputs(1))
    readers.end("r1", 0)
    await reading
    assert await read(readers, 0, "r2") == (True, 1)


@virtual_time
async def test_a_request_that_is_cancelled_as_outputs_arrive_loses_none():
    for ticks in range(6):
        readers, queue = served()
        reading = asyncio.ensure_future(read(readers, 0))
        await asyncio.sleep(0.1)
        queue.put(AdditionalOutputs(1))
        for _ in range(ticks):
            await asyncio.sleep(0)
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        readers.end("r1", 0)
        assert await read(readers, 0, "r2") == (True, 1), ticks


@virtual_time
async def test_an_unknown_connection_has_none():
    readers, _ = served()
    with pytest.raises(ConnectionUnknown):
        await readers.read("other", "r1", 0, 1.0)


@virtual_time
async def test_readers_whose_process_is_gone_are_forgotten_and_lose_nothing():
    readers, queue = served(1, 2)
    for name in ("r1", "r2"):
        await read(readers, 0, name)
    waiting = [asyncio.ensure_future(read(readers, 1, name)) for name in ("r1", "r2")]
    await asyncio.sleep(0.1)
    for one in waiting:
        one.cancel()
    await asyncio.wait(waiting)
    assert not readers._reading and not queue.being_read
    queue.put(AdditionalOutputs(3))
    assert await read(readers, 0, "r3") == (True, 3)


@virtual_time
async def test_a_request_that_arrives_after_the_end_of_its_reader_takes_nothing():
    readers, queue = served(1)
    readers.end("r1", 0)
    assert await read(readers, 0) == (False, None)
    assert not readers._reading and queue.queue.qsize() == 1
    for number in range(MAX_READERS + 10):
        readers.end(f"{number}", 0)
    assert len(readers._ended) == MAX_READERS


@virtual_time
async def test_a_reader_that_was_forgotten_goes_on_and_loses_nothing():
    readers, _ = served(1, 2, 3)
    await read(readers, 0)
    readers._reading.clear()
    for _ in range(2):  # the first answer is lost
        assert await read(readers, 1) == (True, 2)
    assert await read(readers, 2) == (True, 3)


@virtual_time
async def test_the_readers_are_bounded():
    readers, _ = served(*range(MAX_READERS + 10))
    for number in range(MAX_READERS + 10):
        await read(readers, 0, f"{number}")
    assert len(readers._reading) == MAX_READERS


@virtual_time
async def test_a_call_of_a_reader_ends_with_all_readers_of_the_node():
    readers, _ = served()
    waiting = asyncio.ensure_future(readers.call(asyncio.sleep(100, "late")))
    assert await readers.call(asyncio.sleep(1, "now")) == "now"
    readers.end_all()
    assert await waiting is None
    waiting = asyncio.ensure_future(readers.call(asyncio.sleep(100)))
    await asyncio.sleep(0.1)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert not readers._calls


async def test_waiting_readers_are_notified():
    readers, _ = served()
    with readers.waiting("me") as one, readers.waiting("me") as two, readers.waiting("x") as other:
        readers.connected("me")
        assert (one.connected, two.connected, other.connected) == (True, True, False)
    readers.connected("me")
    assert not readers._waiting


@virtual_time
async def test_readers_of_a_node_that_is_gone_lose_nothing():
    readers, _ = served(1, 2, 3, 4)
    await read(readers, 0, "gone/1")
    await asyncio.sleep(20)
    await read(readers, 1, "gone/1")
    await read(readers, 0, "lives/1")
    assert readers.idle_nodes(10) == set()
    await asyncio.sleep(20)
    assert readers.idle_nodes(10) == {"gone", "lives"}
    readers.end_node("gone")
    assert await read(readers, 1, "lives/1") == (True, 2)  # of which nothing is known
    assert list(readers._reading) == ["lives/1"]


@virtual_time
async def test_a_reader_with_a_request_is_not_idle():
    readers, queue = served()
    reading = asyncio.ensure_future(read(readers, 0, "lives/1"))
    await asyncio.sleep(9)
    assert readers.idle_nodes(5) == set()
    readers.end_node("lives")
    queue.put(AdditionalOutputs(1))
    assert await reading == (True, 1)
