"""`handler.interrupt()` and `Stream.interrupt`: every kind of handler, over every transport."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from fastrtc import (
    AlgoOptions,
    AsyncAudioVideoStreamHandler,
    AsyncStreamHandler,
    AudioVideoStreamHandler,
    ReplyOnPause,
    ReplyOnStopWords,
    Stream,
    StreamHandler,
)
from fastrtc.testing import Call
from fastrtc.testing.line import RATE as CALL_RATE
from tests.support.models import Energy
from tests.testing.programs import RATE, Tones, Words, audio_stream, replying, tone

STORY_S = 10.0


class Told(StreamHandler):
    """Gives a story of 10 s at once, when the connection starts."""

    def __init__(self) -> None:
        super().__init__(output_sample_rate=RATE)
        self.story = [(RATE, tone(0.5))] * round(STORY_S / 0.5)

    def receive(self, frame: Any) -> None: ...

    def emit(self) -> Any:
        return self.story.pop() if self.story else None

    def copy(self) -> Any:
        return type(self)()


class AsyncTold(AsyncStreamHandler):
    def __init__(self) -> None:
        super().__init__(output_sample_rate=RATE)
        self.story = [(RATE, tone(0.5))] * round(STORY_S / 0.5)

    async def receive(self, frame: Any) -> None: ...

    async def emit(self) -> Any:
        return self.story.pop() if self.story else None

    def copy(self) -> Any:
        return type(self)()


class WithVideo(Told, AudioVideoStreamHandler):
    def video_receive(self, frame: Any) -> None: ...

    def video_emit(self) -> None: ...

    copy = Told.copy


class AsyncWithVideo(AsyncTold, AsyncAudioVideoStreamHandler):
    async def video_receive(self, frame: Any) -> None: ...

    async def video_emit(self) -> None: ...

    copy = AsyncTold.copy


def story(*audio: Any) -> Iterator[Any]:
    for _ in range(round(STORY_S / 0.5)):
        yield RATE, tone(0.5)


def stop_words() -> ReplyOnStopWords:
    algo = AlgoOptions(audio_chunk_duration=0.2, started_talking_threshold=0.1)
    return ReplyOnStopWords(
        story, ["one"], startup_fn=story, algo_options=algo, model=Energy(), stt_model=Words()
    )


def on_pause() -> ReplyOnPause:
    return ReplyOnPause(story, startup_fn=story, model=Energy())


KINDS: list[Callable[[], Any]] = [
    Told,
    AsyncTold,
    WithVideo,
    AsyncWithVideo,
    on_pause,
    stop_words,
]


def the_handler(stream: Stream) -> Any:
    [handler] = stream.handlers.values()
    return handler


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("in_thread", [False, True])
async def test_each_kind_of_handler_falls_silent(kind: Any, in_thread: bool) -> None:
    stream = audio_stream(kind())
    async with Call(stream, voice=Tones()) as call:
        await call.wait(2)
        handler = the_handler(stream)
        if in_thread:
            await asyncio.to_thread(handler.interrupt)
        else:
            handler.interrupt()
        await call.wait(12)
    (turn,) = call.turns
    assert turn.reply_ends_s == pytest.approx(2.1, abs=0.1)


async def test_a_reply_is_cancelled_as_by_speech() -> None:
    played, closed = [], []

    def endless(audio: Any) -> Iterator[Any]:
        try:
            while True:
                yield RATE, tone(0.5)
        finally:
            closed.append(True)

    stream = replying(endless, on_interrupt=played.append)
    async with Call(stream, voice=Tones()) as call:
        await call.say("one two three")
        reply = await call.reply()
        await call.wait(3)
        stream.interrupt(*stream.handlers)
        await call.wait(2)
        assert played == [pytest.approx(call.turns[0].reply_ends_s - reply.starts_s, abs=0.1)]
        assert closed == [True]
        interrupted = {"type": "interrupted", "data": "interrupted"}
        assert call.messages.count(interrupted) == 1

        await call.say("two")  # the conversation goes on
        await call.reply()
    assert call.turns[0].reply_ends_s - reply.starts_s == pytest.approx(3, abs=0.1)


async def test_a_reply_that_is_being_made_is_not_played() -> None:
    waits, told = threading.Event(), []

    def slow(audio: Any) -> Iterator[Any]:
        told.append("asked")
        if len(told) == 1:
            waits.wait(2)
        yield RATE, tone(0.5)

    stream = replying(slow)
    async with Call(stream, voice=Tones()) as call:
        await call.say("one")
        await call.wait(1)
        assert told
        the_handler(stream).interrupt()
        await call.wait(3)
        assert call.turns[0].reply_starts_s == float("inf")
        await call.say("two")
        await call.reply()


async def test_without_output_nothing_happens() -> None:
    on_interrupt: list[float] = []
    stream = replying(story, on_interrupt=on_interrupt.append)
    async with Call(stream, voice=Tones()) as call:
        await call.wait(1)
        the_handler(stream).interrupt()
        await call.say("one")
        await call.wait(0.1)
    assert on_interrupt == []
    assert not [one for one in call.messages if one["type"] == "interrupted"]
    for kind in KINDS:
        kind().interrupt()  # and without a connection


async def test_a_generator_is_interrupted_by_its_id_and_goes_on() -> None:
    def count() -> Iterator[Any]:
        yield RATE, tone(5)
        time.sleep(2.5)
        yield RATE, tone(5)

    stream = Stream(count, modality="audio", mode="receive")
    async with Call(stream) as call:
        await call.wait(2)
        stream.interrupt(*stream.connections)
        stream.interrupt("unknown")
        await call.wait(5.3)
        heard = call._caller.heard.samples.astype(int)
    at_s = [0.3, 1.3, 2.3, 3.3, 6.3]
    loud = [bool(abs(heard[round(at * CALL_RATE) :][:4800]).max() > 1000) for at in at_s]
    assert loud == [True, True, False, True, True]


async def test_names_of_the_program_are_neither_called_nor_replaced() -> None:
    class Mine(ReplyOnPause):
        interrupt = None  # type: ignore[assignment]

        def __init__(self) -> None:
            super().__init__(story, startup_fn=story, model=Energy())
            self.say = self.interrupt = threading.Event()  # type: ignore[assignment]

    stream = audio_stream(Mine())
    async with Call(stream, voice=Tones()) as call:
        await call.wait(2)
        handler = the_handler(stream)
        assert isinstance(handler.interrupt, threading.Event)
        stream.interrupt(*stream.handlers)
        await call.wait(2)
    assert call.turns[0].reply_ends_s == pytest.approx(2.1, abs=0.1)


@pytest.mark.parametrize("over", ["webrtc", "websocket", "twilio"])
@pytest.mark.parametrize("kind", [Told, on_pause])
async def test_what_the_client_has_is_dropped(over: Any, kind: Any) -> None:
    stream = audio_stream(kind())
    stream.server_rtc_configuration = {"iceServers": []}
    async with Call(stream, over) as call:
        await call.reply()
        await call.wait(1.5)
        began = call._line.now_s()
        await asyncio.to_thread(the_handler(stream).interrupt)
        await call.wait(2)
    assert call.turns[0].reply_ends_s < began + 2  # of 10 s
