"""Messages to and from the client, and ends of a connection that are told to it."""

import asyncio
import json
import math
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from fastrtc import (
    AdditionalOutputs,
    AsyncAudioVideoStreamHandler,
    AsyncStreamHandler,
    CloseStream,
    Stream,
    StreamHandler,
    Warning,  # noqa: A004
    WebRTCError,
)
from fastrtc.core import failures as failures_module
from fastrtc.utils import create_message
from tests.support.connections import connections_of
from tests.support.peers import LOCAL, AudioSource, Client, VideoSource, eventually, tone
from tests.webrtc.handlers import AsyncAudioEcho, AudioEcho, flip, red_on_top

SECOND = tone(1.0)[::2]  # at 24 kHz


def stream_of(handler: Any, **options: Any) -> Stream:
    options = {"server_rtc_configuration": LOCAL, "modality": "audio", **options}
    return Stream(handler, **options)


class Once(AsyncStreamHandler):
    """Gives certain outputs, then nothing."""

    def __init__(self, *outputs: Any) -> None:
        super().__init__()
        self.outputs = outputs
        self.left = list(outputs)
        self.calls: list[str] = []
        self.heard: list[Any] = []

    def copy(self) -> "Once":
        return type(self)(*self.outputs)

    async def receive(self, frame: Any) -> None:
        self.heard.append(frame)

    async def emit(self) -> Any:
        if not self.left:
            await asyncio.Event().wait()
        return self.left.pop(0)

    async def shutdown(self) -> None:
        self.calls.append("shutdown")


@pytest.mark.parametrize("label", ["text", "chat", "data", ""])
async def test_text_is_answered(label: str) -> None:
    stream = stream_of(AsyncAudioEcho())
    async with Client(stream, audio=AudioSource(), label=label) as client:
        await eventually(lambda: client.channel.readyState == "open")
        client.channel.send("hello")
        client.channel.send(json.dumps({"type": "custom", "data": [1]}))
        client.channel.send(b"bytes are left alone")
        client.channel.send("")
        await client.message("log", "Server received: hello")
        await client.message("log", 'Server received: {"type": "custom", "data": [1]}')
        await client.message("log", "Server received: ")
        assert len(client.of_type("log")) == 3
        assert list(stream.data_channels) == [client.webrtc_id]


async def test_program_uses_the_channel_and_the_connection_itself() -> None:
    stream = stream_of(AsyncAudioEcho())
    async with Client(stream, audio=AudioSource()) as client:
        heard: list[Any] = []
        await eventually(lambda: client.webrtc_id in stream.data_channels)
        channel = stream.data_channels[client.webrtc_id]
        channel.on("message", heard.append)
        stream.pcs[client.webrtc_id].on("connectionstatechange", lambda: heard.append("changed"))
        channel.send(json.dumps({"type": "mine", "data": {"a": 1}}))
        assert (await client.message("mine"))["data"] == {"a": 1}
        await eventually(lambda: client.channel.readyState == "open")
        client.channel.send("to the program")
        await eventually(lambda: heard == ["to the program"])
    await eventually(lambda: "changed" in heard)


async def test_messages_wait_for_the_channel() -> None:
    """What is said before the client opens its channel comes in order when it does."""

    class Early(AsyncAudioEcho):
        async def start_up(self) -> None:
            for number in range(20):
                await self.send_message(create_message("early", number))
            self.calls.append("sent")
            await self.channel_set.wait()
            self.calls.append("channel")
            await self.send_message(create_message("early", 20))

    stream = stream_of(Early())
    client = Client(stream, audio=AudioSource(), label=None)
    # so that the offer has a section for data, but no channel yet
    first = client.pc.createDataChannel("first", negotiated=True, id=99)
    await client.connect()
    mine = stream.handlers[client.webrtc_id]
    await eventually(lambda: mine.calls == ["sent"])
    assert mine.channel is None and not stream.data_channels
    channel = client.pc.createDataChannel("text")
    channel.on("message", client._message)
    await client.message("early", 20)
    assert [m["data"] for m in client.of_type("early")] == list(range(21))
    assert mine.channel is stream.data_channels[client.webrtc_id]
    assert mine.calls == ["sent", "channel"]
    assert first.label == "first"
    await client.close()
    await client.over()


class SyncTalker(StreamHandler):
    def __init__(self) -> None:
        super().__init__()
        self.turn = 0

    def copy(self) -> "SyncTalker":
        return SyncTalker()

    def start_up(self) -> None:
        self.send_message_sync(create_message("from", "start_up"))

    def receive(self, frame: Any) -> None:
        if self.turn == 0:
            self.turn = 1
            self.send_message_sync(create_message("from", "receive"))

    def emit(self) -> Any:
        if self.turn == 1:
            self.turn = 2
            self.send_message_sync(create_message("from", "emit"))
            Warning("careful")
        time.sleep(0.02)


async def test_messages_of_sync_code() -> None:
    async with Client(stream_of(SyncTalker()), audio=AudioSource()) as client:
        for method in ("start_up", "receive", "emit"):
            await client.message("from", method)
        assert await client.message("warning") == {
            "type": "warning",
            "message": "careful",
            "data": "careful",
        }


async def test_sync_messages_on_the_loop_are_refused() -> None:
    """They would wait for themselves."""

    class Wrong(AsyncAudioEcho):
        async def start_up(self) -> None:
            for method in (self.wait_for_args_sync, lambda: self.send_message_sync("x")):
                with pytest.raises(RuntimeError, match="await the async method"):
                    method()
            self.calls.append("refused")

    stream = stream_of(Wrong())
    async with Client(stream, audio=AudioSource()) as client:
        mine = stream.handlers[client.webrtc_id]
        await eventually(lambda: "refused" in mine.calls)


async def test_outputs_are_announced() -> None:
    handler = Once(
        AdditionalOutputs(1), ((24000, SECOND[:2400]), AdditionalOutputs(2)), AdditionalOutputs(3)
    )
    async with Client(stream_of(handler), audio=AudioSource()) as client:
        await eventually(lambda: len(client.of_type("fetch_output")) == 3)
        assert client.of_type("fetch_output")[0] == {"type": "fetch_output", "data": []}
        await eventually(lambda: len(client.loud()) >= 3)


async def test_update_connection() -> None:
    stream = stream_of(AsyncAudioEcho())
    async with Client(stream, audio=AudioSource()) as client:
        await stream.update_connection("nobody", "closed")
        await stream.update_connection(client.webrtc_id, "closed")
        message = await client.message("update_connection")
        assert message == {"type": "update_connection", "data": "closed"}


# --- Ends ------------------------------------------------------------------------------------

ENDS = {
    "alone": ((24000, SECOND[:12000]), CloseStream("enough")),
    "with-audio": (((24000, SECOND[:12000]), CloseStream("enough")),),
}


@pytest.mark.parametrize("outputs", ENDS.values(), ids=ENDS)
async def test_close_stream_after_playout(outputs: Any, trace: dict[str, list[str]]) -> None:
    stream = stream_of(Once(*outputs))
    async with Client(stream, audio=AudioSource()) as client:
        mine = stream.handlers[client.webrtc_id]
        assert (await client.message("end_stream"))["data"] == "enough"
        await client.state("closed")
    assert 23 <= len(client.loud()) <= 27  # half a second, all of it
    assert len(client.of_type("end_stream")) == 1
    assert mine.calls == ["shutdown"]
    assert client.session.reason.text == "enough"
    assert trace[client.webrtc_id] == ["new", "live", "closing", "closed"]


async def test_close_stream_where_nothing_is_received() -> None:
    stream = stream_of(Once((24000, SECOND), CloseStream("thanks")), mode="send")
    async with Client(stream, audio=AudioSource()) as client:
        assert (await client.message("end_stream"))["data"] == "thanks"
        await client.state("closed")


async def test_close_stream_of_a_video_function() -> None:
    seen = 0

    def function(frame: np.ndarray) -> Any:
        nonlocal seen
        seen += 1
        return flip(frame) if seen < 8 else (flip(frame), CloseStream("seen it all"))

    async with Client(stream_of(function, modality="video"), video=VideoSource()) as client:
        assert (await client.message("end_stream"))["data"] == "seen it all"
        await client.state("closed")


async def test_close_stream_of_a_generator() -> None:
    async def say() -> Any:
        yield 24000, SECOND[:12000]
        yield AdditionalOutputs("said")
        yield CloseStream("bye")
        raise AssertionError("asked for more")

    async with Client(stream_of(say, mode="receive"), audio="recvonly") as client:
        assert (await client.message("end_stream"))["data"] == "bye"
        await client.state("closed")
    assert 23 <= len(client.loud()) <= 27
    assert client.of_type("fetch_output")


async def test_close_stream_of_video_emit() -> None:
    class Film(AsyncAudioVideoStreamHandler):
        shown = 0

        def copy(self) -> "Film":
            return Film()

        async def receive(self, frame: Any) -> None: ...
        async def video_receive(self, frame: Any) -> None: ...
        async def emit(self) -> Any:
            return None

        async def video_emit(self) -> Any:
            self.shown += 1
            return red_on_top() if self.shown < 10 else CloseStream("The end")

    stream = stream_of(Film(), modality="audio-video", mode="receive")
    async with Client(stream, audio="recvonly", video="recvonly") as client:
        assert (await client.message("end_stream"))["data"] == "The end"
        await client.state("closed")
    assert len(client.video_frames) >= 3


async def test_time_limit(trace: dict[str, list[str]]) -> None:
    stream = stream_of(AsyncAudioEcho(), time_limit=0.6)
    began = asyncio.get_running_loop().time()
    async with Client(stream, audio=AudioSource(tone(9))) as client:
        mine = client.session.handler
        message = await client.message("end_stream")
        assert "limit" in message["data"].lower()
        assert asyncio.get_running_loop().time() - began > 0.59
        await client.state("closed")
    assert mine.calls == ["start_up", "shutdown"]
    assert trace[client.webrtc_id] == ["new", "live", "closing", "closed"]


# --- Errors ----------------------------------------------------------------------------------


def failing(base: Any, where: str, error: Callable[[], BaseException], times: float) -> Any:
    """A handler that fails some times in one of its methods, some time after it began."""

    def fail(self: Any, method: str) -> None:
        if where == method and (where == "start_up" or len(self.heard) > 5):
            self.failed = getattr(self, "failed", 0) + 1
            if self.failed <= times:
                raise error()

    if base is AudioEcho:

        class Failing(base):
            def receive(self, frame: Any) -> None:
                super().receive(frame)
                fail(self, "receive")

            def emit(self) -> Any:
                fail(self, "emit")
                return super().emit()

            def start_up(self) -> None:
                super().start_up()
                fail(self, "start_up")
    else:

        class Failing(base):  # type: ignore[no-redef]
            async def receive(self, frame: Any) -> None:
                await super().receive(frame)
                fail(self, "receive")

            async def emit(self) -> Any:
                fail(self, "emit")
                return await super().emit()

            async def start_up(self) -> None:
                await super().start_up()
                fail(self, "start_up")

    return Failing()


async def assert_ends_with(client: Client, text: str, errors: Any, kind: type) -> None:
    """One record with its traceback, one message with both keys, and the end."""
    await client.state("closed")
    await client.over()
    error = {"type": "error", "message": text, "data": text, "code": "error"}
    assert client.of_type("error") == [error]
    (record,) = errors()
    assert record.name.startswith("fastrtc") and record.exc_info[0] is kind
    assert record.exc_info[2] is not None


async def assert_goes_on(client: Client, text: str, errors: Any, kind: type) -> None:
    """One record with its traceback, one message with both keys, and what follows is heard."""
    await client.message("error")
    before = len(client.loud())
    await eventually(lambda: len(client.loud()) > before + 20)
    assert client.of_type("error") == [{"type": "error", "message": text, "data": text}]
    (record,) = errors()
    assert record.name.startswith("fastrtc") and record.exc_info[0] is kind
    assert record.exc_info[2] is not None
    assert client.states == ["connecting", "connected"]


@pytest.mark.parametrize("where", ["receive", "emit", "start_up"])
@pytest.mark.parametrize("base", [AudioEcho, AsyncAudioEcho])
async def test_error_of_a_handler(base: Any, where: str, errors: Any) -> None:
    """It is logged and shown once, and costs its frame."""
    stream = stream_of(failing(base, where, lambda: ValueError("I cannot"), 2))
    async with Client(stream, audio=AudioSource(tone(20))) as client:
        await assert_goes_on(client, "I cannot", errors, ValueError)


@pytest.mark.parametrize("where", ["receive", "emit"])
@pytest.mark.parametrize("base", [AudioEcho, AsyncAudioEcho])
async def test_error_that_goes_on_for_5_s(
    base: Any, where: str, errors: Any, trace: dict[str, list[str]], monkeypatch: Any
) -> None:
    """It ends that session, with the reason; the other one talks on."""
    monkeypatch.setattr(failures_module, "FAILING_LIMIT_S", 0.5)
    stream = stream_of(failing(base, where, lambda: ValueError("I cannot"), math.inf))
    healthy = stream_of(base())
    async with Client(healthy, audio=AudioSource(tone(20))) as other:
        async with Client(stream, audio=AudioSource(tone(9))) as client:
            mine = stream.handlers.get(client.webrtc_id, client.session.handler)
            await client.state("closed")
            await client.over()
            first, last = (message["data"] for message in client.of_type("error"))
            assert first == "I cannot"
            assert last == client.session.reason.text
            assert last.startswith(f"{where} has failed") and last.endswith(": I cannot")
            assert len(errors()) == 2
        assert mine.calls == ["start_up", "shutdown"]
        assert trace[client.webrtc_id] == ["new", "live", "closing", "closed"]
        assert len(connections_of(stream).registry) == 0
        before = len(other.loud())
        await eventually(lambda: len(other.loud()) > before + 10)
        assert other.states == ["connecting", "connected"] and not other.of_type("error")


async def test_error_before_the_channel_is_open(errors: Any) -> None:
    """As when a key is missing: the client is told when there is a channel."""

    class Keyless(AsyncAudioEcho):
        async def start_up(self) -> None:
            raise WebRTCError("No key")

    stream = stream_of(Keyless())
    client = Client(stream, audio=AudioSource(tone(20)))
    start = client.pc.sctp.start

    async def start_later(*args: Any) -> None:
        await eventually(errors)
        await start(*args)

    client.pc.sctp.start = start_later
    await client.connect()
    await assert_goes_on(client, "No key", errors, WebRTCError)
    await client.close()
    await client.over()


@pytest.mark.parametrize("base", [AudioEcho, AsyncAudioEcho])
async def test_webrtc_error_is_shown_once(base: Any, errors: Any) -> None:
    stream = stream_of(failing(base, "receive", lambda: WebRTCError("Speak up"), 40))
    async with Client(stream, audio=AudioSource(tone(20))) as client:
        mine: Any = stream.handlers[client.webrtc_id]
        await eventually(lambda: getattr(mine, "failed", 0) > 40)
        await assert_goes_on(client, "Speak up", errors, WebRTCError)


@pytest.mark.parametrize("raises", ["function", "async", "generator", "async-generator"])
async def test_error_of_a_video_function(raises: str, errors: Any) -> None:
    """It costs its frame."""
    seen = 0

    def count(frame: np.ndarray) -> np.ndarray:
        nonlocal seen
        seen += 1
        if seen in (4, 5):
            raise WebRTCError("Too dark")
        return frame

    async def count_async(frame: np.ndarray) -> np.ndarray:
        return count(frame)

    def count_generator(frame: np.ndarray) -> Any:
        yield count(frame)

    async def count_async_generator(frame: np.ndarray) -> Any:
        yield count(frame)

    functions = {
        "function": count,
        "async": count_async,
        "generator": count_generator,
        "async-generator": count_async_generator,
    }
    stream = stream_of(functions[raises], modality="video")
    async with Client(stream, video=VideoSource()) as client:
        await client.message("error")
        await eventually(lambda: seen > 10)
        assert [message["data"] for message in client.of_type("error")] == ["Too dark"]
        (record,) = errors()
        assert record.exc_info[0] is WebRTCError
        assert client.states == ["connecting", "connected"]


@pytest.mark.parametrize("is_async", [False, True])
async def test_error_of_a_generator_that_is_received(is_async: bool, errors: Any) -> None:
    """What was said before is not cut off by it, as far as it has been sent."""

    def say() -> Any:
        yield 24000, SECOND[:2400]
        raise RuntimeError("lost for words")

    async def say_async() -> Any:
        for item in say():
            yield item

    stream = stream_of(say_async if is_async else say, mode="receive")
    async with Client(stream, audio="recvonly") as client:
        await assert_ends_with(client, "lost for words", errors, RuntimeError)


NONSENSE: dict[str, Any] = {
    "text": "hello",
    "number": 5,
    "three-numbers": (24000, 1, "mono"),
    "rate": ("24000", np.zeros(480, np.int16)),
    "negative-rate": (-1, np.zeros(480, np.int16)),
    "no-rate": np.zeros(480, np.int16),
    "complex": (24000, np.zeros(480, complex)),
    "texts": (24000, np.array(["a", "b"])),
    "five-channels": (24000, np.zeros((5, 480), np.int16)),
    "cube": (24000, np.zeros((1, 2, 480), np.int16)),
    "four": (24000, np.zeros(480, np.int16), "mono", 1),
    "layout": (24000, np.zeros(480, np.int16), "surround"),
}


async def assert_told_what_audio_is(output: Any, mode: str, errors: Any) -> None:
    """And nothing ends by it."""
    stream = stream_of(Once(output), mode=mode)
    async with Client(stream, audio=AudioSource()) as client:
        message = await client.message("error")
        assert message["data"] == message["message"] and "udio" in message["data"]
        (record,) = errors()
        assert record.exc_info[0].__name__ == "HandlerError"
        heard = stream.handlers[client.webrtc_id].heard
        before = len(heard)
        await eventually(lambda: len(heard) > before + 5)
        assert client.states == ["connecting", "connected"]


@pytest.mark.parametrize("output", NONSENSE.values(), ids=NONSENSE)
async def test_nonsense_is_shown_to_the_client(output: Any, errors: Any) -> None:
    await assert_told_what_audio_is(output, "send-receive", errors)


@pytest.mark.parametrize("name", ["text", "complex"])
async def test_nonsense_is_shown_where_nobody_would_have_heard_it(name: str, errors: Any) -> None:
    await assert_told_what_audio_is(NONSENSE[name], "send", errors)


@pytest.mark.parametrize(
    "picture",
    [np.zeros((10, 10)), np.zeros((10, 10, 2), np.uint8), np.zeros((0, 10, 3), np.uint8), "x", 1],
    ids=["float", "two-channels", "empty", "text", "number"],
)
async def test_nonsense_of_a_video_function(picture: Any, errors: Any) -> None:
    """It costs its frame."""
    seen = 0

    def paint(frame: np.ndarray) -> Any:
        nonlocal seen
        seen += 1
        return picture if seen < 3 else frame

    stream = stream_of(paint, modality="video")
    async with Client(stream, video=VideoSource()) as client:
        await eventually(lambda: len(client.video_frames) > 3)
        message = await client.message("error")
        assert "video frame must be" in message["data"]
        assert len(client.of_type("error")) == 1
        (record,) = errors()
        assert record.exc_info[0].__name__ == "HandlerError"
        assert client.states == ["connecting", "connected"]


async def test_error_of_shutdown_is_logged_once(errors: Any, trace: dict[str, list[str]]) -> None:
    class Bad(AsyncAudioEcho):
        async def shutdown(self) -> None:
            await super().shutdown()
            raise RuntimeError("not now")

    stream = stream_of(Bad())
    async with Client(stream, audio=AudioSource()) as client:
        mine: Any = stream.handlers[client.webrtc_id]
        await eventually(lambda: mine.calls)
    assert mine.calls == ["start_up", "shutdown"]
    (record,) = errors()
    assert record.exc_info[0] is RuntimeError
    assert trace[client.webrtc_id] == ["new", "live", "closing", "closed"]
