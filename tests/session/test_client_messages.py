"""Messages of a client: which function gets them, in which order, and what is refused."""

import asyncio
import json
import threading
import time
from typing import Any

import pytest

from fastrtc import ReplyOnPause, get_current_context
from fastrtc.handlers.link import link_of
from fastrtc.session.client_messages import MAX_MESSAGE_BYTES, MAX_QUEUED
from fastrtc.session.hooks import Hooks
from tests.session.rig import Handler, Rig, until
from tests.support.models import Energy


class Listening(Handler):
    """Writes down its messages."""

    def __init__(self) -> None:
        super().__init__()
        self.got: list[Any] = []

    def on_message(self, message: dict[str, Any]) -> None:
        self.got.append((message, get_current_context().webrtc_id, threading.current_thread().name))


class ListeningAsync(Handler):
    def __init__(self) -> None:
        super().__init__()
        self.got: list[Any] = []

    async def on_message(self, message: dict[str, Any]) -> None:
        await asyncio.sleep(0.01 if message["data"] == 0 else 0)
        self.got.append((message, get_current_context().webrtc_id, threading.current_thread().name))


@pytest.mark.parametrize("kind", [Listening, ListeningAsync])
async def test_messages_reach_the_handler_in_order_and_in_its_context(kind: Any) -> None:
    async with Rig(kind()) as rig:
        for number in range(50):
            assert rig.messages.receive_text(json.dumps({"type": "mine", "data": number}))
        await until(lambda: len(rig.handler.got) == 50)
    assert [message["data"] for message, _, _ in rig.handler.got] == list(range(50))
    assert {id for _, id, _ in rig.handler.got} == {"me"}
    (thread,) = {name for _, _, name in rig.handler.got}
    assert (thread == threading.current_thread().name) is (kind is ListeningAsync)
    assert rig.sent == []


async def test_messages_before_the_start_wait_for_it() -> None:
    rig = Rig(Listening())
    rig.messages.receive_text('{"type": "early"}')
    await asyncio.sleep(0.02)
    assert rig.handler.got == []
    async with rig:
        await until(lambda: rig.handler.got)
    assert rig.handler.got[0][0] == {"type": "early"}


async def test_a_registered_type_does_not_reach_on_message() -> None:
    async with Rig(Listening()) as rig:
        got: list[Any] = []
        rig.messages.on("commit", got.append)
        link_of(rig.handler).message_types["cancel"] = got.append
        for type in ("commit", "cancel", "other"):
            assert rig.messages.receive({"type": type})
        await until(lambda: rig.handler.got)
    assert got == [{"type": "commit"}, {"type": "cancel"}]
    assert [message for message, _, _ in rig.handler.got] == [{"type": "other"}]


async def test_a_registered_function_refuses_with_a_value_error(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def refuse(message: Any) -> None:
        raise ValueError("commit needs an id")

    def fail(message: Any) -> None:
        raise KeyError("a defect")

    async with Rig(Handler()) as rig:
        rig.messages.on("commit", refuse)
        rig.messages.on("broken", fail)
        assert rig.messages.receive({"type": "commit"})
        assert rig.errors == ["commit needs an id"]
        assert not caplog.records
        assert rig.messages.receive({"type": "broken"})
        assert "a defect" in rig.errors[1]
        assert [record.message for record in caplog.records] == ["Session me: broken failed"]


BAD = [
    ("hello", "A message must be a JSON object"),
    ("[1]", "A message must be a JSON object"),
    ("{", "A message must be JSON"),
    ('{"a": ' * 50_000, "A message may have 65536 bytes, not 300000"),
    ('{"a":' * 13_000, "A message must be JSON"),
    ("{}", "A message must have a 'type', a string"),
    ('{"type": 3}', "A message must have a 'type', a string"),
    (json.dumps({"type": "x", "data": "a" * MAX_MESSAGE_BYTES}), "A message may have 65536 bytes"),
    ('{"type": "x", "data": "' + "\u20ac" * 30_000 + '"}', "A message may have 65536 bytes, not 9"),
]


@pytest.mark.parametrize(("text", "reason"), BAD)
async def test_the_sender_of_what_is_no_message_is_told(text: str, reason: str) -> None:
    async with Rig(Listening()) as rig:
        assert rig.messages.receive_text(text)
        (error,) = rig.errors
        assert error.startswith(reason) and len(error) < 300
        rig.messages.receive_text('{"type": "good"}')
        await until(lambda: rig.handler.got)


@pytest.mark.parametrize("text", [text for text, _ in BAD] + ['{"type": "x"}', "handshake"])
async def test_without_on_message_nothing_is_answered(text: str) -> None:
    async with Rig(Handler()) as rig:
        assert not rig.messages.receive_text(text)
    assert rig.sent == []


async def test_a_result_that_is_too_large_is_refused_without_on_message() -> None:
    async with Rig(Handler()) as rig:
        call = asyncio.ensure_future(rig.context.call("f"))
        await until(lambda: rig.of_type("call"))
        large = {"type": "result", "id": rig.of_type("call")[0]["id"], "data": "a" * 70_000}
        assert rig.messages.receive_text(json.dumps(large))
        assert rig.errors[0].startswith("A message may have 65536 bytes")
        call.cancel()
        await asyncio.wait([call])


async def test_a_function_without_attributes_may_be_the_handler() -> None:
    async with Rig(len) as rig:
        assert not rig.messages.receive_text('{"type": "x"}')


async def test_the_handshake_of_old_pages_is_no_error() -> None:
    async with Rig(Listening()) as rig:
        rig.messages.receive_text("handshake")
    assert rig.sent == [] and rig.handler.got == []


async def test_a_message_of_the_largest_size_arrives() -> None:
    empty = len(json.dumps({"type": "x", "data": ""}))
    async with Rig(Listening()) as rig:
        rig.messages.receive_text(
            json.dumps({"type": "x", "data": "a" * (MAX_MESSAGE_BYTES - empty)})
        )
        await until(lambda: rig.handler.got)
    assert rig.sent == []


async def test_on_message_that_raises_costs_its_message_only(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Failing(Listening):
        def on_message(self, message: dict[str, Any]) -> None:
            if message["type"] == "bad":
                raise ValueError("cannot be processed")
            super().on_message(message)

    async with Rig(Failing()) as rig:
        for type in ("bad", "good", "bad", "good"):
            rig.messages.receive({"type": type})
        await until(lambda: len(rig.handler.got) == 2)
        assert not rig.session.ended
    assert rig.errors == ["cannot be processed"]  # once
    assert "on_message failed" in caplog.text


async def test_on_message_that_exits_ends_the_session_only() -> None:
    class Exiting(Handler):
        async def on_message(self, message: dict[str, Any]) -> None:
            raise SystemExit(3)

    async with Rig(Exiting()) as rig:
        rig.messages.receive({"type": "x"})
        await until(lambda: rig.session.ended)
    assert "SystemExit" in rig.errors[0]


async def test_a_blocked_on_message_bounds_what_waits() -> None:
    free = threading.Event()

    class Slow(Listening):
        def on_message(self, message: dict[str, Any]) -> None:
            free.wait(10)
            super().on_message(message)

    async with Rig(Slow()) as rig:
        rig.messages.receive({"type": "first"})
        await until(lambda: rig.session.invoker.busy("on_message"))
        for _ in range(MAX_QUEUED + 5):
            rig.messages.receive({"type": "x"})
        assert rig.errors == ["Too many messages are waiting: this one is dropped"] * 5
        free.set()
        await until(lambda: len(rig.handler.got) == MAX_QUEUED + 1)


async def test_large_messages_are_bounded_by_their_size() -> None:
    free = threading.Event()

    class Slow(Handler):
        def on_message(self, message: dict[str, Any]) -> None:
            free.wait(10)

    async with Rig(Slow()) as rig:
        for _ in range(40):
            rig.messages.receive({"type": "x", "data": "a" * 60_000})
        assert 20 < len(rig.errors) < 30
        free.set()


async def test_the_stream_s_function_gets_what_the_handler_does_not() -> None:
    got: list[Any] = []
    async with Rig(Handler(), hooks=Hooks(on_message=got.append)) as rig:
        rig.messages.receive({"type": "x"})
        await until(lambda: got)
    async with Rig(Listening(), hooks=Hooks(on_message=got.append)) as rig:
        rig.messages.receive({"type": "y"})
        await until(lambda: rig.handler.got)
    assert got == [{"type": "x"}]


async def test_a_method_of_a_program_that_has_another_meaning_is_left_alone() -> None:
    class OfALibrary(Handler):
        def on_message(self, socket: Any, message: str) -> None:
            raise AssertionError

    async with Rig(OfALibrary()) as rig:
        assert not rig.messages.receive({"type": "x"})
        await asyncio.sleep(0)
    assert rig.sent == []


def quiet(audio: Any) -> Any:
    yield from ()


async def test_a_reply_on_pause_gets_messages_and_so_do_its_copies() -> None:
    got: list[Any] = []

    class Assistant(ReplyOnPause):
        def __init__(self) -> None:
            super().__init__(quiet, model=Energy(), on_message=self.note)
            self.noted: list[Any] = []

        def note(self, message: Any) -> None:
            self.noted.append(message)

    async with Rig(ReplyOnPause(quiet, model=Energy(), on_message=got.append)) as rig:
        rig.messages.receive({"type": "x"})
        await until(lambda: got)
    original = Assistant()
    async with Rig(original) as rig:
        rig.messages.receive({"type": "y"})
        await until(lambda: rig.handler.noted)
    assert original.noted == []
    with pytest.raises(TypeError, match="on_message must be a function of one message"):
        ReplyOnPause(quiet, model=Energy(), on_message=3)  # type: ignore[arg-type]


async def test_unused_messages_cost_no_task() -> None:
    async with Rig(Handler()) as rig:
        before = asyncio.all_tasks()
        began = time.process_time()
        for _ in range(1000):
            rig.messages.receive_text('{"type": "x", "data": 1}')
        assert asyncio.all_tasks() == before
        assert time.process_time() - began < 2
