import asyncio

from fastrtc.client import ClientError
from fastrtc.client.received import Incoming, ReceivedQueue, parse_message


async def test_a_full_queue_drops_the_oldest_and_ends() -> None:
    queue: ReceivedQueue[int] = ReceivedQueue(2)
    for number in range(4):
        queue.put(number)
    queue.end()
    assert [number async for number in queue.iterate()] == [2, 3]
    assert [number async for number in queue.iterate()] == []


async def test_a_held_queue_yields_nothing_until_it_is_released_or_ends() -> None:
    queue: ReceivedQueue[int] = ReceivedQueue(9)
    for number in (1, 2, 3):
        queue.put(number)
    items = queue.iterate()
    assert await anext(items) == 1
    queue.hold(True)
    waiting = asyncio.ensure_future(anext(items))
    await asyncio.sleep(0)
    assert not waiting.done()
    queue.hold(False)
    assert await waiting == 2
    queue.hold(True)
    queue.end()
    assert [item async for item in items] == [3]


async def test_an_item_is_processed_when_the_next_one_is_asked_for() -> None:
    queue: ReceivedQueue[str] = ReceivedQueue(9)
    processed: list[tuple[str, float]] = []
    items = queue.iterate(lambda item, at: processed.append((item, at)))
    queue.put("a")
    before = asyncio.get_running_loop().time()
    assert await anext(items) == "a"
    taken = asyncio.get_running_loop().time()
    assert processed == []
    await asyncio.sleep(0.01)
    queue.end()
    assert [item async for item in items] == []
    ((item, at),) = processed
    assert item == "a" and before <= at <= taken


def test_what_is_no_message_is_text() -> None:
    assert parse_message('{"type": "log", "data": "x"}') == {"type": "log", "data": "x"}
    assert parse_message("[1") == {"type": "text", "data": "[1"}
    assert parse_message('{"type": 1}') == {"type": "text", "data": {"type": 1}}


async def test_an_end_before_the_connection_is_known_to_be_open_is_kept() -> None:
    incoming = Incoming(lambda: None, lambda: None)
    incoming.ended(ClientError("closed", "ended_by_server"))
    assert not incoming.closed.is_set()
    incoming.open()
    assert incoming.closed.is_set()
    assert incoming.error is not None and incoming.error.code == "ended_by_server"


async def test_the_reason_of_an_end_is_the_announced_one() -> None:
    calls = []
    incoming = Incoming(lambda: calls.append("input"), lambda: calls.append("ended"))
    incoming.open()
    incoming.message('{"type": "send_input", "data": []}')
    incoming.message('{"type": "error", "message": "one frame"}')
    incoming.message('{"type": "log", "data": "x"}')
    incoming.message('{"type": "error", "message": "no model"}')
    incoming.ended(ClientError("closed", "ended_by_server"))
    incoming.ended(ClientError("again", "connection_lost"))
    assert incoming.error is not None
    assert (incoming.error.code, str(incoming.error)) == (
        "handler_error",
        "the handler failed: no model",
    )
    assert calls == ["input", "ended"]
