"""Every modality, mode and kind of handler, between two peers in one process."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
import pytest

from fastrtc import Stream, VideoStreamHandler
from fastrtc.tracks import (
    AudioCallback,
    ServerToClientAudio,
    ServerToClientVideo,
    VideoCallback,
    VideoStreamHandler_,
)
from tests.support.connections import assert_nothing_left
from tests.support.peers import LOCAL, AudioSource, Client, VideoSource, eventually, tone
from tests.webrtc.handlers import (
    AsyncAudioEcho,
    AsyncAudioVideoEcho,
    AudioEcho,
    AudioVideoEcho,
    flip,
    frequency,
    is_blue_on_top,
    is_red_on_top,
    red_on_top,
)

SPOKEN = tone(0.8)
Trace = dict[str, list[str]]


@asynccontextmanager
async def connected(
    handler: Any, modality: str, mode: str, trace: Trace, **tracks: Any
) -> AsyncIterator[tuple[Stream, Client]]:
    """A client of a stream; what both sides went through is looked at when it is over."""
    stream = Stream(handler, modality=modality, mode=mode, server_rtc_configuration=LOCAL)
    async with Client(stream, **tracks) as client:
        await eventually(lambda: trace[client.webrtc_id] == ["new", "live"])
        yield stream, client
    assert client.states == ["connecting", "connected", "closed"]
    assert trace[client.webrtc_id] == ["new", "live", "closing", "closed"]
    assert_nothing_left(stream)


def types_of(stream: Stream, client: Client) -> list[type]:
    return [type(track) for track in stream.connections[client.webrtc_id]]


# --- Audio -----------------------------------------------------------------------------------


def assert_heard_by_handler(handler: Any) -> None:
    for rate, samples in handler.heard:
        assert rate == 24000
        assert samples.dtype == np.int16
        assert samples.ndim == 2 and samples.shape[0] == 1
    loud = [s for _, s in handler.heard if np.abs(s.astype(int)).max() > 3000]
    together = np.concatenate([s.reshape(-1) for s in loud[2:]])
    assert frequency(together, 24000) == pytest.approx(440, abs=10)


def assert_heard_by_client(client: Client) -> None:
    loud = [samples for _, samples, _ in client.loud()]
    assert frequency(np.concatenate(loud[2:])) == pytest.approx(440, abs=10)


@pytest.mark.parametrize(
    "handler", [AudioEcho, AsyncAudioEcho, AudioVideoEcho, AsyncAudioVideoEcho]
)
async def test_audio_comes_back(handler: Any, trace: Trace) -> None:
    source = AudioSource(SPOKEN)
    async with connected(handler(), "audio", "send-receive", trace, audio=source) as (
        stream,
        client,
    ):
        mine = stream.handlers[client.webrtc_id]
        assert types_of(stream, client) == [AudioCallback]
        await eventually(lambda: len(client.loud()) >= 25)
        assert stream.connections[client.webrtc_id][0].event_handler is mine
    assert mine.calls == ["start_up", "shutdown"]
    assert_heard_by_handler(mine)
    assert_heard_by_client(client)
    assert not mine.seen and not client.video_frames


@pytest.mark.parametrize(
    "handler", [AudioEcho, AsyncAudioEcho, AudioVideoEcho, AsyncAudioVideoEcho]
)
async def test_audio_is_only_sent(handler: Any, trace: Trace) -> None:
    source = AudioSource(SPOKEN)
    async with connected(handler(), "audio", "send", trace, audio=source) as (stream, client):
        mine = stream.handlers[client.webrtc_id]
        await eventually(lambda: np.abs(mine.samples().astype(int)).max(initial=0) > 3000)
        await eventually(lambda: len(mine.heard) >= 30)
        assert not client.packets
    assert mine.calls == ["start_up", "shutdown"]
    assert_heard_by_handler(mine)


def speak() -> Iterator[Any]:
    """A generator of half a second, in 50 ms at 24 kHz."""
    spoken = tone(1.0)[:24000:2].reshape(10, -1)
    for chunk in spoken:
        yield 24000, chunk


async def speak_async() -> AsyncIterator[Any]:
    for item in speak():
        await asyncio.sleep(0.01)
        yield item


class Speaker:
    def method(self) -> Iterator[Any]:
        yield from speak()

    async def async_method(self) -> AsyncIterator[Any]:
        for item in speak():
            yield item

    def __call__(self) -> Iterator[Any]:
        return speak()


@pytest.mark.parametrize(
    "handler",
    [speak, speak_async, Speaker().method, Speaker().async_method, Speaker()],
    ids=["generator", "async-generator", "method", "async-method", "callable"],
)
async def test_audio_of_a_generator_is_received(handler: Any, trace: Trace) -> None:
    stream = Stream(handler, modality="audio", mode="receive", server_rtc_configuration=LOCAL)
    async with Client(stream, audio="recvonly") as client:
        assert types_of(stream, client) == [ServerToClientAudio]
        assert stream.handlers[client.webrtc_id] is handler
        assert (await client.message("end_stream"))["data"] == "Stream ended"
        await client.state("closed")
    assert 23 <= len(client.loud()) <= 27  # played to the end before it closed
    assert_heard_by_client(client)
    assert trace[client.webrtc_id] == ["new", "live", "closing", "closed"]
    assert_nothing_left(stream)


def speaking(base: Any) -> Any:
    class Speaking(base):
        """Says half a second, and shows pictures if it has any."""

        def __init__(self, **options: Any) -> None:
            super().__init__(**options)
            for item in speak():
                self.audio.put_nowait(item)
            if hasattr(self, "video"):
                for _ in range(60):
                    self.video.put_nowait(red_on_top())

    return Speaking


@pytest.mark.parametrize(
    "handler", [AudioEcho, AsyncAudioEcho, AudioVideoEcho, AsyncAudioVideoEcho]
)
async def test_audio_of_a_handler_is_received(handler: Any, trace: Trace) -> None:
    async with connected(speaking(handler)(), "audio", "receive", trace, audio="recvonly") as (
        stream,
        client,
    ):
        mine = stream.handlers[client.webrtc_id]
        assert types_of(stream, client) == [ServerToClientAudio]
        await eventually(lambda: len(client.loud()) >= 23)
    assert mine.calls == ["start_up", "shutdown"]
    assert not mine.heard


# --- Video -----------------------------------------------------------------------------------


class Counted:
    """Functions of a frame that note what they are given."""

    def __init__(self) -> None:
        self.seen: list[np.ndarray] = []

    def function(self, frame: np.ndarray) -> np.ndarray:
        self.seen.append(frame)
        return flip(frame)

    async def async_function(self, frame: np.ndarray) -> np.ndarray:
        await asyncio.sleep(0)
        return self.function(frame)

    def generator(self, frame: np.ndarray) -> Iterator[np.ndarray]:
        yield self.function(frame)

    async def async_generator(self, frame: np.ndarray) -> AsyncIterator[np.ndarray]:
        yield self.function(frame)

    def __call__(self, frame: np.ndarray) -> np.ndarray:
        return self.function(frame)


def plain(counted: Counted) -> Callable[..., Any]:
    def function(frame: np.ndarray) -> np.ndarray:
        return counted.function(frame)

    return function


def plain_async(counted: Counted) -> Callable[..., Any]:
    async def function(frame: np.ndarray) -> np.ndarray:
        return counted.function(frame)

    return function


FUNCTIONS: dict[str, Callable[[Counted], Any]] = {
    "function": plain,
    "async-function": plain_async,
    "method": lambda c: c.function,
    "async-method": lambda c: c.async_function,
    "generator": lambda c: c.generator,
    "async-generator": lambda c: c.async_generator,
    "callable": lambda c: c,
    "handler": lambda c: VideoStreamHandler(c.function),
    "handler-async": lambda c: VideoStreamHandler(c.async_function, skip_frames=True),
}


def assert_seen_by_handler(seen: list[np.ndarray]) -> None:
    for frame in seen:
        assert frame.dtype == np.uint8 and frame.shape == (120, 160, 3)
    assert is_red_on_top(seen[3])  # the last may be the black one that ends a sync wait


@pytest.mark.parametrize("make", FUNCTIONS.values(), ids=FUNCTIONS)
async def test_video_comes_back_through_a_function(make: Any, trace: Trace) -> None:
    counted = Counted()
    handler = make(counted)
    async with connected(handler, "video", "send-receive", trace, video=VideoSource()) as (
        stream,
        client,
    ):
        assert types_of(stream, client) == [VideoCallback]
        assert stream.handlers[client.webrtc_id] is handler
        await eventually(lambda: len(client.video_frames) >= 5)
    assert is_blue_on_top(client.video_frames[-1][1])
    assert_seen_by_handler(counted.seen)


@pytest.mark.parametrize("make", FUNCTIONS.values(), ids=FUNCTIONS)
async def test_video_is_only_sent_to_a_function(make: Any, trace: Trace) -> None:
    counted = Counted()
    async with connected(make(counted), "video", "send", trace, video=VideoSource()) as (
        _,
        client,
    ):
        await eventually(lambda: len(counted.seen) >= 5)
    assert_seen_by_handler(counted.seen)
    assert not client.video_frames and not client.packets


@pytest.mark.parametrize("mode", ["send-receive", "send"])
@pytest.mark.parametrize("handler", [AudioVideoEcho, AsyncAudioVideoEcho])
async def test_video_through_a_handler_that_has_audio_too(
    handler: Any, mode: str, trace: Trace
) -> None:
    async with connected(handler(), "video", mode, trace, video=VideoSource()) as (
        stream,
        client,
    ):
        mine = stream.handlers[client.webrtc_id]
        await eventually(lambda: len(mine.seen) >= 5)
        if mode == "send-receive":
            await eventually(lambda: len(client.video_frames) >= 5)
            assert is_blue_on_top(client.video_frames[-1][1])
    assert_seen_by_handler(mine.seen)
    assert mine.calls == ["start_up", "shutdown"]
    assert not mine.heard and not client.audio_frames


def show() -> Iterator[np.ndarray]:
    for _ in range(12):
        yield red_on_top()


async def show_async() -> AsyncIterator[np.ndarray]:
    for picture in show():
        await asyncio.sleep(0.01)
        yield picture


class Screen:
    def method(self) -> Iterator[np.ndarray]:
        yield from show()


@pytest.mark.parametrize(
    "handler",
    [
        show,
        show_async,
        Screen().method,
        VideoStreamHandler(show, fps=25),
        VideoStreamHandler(show_async, fps=25),
    ],
    ids=["generator", "async-generator", "method", "handler", "handler-async"],
)
async def test_video_of_a_generator_is_received(handler: Any, trace: Trace) -> None:
    stream = Stream(handler, modality="video", mode="receive", server_rtc_configuration=LOCAL)
    async with Client(stream, video="recvonly") as client:
        assert types_of(stream, client) == [ServerToClientVideo]
        assert (await client.message("end_stream"))["data"] == "Stream ended"
        await client.state("closed")
    assert len(client.video_frames) >= 5
    assert client.video_frames[0][1].shape == (120, 160, 3)
    assert is_red_on_top(client.video_frames[-1][1])
    assert trace[client.webrtc_id] == ["new", "live", "closing", "closed"]
    assert_nothing_left(stream)


@pytest.mark.parametrize("handler", [AudioVideoEcho, AsyncAudioVideoEcho])
async def test_video_of_a_handler_is_received(handler: Any, trace: Trace) -> None:
    async with connected(speaking(handler)(), "video", "receive", trace, video="recvonly") as (
        stream,
        client,
    ):
        mine = stream.handlers[client.webrtc_id]
        await eventually(lambda: len(client.video_frames) >= 5)
        assert is_blue_on_top(client.video_frames[-1][1])
    assert mine.calls == ["start_up", "shutdown"]
    assert not client.audio_frames


# --- Both ------------------------------------------------------------------------------------


@pytest.mark.parametrize("handler", [AudioVideoEcho, AsyncAudioVideoEcho])
async def test_audio_and_video_come_back(handler: Any, trace: Trace) -> None:
    async with connected(
        handler(),
        "audio-video",
        "send-receive",
        trace,
        audio=AudioSource(SPOKEN),
        video=VideoSource(),
    ) as (stream, client):
        mine = stream.handlers[client.webrtc_id]
        assert types_of(stream, client) == [AudioCallback, VideoStreamHandler_]
        await eventually(lambda: len(client.loud()) >= 25)
        await eventually(lambda: len(client.video_frames) >= 5)
    assert is_blue_on_top(client.video_frames[-1][1])
    assert_heard_by_client(client)
    assert_heard_by_handler(mine)
    assert_seen_by_handler(mine.seen)
    assert mine.calls == ["start_up", "shutdown"]


@pytest.mark.parametrize("handler", [AudioVideoEcho, AsyncAudioVideoEcho])
async def test_audio_and_video_are_only_sent(handler: Any, trace: Trace) -> None:
    async with connected(
        handler(),
        "audio-video",
        "send",
        trace,
        audio=AudioSource(SPOKEN),
        video=VideoSource(),
    ) as (stream, client):
        mine = stream.handlers[client.webrtc_id]
        await eventually(lambda: len(mine.heard) >= 30 and len(mine.seen) >= 5)
        assert not client.packets
    assert_heard_by_handler(mine)
    assert_seen_by_handler(mine.seen)
    assert mine.calls == ["start_up", "shutdown"]


@pytest.mark.parametrize("handler", [AudioVideoEcho, AsyncAudioVideoEcho])
async def test_audio_and_video_are_received_without_a_device(handler: Any, trace: Trace) -> None:
    async with connected(
        speaking(handler)(),
        "audio-video",
        "receive",
        trace,
        audio="recvonly",
        video="recvonly",
    ) as (stream, client):
        mine = stream.handlers[client.webrtc_id]
        await eventually(lambda: len(client.loud()) >= 23)
        await eventually(lambda: len(client.video_frames) >= 5)
    assert is_blue_on_top(client.video_frames[-1][1])
    assert mine.calls == ["start_up", "shutdown"]
    assert not mine.heard and not mine.seen
