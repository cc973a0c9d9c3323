"""Inputs that a program or page gives a handler, and outputs that it reads."""

import asyncio
import threading
from typing import Any

import numpy as np
import pytest

from fastrtc import (
    AdditionalOutputs,
    AsyncStreamHandler,
    Stream,
    StreamHandler,
    VideoStreamHandler,
    WebRTCData,
)
from fastrtc.server import output_readers
from tests.support.peers import LOCAL, AudioSource, Client, VideoSource, eventually
from tests.webrtc.handlers import (
    AsyncAudioEcho,
    AudioEcho,
    flip,
    is_blue_on_top,
    is_red_on_top,
    red_on_top,
)


def stream_of(handler: Any, **options: Any) -> Stream:
    options = {"server_rtc_configuration": LOCAL, "modality": "audio", **options}
    return Stream(handler, **options)


class Asking(AsyncStreamHandler):
    def __init__(self) -> None:
        super().__init__()
        self.got: list[Any] = []

    def copy(self) -> "Asking":
        return Asking()

    async def receive(self, frame: Any) -> None: ...

    async def emit(self) -> Any:
        await self.wait_for_args()
        self.got.append(self.latest_args)
        self.reset()


class SyncAsking(StreamHandler):
    def __init__(self) -> None:
        super().__init__()
        self.got: list[Any] = []

    def copy(self) -> "SyncAsking":
        return SyncAsking()

    def receive(self, frame: Any) -> None: ...

    def emit(self) -> Any:
        self.wait_for_args_sync()
        self.got.append(self.latest_args)
        self.reset()


@pytest.mark.parametrize("handler", [Asking, SyncAsking])
async def test_wait_for_args_asks_each_time(handler: Any) -> None:
    stream = stream_of(handler())
    async with Client(stream, audio=AudioSource()) as client:
        mine = stream.handlers[client.webrtc_id]
        for number in range(3):
            await eventually(lambda number=number: len(client.of_type("send_input")) > number)
            assert len(client.of_type("send_input")) == number + 1
            assert mine.got == [["__webrtc_value__", k, {"text": str(k)}] for k in range(number)]
            stream.set_input(client.webrtc_id, number, {"text": str(number)})
            await eventually(lambda number=number: len(mine.got) > number)
        assert client.of_type("send_input")[0] == {"type": "send_input", "data": []}
        assert stream.connections[client.webrtc_id][0].latest_args == mine.latest_args


@pytest.mark.parametrize("handler", [Asking, SyncAsking])
async def test_inputs_never_come(handler: Any) -> None:
    """Who waits for them is let go when the connection ends, and no error is made of it."""
    stream = stream_of(handler())
    async with Client(stream, audio=AudioSource()) as client:
        mine = stream.handlers[client.webrtc_id]
        await client.message("send_input")
    assert mine.got == []


@pytest.mark.parametrize("handler", [Asking, SyncAsking])
async def test_inputs_from_another_thread(handler: Any) -> None:
    stream = stream_of(handler())
    async with Client(stream, audio=AudioSource()) as client:
        mine = stream.handlers[client.webrtc_id]
        await client.message("send_input")
        await asyncio.to_thread(stream.set_input, client.webrtc_id, "from afar")
        await eventually(lambda: mine.got == [["__webrtc_value__", "from afar"]])


@pytest.mark.parametrize("handler", [Asking, SyncAsking])
async def test_inputs_of_a_page(handler: Any) -> None:
    stream = stream_of(handler())
    async with Client(stream, audio=AudioSource()) as client:
        mine = stream.handlers[client.webrtc_id]
        await client.message("send_input")
        stream.set_input_gradio(client.webrtc_id, 1, 2)
        await eventually(lambda: len(mine.got) == 1)
        typed = WebRTCData(webrtc_id=client.webrtc_id, textbox="hello")
        await eventually(lambda: len(client.of_type("send_input")) == 2)
        stream.set_input_gradio(typed, 3)
        await eventually(lambda: len(mine.got) == 2)
        assert mine.got == [["__webrtc_value__", client.webrtc_id, 1, 2], [typed, 3]]
        stream.set_input_gradio("nobody", 1)
        stream.set_input("nobody", 1)
        stream.set_input("nobody")
        with pytest.raises(ValueError, match="args cannot be empty"):
            stream.set_input(client.webrtc_id)


async def test_what_was_typed_triggers_a_reply() -> None:
    class Triggered(AsyncAudioEcho):
        def trigger_response(self) -> None:
            self.calls.append(f"triggered by {self.latest_args[0].textbox}")

    stream = stream_of(Triggered())
    async with Client(stream, audio=AudioSource()) as client:
        mine = stream.handlers[client.webrtc_id]
        typed = WebRTCData(webrtc_id=client.webrtc_id, textbox="hello")
        stream.set_input_on_submit(typed)
        stream.set_input_on_submit(WebRTCData(webrtc_id="nobody", textbox="x"))
        assert "triggered by hello" in mine.calls


# --- Functions -------------------------------------------------------------------------------


def turned(frame: np.ndarray, turn: bool) -> np.ndarray:
    return flip(frame) if turn else frame


async def turned_async(frame: np.ndarray, turn: bool) -> np.ndarray:
    return turned(frame, turn)


class Turning:
    def method(self, frame: np.ndarray, turn: bool) -> np.ndarray:
        return turned(frame, turn)


@pytest.mark.parametrize(
    "function",
    [turned, turned_async, Turning().method, VideoStreamHandler(turned)],
    ids=["function", "async", "method", "handler"],
)
@pytest.mark.parametrize("dummy", [(), (None,)], ids=["as-documented", "with-dummy"])
async def test_frames_go_back_until_inputs_are_set(function: Any, dummy: tuple[Any, ...]) -> None:
    stream = stream_of(function, modality="video")
    async with Client(stream, video=VideoSource()) as client:
        await eventually(lambda: len(client.video_frames) >= 3)
        assert all(is_red_on_top(frame) for _, frame, _ in client.video_frames)
        stream.set_input(client.webrtc_id, *dummy, True)
        await eventually(lambda: is_blue_on_top(client.video_frames[-1][1]))
        stream.set_input_gradio(client.webrtc_id, False)
        await eventually(lambda: is_red_on_top(client.video_frames[-1][1]))
        assert stream.connections[client.webrtc_id][0].latest_args == [False]
        with pytest.raises(ValueError, match="takes 1 input"):
            stream.set_input(client.webrtc_id, 1, 2, 3)


async def test_function_whose_inputs_have_defaults_starts_at_once() -> None:
    def function(frame: np.ndarray, turn: bool = True) -> np.ndarray:
        return turned(frame, turn)

    stream = stream_of(function, modality="video")
    async with Client(stream, video=VideoSource()) as client:
        await eventually(lambda: client.video_frames)
        assert is_blue_on_top(client.video_frames[0][1])
        stream.set_input(client.webrtc_id, None)  # the dummy of programs that must set something
        await asyncio.sleep(0.2)
        stream.set_input(client.webrtc_id, None, False)
        await eventually(lambda: is_red_on_top(client.video_frames[-1][1]))


async def test_function_without_inputs_takes_the_dummy() -> None:
    stream = stream_of(flip, modality="video")
    async with Client(stream, video=VideoSource()) as client:
        stream.set_input(client.webrtc_id, None)
        stream.set_input(client.webrtc_id)
        await eventually(lambda: len(client.video_frames) >= 3)
        assert is_blue_on_top(client.video_frames[-1][1])


@pytest.mark.parametrize("dummy", [(), (None,)], ids=["as-documented", "with-dummy"])
async def test_generator_waits_for_its_inputs(dummy: tuple[Any, ...]) -> None:
    got: list[Any] = []

    def show(first: int, second: int = 2) -> Any:
        got.append((first, second))
        for _ in range(10):
            yield red_on_top()

    stream = stream_of(show, modality="video", mode="receive")
    async with Client(stream, video="recvonly") as client:
        await asyncio.sleep(0.3)
        assert not got and not client.packets
        stream.set_input(client.webrtc_id, *dummy, 7, 8)
        await client.state("closed")
    assert got == [(7, 8)]
    assert len(client.video_frames) >= 3


async def test_generator_with_a_dummy_that_it_does_not_take() -> None:
    """As in the documents: `set_input(id, None)` for a generator without parameters."""

    def show() -> Any:
        while True:
            yield red_on_top()

    stream = stream_of(show, modality="video", mode="receive")
    async with Client(stream, video="recvonly") as client:
        stream.set_input(client.webrtc_id, None)
        await eventually(lambda: len(client.video_frames) >= 3)


# --- Outputs ---------------------------------------------------------------------------------


class Counting(AsyncStreamHandler):
    """Gives numbers when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.numbers: asyncio.Queue = asyncio.Queue()

    def copy(self) -> "Counting":
        return Counting()

    async def receive(self, frame: Any) -> None: ...

    async def emit(self) -> Any:
        return AdditionalOutputs(await self.numbers.get(), "and more")


async def read(stream: Stream, webrtc_id: str, into: list[Any]) -> None:
    async for outputs in stream.output_stream(webrtc_id):
        into.append(outputs.args)


@pytest.mark.parametrize("before", [True, False])
async def test_output_stream_before_or_after_the_offer(before: bool) -> None:
    stream = stream_of(Counting())
    client = Client(stream, audio=AudioSource())
    got: list[Any] = []
    if before:
        reader = asyncio.ensure_future(read(stream, client.webrtc_id, got))
        await asyncio.sleep(0.05)
    await client.connect()
    mine = stream.handlers[client.webrtc_id]
    mine.numbers.put_nowait(0)
    if not before:
        await client.message("fetch_output")  # what was given before is kept for the reader
        reader = asyncio.ensure_future(read(stream, client.webrtc_id, got))
    for number in range(1, 5):
        mine.numbers.put_nowait(number)
    await eventually(lambda: len(got) == 5)
    assert got == [(number, "and more") for number in range(5)]
    await client.close()
    await asyncio.wait_for(reader, 30)  # it ends with the connection
    await client.over()
    assert not stream.additional_outputs


async def test_fetch_latest_output() -> None:
    stream = stream_of(Counting())
    async with Client(stream, audio=AudioSource()) as client:
        mine = stream.handlers[client.webrtc_id]
        waiting = asyncio.ensure_future(stream.fetch_latest_output(client.webrtc_id))
        mine.numbers.put_nowait(1)
        assert (await asyncio.wait_for(waiting, 30)).args == (1, "and more")
        waiting = asyncio.ensure_future(stream.fetch_latest_output(client.webrtc_id))
        await asyncio.sleep(0.05)
    with pytest.raises(LookupError, match="has ended"):
        await asyncio.wait_for(waiting, 30)
    assert not stream.additional_outputs


async def test_outputs_of_an_unknown_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(output_readers, "NO_SESSION_TIMEOUT_S", 0.1)
    stream = stream_of(Counting())
    got: list[Any] = []
    await asyncio.wait_for(read(stream, "nobody", got), 30)
    with pytest.raises(LookupError):
        await asyncio.wait_for(stream.fetch_latest_output("nobody"), 30)
    assert not got and not stream.additional_outputs


async def test_reader_that_goes_leaves_no_entry() -> None:
    stream = stream_of(Counting())
    reader = asyncio.ensure_future(read(stream, "nobody", []))
    await eventually(lambda: "nobody" in stream.additional_outputs)
    reader.cancel()
    await asyncio.wait([reader])
    assert not stream.additional_outputs


async def test_outputs_of_video_functions() -> None:
    seen = 0

    def function(frame: np.ndarray) -> Any:
        nonlocal seen
        seen += 1
        return AdditionalOutputs(seen) if seen % 2 else (flip(frame), AdditionalOutputs(seen))

    stream = stream_of(function, modality="video")
    async with Client(stream, video=VideoSource()) as client:
        got: list[Any] = []
        reader = asyncio.ensure_future(read(stream, client.webrtc_id, got))
        await eventually(lambda: len(client.video_frames) >= 3)
        await eventually(lambda: len(got) >= 6)
        assert is_blue_on_top(client.video_frames[-1][1])
    await reader
    assert [number for (number,) in got] == list(range(1, len(got) + 1))


async def test_outputs_from_a_thread_arrive_before_the_audio_is_played() -> None:
    """A generator runs ahead of playout: its outputs come when they are given."""

    def say() -> Any:
        yield 24000, np.full(5 * 24000, 5000, np.int16)
        yield AdditionalOutputs(threading.current_thread() is threading.main_thread())
        yield None

    stream = stream_of(say, mode="receive")
    async with Client(stream, audio="recvonly") as client:
        outputs = await asyncio.wait_for(stream.fetch_latest_output(client.webrtc_id), 30)
        assert outputs.args == (False,)
        assert len(client.audio_frames) < 150
        assert not client.of_type("end_stream")


async def test_set_outputs_of_a_program_of_its_own() -> None:
    """`handle_offer` takes the function that gets the outputs."""
    stream = stream_of(Counting())
    got: list[Any] = []
    client = Client(stream, audio=AudioSource())
    answer = await stream.handle_offer(await client.offer(), set_outputs=got.append)
    await client.take(answer)
    await client.state("connected")
    stream.handlers[client.webrtc_id].numbers.put_nowait(1)
    await eventually(lambda: [outputs.args for outputs in got] == [(1, "and more")])
    await client.close()
    await client.over()


@pytest.mark.parametrize("handler", [AudioEcho, AsyncAudioEcho])
async def test_each_connection_has_inputs_of_its_own(handler: Any) -> None:
    mine = handler()
    stream = stream_of(mine, concurrency_limit=2)
    async with (
        Client(stream, audio=AudioSource()) as one,
        Client(stream, audio=AudioSource()) as two,
    ):
        stream.set_input(one.webrtc_id, 1)
        stream.set_input(two.webrtc_id, 2)
        assert stream.handlers[one.webrtc_id].latest_args == ["__webrtc_value__", 1]
        assert stream.handlers[two.webrtc_id].latest_args == ["__webrtc_value__", 2]
        assert mine.latest_args == [] and not mine.args_set.is_set()
