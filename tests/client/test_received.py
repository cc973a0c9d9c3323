from fastrtc.client import ClientError
from fastrtc.client.received import Incoming, ReceivedQueue, parse_message


async def test_a_full_queue_drops_the_oldest_and_ends() -> None:
    queue: ReceivedQueue[int] = ReceivedQueue(2)
    for number in range(4):
        queue.put(number)
    queue.end()
    assert [number async for number in queue.iterate()] == [2, 3]
    assert [number async for number in queue.iterate()] == []


def test_what_is_no_message_is_text() -> None:
    assert parse_message('{"type": "log", "data": "x"}') == {"type": "log", "data": "x"}
    assert parse_message("[1") == {"type": "text", "data": "[1"}
    assert parse_message('{"type": 1}') == {"type": "text", "data": {"type": 1}}


async def test_the_reason_of_an_end_is_the_announced_one() -> None:
    calls = []
    incoming = Incoming(lambda: calls.append("input"), lambda: calls.append("ended"))
    incoming.ended(ClientError("before it was open", "x"))
    assert not incoming.closed.is_set()
    incoming.opened = True
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
