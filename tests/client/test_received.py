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
