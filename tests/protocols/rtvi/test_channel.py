"""The messages of a session whose client speaks RTVI, without a connection."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from fastrtc import AsyncStreamHandler, ClientCallTimeout, Transcript
from fastrtc.core.messages import create_message, end_message
from fastrtc.protocols.rtvi.channel import MAX_HELD, RTVIChannel
from fastrtc.session.hooks import Hooks
from fastrtc.session.media import Media
from fastrtc.session.session import Session
from tests.support.peers import eventually


class Program(AsyncStreamHandler):
    """Notes what it is given."""

    def __init__(self) -> None:
        super().__init__()
        self.given: list[Any] = []

    def copy(self) -> "Program":
        return self

    async def receive(self, frame: Any) -> None: ...

    async def emit(self) -> None:
        await asyncio.Event().wait()

    async def receive_dtmf(self, digit: str) -> None:
        self.given.append(digit)


class DataChannel:
    """Takes what is sent."""

    bufferedAmount = 0  # noqa: N815 (as in aiortc)

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []

    def send(self, text: str) -> None:
        self.sent.append(json.loads(text))


@asynccontextmanager
async def talking(**hooks: Any) -> AsyncIterator[tuple[RTVIChannel, list[dict[str, Any]]]]:
    methods = {"double": (lambda value: value * 2, 1)}
    session = Session(
        "rtvi-x",
        Program(),
        deliver=lambda outputs: None,
        release=lambda session: None,
        hooks=Hooks(methods=methods, **hooks),
    )
    media = Media(session, "audio", "send-receive")
    channel = RTVIChannel(session, media, lambda name: name in methods)
    wire = DataChannel()
    channel.open(wire)  # type: ignore[arg-type]
    session.start()
    try:
        yield channel, wire.sent
    finally:
        session.close("enough")
        await session.closed.wait()


def text(type: str, data: Any = None, id: str | None = "a") -> str:
    return json.dumps({"label": "rtvi-ai", "type": type, "id": id, "data": data})


async def test_messages_wait_for_the_client() -> None:
    async with talking() as (channel, sent):
        for k in range(MAX_HELD + 1):
            channel.session.outbox.post(create_message("mine", k))
        assert not sent
        channel.receive(text("client-ready", {"version": "2.1.0"}, "r"))
        assert [(one["type"], one["id"]) for one in sent[:1]] == [("bot-ready", "r")]
        assert [one["data"]["data"] for one in sent[1:]] == list(range(1, MAX_HELD + 1))


async def test_the_end_is_told_to_a_client_that_was_never_ready() -> None:
    async with talking() as (channel, sent):
        channel.session.outbox.post(end_message("full", "server"))
        assert [one["type"] for one in sent] == ["server-message", "signalling"]


async def test_requests_of_a_client() -> None:
    async with talking() as (channel, sent):
        channel.receive(text("client-ready"))
        channel.receive(text("client-message", {"t": "double", "d": 4}, "m"))
        answer = await eventually(lambda: next((m for m in sent if m["id"] == "m"), None))
        assert answer["data"] == {"t": "double", "d": 8}
        channel.receive(text("dtmf", {"buttons": ["1", "#"]}))
        await eventually(lambda: channel.session.handler.given == ["1", "#"])
        channel.receive(
            '{"type": "signalling", "message": {"type": "trackStatus", '
            '"receiver_index": 1, "enabled": false}}'
        )
        assert channel.tracks == {1: False}
        channel.receive(b"\x00")
        channel.receive("ping: 1")
        del sent[:]
        refused = [
            text("client-message", {"t": "unknown"}),
            text("client-message", {"t": 1}),
            text("send-text", {"content": "hello"}),
            text("send-text", {"content": 1}),
            text("dtmf", {"buttons": "A"}),
            text("llm-function-call-result", {"tool_call_id": "server-9"}),
            text("append-to-context", {}),
            text("client-message", None),
            '{"type": 1, "id": "a"}',
        ]
        for one in refused:
            channel.receive(one)
        assert [(one["type"], one["id"]) for one in sent] == [("error-response", "a")] * 9
        del sent[:]
        for one in (text("client-message", {"t": "double"}, None), "{", text("ui-event", 1, None)):
            channel.receive(one)
        assert [one["type"] for one in sent] == ["error"] * 3


async def test_functions_and_transcripts_and_texts() -> None:
    given: list[Any] = []

    async def on_message(message: dict[str, Any]) -> None:
        given.append(message)

    async with talking(on_message=on_message) as (channel, sent):
        channel.receive(text("client-ready"))
        call = asyncio.create_task(channel.session.user_context.call("show", {"day": 1}, 9))
        await eventually(lambda: sent[-1]["type"] == "llm-function-call-in-progress")
        id = sent[-1]["data"]["tool_call_id"]
        channel.receive(text("llm-function-call-result", {"tool_call_id": id, "result": [2]}))
        assert await call == [2]
        channel.session.transcribe(Transcript("good morning", "user"))
        said = await eventually(
            lambda: next((m for m in sent if m["type"] == "user-transcription"), None)
        )
        assert said["data"]["text"] == "good morning" and said["data"]["final"]
        channel.receive(text("send-text", {"content": "hello"}))
        channel.receive(text("client-message", {"t": "note", "d": 1}))
        channel.receive(text("ui-event", {"event": "click"}))
        await eventually(lambda: len(given) == 3)
        assert given == [
            {"type": "send-text", "data": {"content": "hello", "options": {}}},
            {"type": "note", "data": 1},
            {"type": "ui-event", "data": {"event": "click"}},
        ]
        channel.receive(text("disconnect-bot"))
        assert channel.session.ended


async def test_functions_whose_result_is_not_awaited_any_more_are_stopped() -> None:
    async with talking() as (channel, sent):
        channel.receive(text("client-ready"))
        context = channel.session.user_context
        late = asyncio.create_task(context.call("late", None, 0.02))
        in_thread = asyncio.create_task(asyncio.to_thread(context.call_sync, "blocking", None, 0.1))
        interrupted = asyncio.create_task(context.call("interrupted"))
        await eventually(lambda: sum("in-progress" in one["type"] for one in sent) == 3)
        interrupted.cancel()
        ends = await asyncio.gather(late, in_thread, interrupted, return_exceptions=True)
        assert [type(end) for end in ends[:2]] == [ClientCallTimeout, ClientCallTimeout]
        await eventually(lambda: sum("stopped" in one["type"] for one in sent) == 3)
        stopped = [one for one in sent if "stopped" in one["type"]]
        assert {one["type"] for one in stopped} == {"llm-function-call-stopped"}
        names = {one["data"]["function_name"] for one in stopped if one["data"]["cancelled"]}
        assert names == {"late", "blocking", "interrupted"}
        id = stopped[0]["data"]["tool_call_id"]
        channel.receive(text("llm-function-call-result", {"tool_call_id": id, "result": 1}))
        assert sent[-1]["type"] == "error-response" and "too late" in sent[-1]["data"]["error"]
        assert sum("stopped" in one["type"] for one in sent) == 3


TYPES = ["client-ready", "client-message", "send-text", "dtmf", "llm-function-call-result", "x"]
VALUES = st.recursive(
    st.none() | st.integers() | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["t", "d", "content", "options", "buttons"]), inner)
    ),
    max_leaves=6,
)
TEXTS = st.builds(text, st.sampled_from(TYPES), VALUES, st.none() | st.text(max_size=4))


@settings(max_examples=50, deadline=None)
@given(st.lists(TEXTS | st.text(max_size=40), max_size=8))
def test_a_session_lives_whatever_its_client_sends(texts: list[str]) -> None:
    async def run() -> None:
        async with talking() as (channel, sent):
            for one in texts:
                channel.receive(one)
            channel.receive(text("client-ready", None, "last"))
            assert any(one["id"] == "last" for one in sent if "id" in one)
            assert not channel.session.ended

    asyncio.run(run())
