"""`say` on every kind of handler: the order of what is heard, and when the handle ends."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import numpy as np
import pytest

from fastrtc import (
    AdditionalOutputs,
    AsyncStreamHandler,
    CloseStream,
    ReplyOnPause,
    Stream,
    StreamHandler,
)
from fastrtc.core.errors import CannotSay, HandlerError, NotConnected, NoVoice
from fastrtc.session.speaker import MAX_WAITING
from fastrtc.testing import Call, CallFailed
from fastrtc.testing.line import RATE as CALL_RATE
from tests.support.models import Energy
from tests.testing.programs import RATE, Tones, audio_stream, tone

LATE_S = 0.06
"""How long after it is sent a caller hears audio, over memory."""


class Quiet(StreamHandler):
    """Has no output of its own, but what is put into `queue`."""

    def __init__(self) -> None:
        super().__init__(output_sample_rate=RATE)
        self.queue: list[Any] = []

    def receive(self, frame: Any) -> None: ...

    def emit(self) -> Any:
        return self.queue.pop(0) if self.queue else None

    def copy(self) -> Any:
        return type(self)()


class AsyncQuiet(AsyncStreamHandler):
    def __init__(self) -> None:
        super().__init__(output_sample_rate=RATE)
        self.queue: list[Any] = []

    async def receive(self, frame: Any) -> None: ...

    async def emit(self) -> Any:
        return self.queue.pop(0) if self.queue else None

    def copy(self) -> Any:
        return type(self)()


KINDS = pytest.mark.parametrize("kind", [Quiet, AsyncQuiet])


def the_handler(stream: Stream) -> Any:
    [handler] = stream.handlers.values()
    return handler


def beep(word: int, seconds: float = 0.5) -> tuple[int, Any]:
    return RATE, tone(seconds, 300.0 + 100 * word)


def words_heard(call: Call, since_s: float = 0) -> list[int]:
    """Which beeps the caller has heard, in order, without repetitions."""
    heard = call._caller.heard.samples[round(since_s * CALL_RATE) :]
    size, words = CALL_RATE // 20, list[int]()
    for start in range(0, len(heard) - size, size):
        piece = heard[start : start + size].astype(float)
        if np.abs(piece).min() == np.abs(piece).max() or np.abs(piece).max() < 2000:
            continue
        peak = np.argmax(np.abs(np.fft.rfft(piece, CALL_RATE))[:2000])
        word = round((peak - 300) / 100)
        if not words or words[-1] != word:
            words.append(word)
    return words


def spoken() -> Iterator[Any]:
    yield beep(1)
    time.sleep(0.1)
    yield beep(2)


async def async_spoken() -> AsyncIterator[Any]:
    yield beep(1)
    await asyncio.sleep(0.1)
    yield beep(2)


async def returns_audio() -> Any:
    return beep(1, 1.0)


class AsyncIterable:
    def __aiter__(self) -> AsyncIterator[Any]:
        return async_spoken()


SPEECHES: dict[str, Any] = {
    "audio": lambda: beep(1, 1.0),
    "list": lambda: [RATE, tone(1.0)],
    "generator": spoken,
    "async generator": async_spoken,
    "function": lambda: spoken,
    "async function": lambda: async_spoken,
    "function that returns audio": lambda: lambda: beep(1, 1.0),
    "coroutine function": lambda: returns_audio,
    "function that returns a coroutine": lambda: lambda: returns_audio(),
    "function that returns an async generator": lambda: lambda: async_spoken(),
    "list of chunks": lambda: [beep(1), beep(2)],
    "async iterable": lambda: AsyncIterable(),
    "iterator": lambda: iter([beep(1), beep(2)]),
}


@KINDS
@pytest.mark.parametrize("speech", SPEECHES)
async def test_each_kind_of_speech_is_played_once(kind: Any, speech: str) -> None:
    stream = audio_stream(kind())
    async with Call(stream) as call:
        await call.wait(0.5)
        handle = the_handler(stream).say(SPEECHES[speech]())
        assert not handle.done and not handle.played
        await call.wait(2)
        assert handle.done and handle.played and await handle
    (turn,) = call.turns
    assert turn.reply_starts_s == pytest.approx(0.5 + LATE_S, abs=0.03)
    assert turn.reply_ends_s - turn.reply_starts_s == pytest.approx(1.0, abs=0.03)


@KINDS
async def test_speech_is_in_order_with_other_output_and_not_mixed_with_it(kind: Any) -> None:
    stream = audio_stream(kind())
    async with Call(stream) as call:
        await call.wait(0.1)
        handler = the_handler(stream)
        handler.queue.append(beep(0))
        await call.wait(0.1)
        handles = [handler.say(spoken()), handler.say(async_spoken()), handler.say(beep(5))]
        await call.wait(0.05)
        handler.queue += [beep(7), beep(8)]
        await call.wait(5)
        assert all(handle.played for handle in handles)
    assert words_heard(call) == [0, 1, 2, 1, 2, 5, 7, 8]


async def test_the_handle_ends_when_the_last_sample_is_sent() -> None:
    stream = audio_stream(AsyncQuiet())
    async with Call(stream) as call:
        await call.wait(0.1)
        handler = the_handler(stream)
        first, second = handler.say(beep(1, 2.0)), handler.say(beep(2, 3.0))
        for until_s, ended in [(1.9, [0, 0]), (2.2, [1, 0]), (4.9, [1, 0]), (5.2, [1, 1])]:
            await call.wait(until_s + 0.1 - call._line.now_s())
            assert [first.done, second.done] == ended, until_s


@KINDS
@pytest.mark.parametrize("how", ["interrupt", "clear_queue"])
async def test_all_that_is_said_is_interrupted(kind: Any, how: str) -> None:
    closed = threading.Event()

    def endless() -> Iterator[Any]:
        try:
            while True:
                yield beep(2)
        finally:
            closed.set()

    stream = audio_stream(kind())
    async with Call(stream) as call:
        await call.wait(0.1)
        handler = the_handler(stream)
        says = [handler.say(beep(1, 1.0)), handler.say(endless()), handler.say(beep(3))]
        await call.wait(2)
        assert [one.done for one in says] == [True, False, False]
        handler.interrupt() if how == "interrupt" else handler.clear_queue()
        assert [one.played for one in says] == [True, False, False]
        assert all(one.done for one in says)
        after = handler.say(beep(4))
        await call.wait(1)
        assert after.played and closed.is_set()
    assert words_heard(call) == [1, 2, 4]
    assert call.turns[-1].reply_ends_s == pytest.approx(2.1 + 0.5, abs=0.15)


async def test_a_blocked_thread_is_known_by_the_connection() -> None:
    goes_on, names = threading.Event(), list[str]()

    def blocks() -> Iterator[Any]:
        names.append(threading.current_thread().name)
        goes_on.wait(5)
        yield beep(1)

    stream = audio_stream(Quiet())
    async with Call(stream) as call:
        await call.wait(0.1)
        handler, [id] = the_handler(stream), stream.handlers
        handler.say(blocks)
        await call.wait(0.1)
        goes_on.set()
        await call.wait(1)
    assert names == [f"fastrtc-{id}:say-reply"]


async def test_a_thread_waits_for_the_end() -> None:
    seen: list[Any] = []

    class Waits(Quiet):
        def start_up(self) -> None:
            began = time.monotonic()
            seen.append(self.say(beep(1, 1.0)).wait())
            seen.append(time.monotonic() - began)
            seen.append(self.say(beep(1, 5.0)).wait(timeout=1))

    async with Call(audio_stream(Waits())) as call:
        await call.wait(4)
    assert seen == [True, pytest.approx(1.0, abs=0.1), False]


async def test_waiting_on_the_loop_is_an_error_and_a_canceled_task_leaves_it_alone() -> None:
    stream = audio_stream(AsyncQuiet())
    async with Call(stream) as call:
        await call.wait(0.1)
        handle = the_handler(stream).say(beep(1, 1.0))
        with pytest.raises(RuntimeError, match="await the handle"):
            handle.wait()

        async def waits() -> bool:
            return await handle

        task = asyncio.ensure_future(waits())
        await asyncio.sleep(0)
        task.cancel()
        await call.wait(2)
        assert handle.played


async def test_other_outputs_of_speech() -> None:
    def tell() -> Iterator[Any]:
        yield AdditionalOutputs("told")
        yield beep(1), AdditionalOutputs("and more")
        yield CloseStream("Goodbye")

    stream = audio_stream(Quiet())
    async with Call(stream) as call:
        await call.wait(0.1)
        handle = the_handler(stream).say(tell())
        with pytest.raises(CallFailed, match="Goodbye"):
            await call.wait(3)
        assert call.outputs == [("told",), ("and more",)]
        assert handle.done
    assert words_heard(call) == [1]


async def test_a_text_needs_a_voice() -> None:
    stream = audio_stream(Quiet())
    async with Call(stream) as call:
        await call.wait(0.1)
        with pytest.raises(NoVoice, match=r'Stream\(..., voice=.*pip install "fastrtc\[tts\]"'):
            the_handler(stream).say("one")


@pytest.mark.parametrize("text", ["one two", lambda: "one two"])
async def test_the_voice_of_the_stream_speaks_text(text: Any) -> None:
    stream = audio_stream(Quiet())
    stream.voice = Tones()
    async with Call(stream) as call:
        await call.wait(0.1)
        handle = the_handler(stream).say(text)
        await call.wait(2)
        assert handle.played
    assert words_heard(call) == [2, 4]


async def test_speech_that_fails_is_reported_and_the_next_is_played() -> None:
    def broken() -> Iterator[Any]:
        yield beep(1)
        raise ValueError("no more")

    stream = audio_stream(Quiet())
    async with Call(stream, expect_errors=True) as call:
        await call.wait(0.1)
        handler = the_handler(stream)
        bad = [handler.say(broken()), handler.say(iter(["no audio"]))]
        good = handler.say(beep(3))
        await call.wait(2)
        assert [one.played for one in bad] == [False, False] and good.played
        errors = [one["data"] for one in call.messages if one["type"] == "error"]
        assert "no more" in errors[0] and "Audio must be given as" in errors[1]
    assert words_heard(call)[-1] == 3


async def test_what_cannot_be_played_is_refused_at_once() -> None:
    with pytest.raises(NotConnected, match="Quiet is not connected"):
        Quiet().say(beep(1))
    stream = audio_stream(Quiet())
    async with Call(stream) as call:
        await call.wait(0.1)
        handler = the_handler(stream)
        for wrong in (np.zeros(5, np.int16), (RATE, "abc"), (0, tone(1))):
            with pytest.raises(HandlerError):
                handler.say(wrong)
        for wrong in (None, 5):
            with pytest.raises(TypeError, match=r"say\(\) takes a text, audio"):
                handler.say(wrong)
        for _ in range(MAX_WAITING):
            last = handler.say(beep(1))
        with pytest.raises(CannotSay, match=f"{MAX_WAITING} calls"):
            handler.say(beep(1))
    assert last.done and not last.played  # the call has ended
    with pytest.raises(NotConnected, match="has ended"):
        handler.say(beep(1))


async def test_the_array_may_be_used_again() -> None:
    stream = audio_stream(Quiet())
    async with Call(stream) as call:
        await call.wait(0.1)
        samples = tone(0.5)
        the_handler(stream).say((RATE, samples))
        samples[:] = 0
        await call.wait(1)
    assert words_heard(call) == [1]


async def test_before_the_connection_is_established() -> None:
    class Greets(AsyncQuiet):
        def copy(self) -> Any:
            return Greets()

        def set_channel(self, channel: Any) -> None:
            super().set_channel(channel)
            said.append(self.say(beep(1)))

    said: list[Any] = []
    async with Call(audio_stream(Greets())) as call:
        await call.wait(1)
    assert words_heard(call) == [1] and said[0].played


async def test_a_client_that_gets_no_audio() -> None:
    stream = Stream(Quiet(), modality="audio", mode="send")
    async with Call(stream) as call:
        await call.wait(0.1)
        with pytest.raises(CannotSay, match="receives no audio"):
            the_handler(stream).say(beep(1))


@pytest.mark.parametrize("over", ["webrtc", "websocket", "twilio"])
@pytest.mark.parametrize("kind", ["plain", "on pause"])
async def test_over_a_real_transport(over: Any, kind: str) -> None:
    handler = Quiet() if kind == "plain" else ReplyOnPause(spoken, model=Energy())
    stream = Stream(
        handler,
        modality="audio",
        mode="send-receive",
        server_rtc_configuration={"iceServers": []},
        voice=Tones(),
    )
    async with Call(stream, over) as call:
        await call.wait(0.5)
        handle, text = the_handler(stream).say(beep(1, 1.0)), stream.say(*stream.handlers, "one")
        last = the_handler(stream).say(beep(3, 20.0))
        await call.reply()
        await call.wait(3)
        assert handle.played and text.played and not last.done
        stream.interrupt(*stream.handlers)
        assert last.done and not last.played
        await call.wait(1.5)
    (turn,) = call.turns
    assert 2 < turn.reply_ends_s - turn.reply_starts_s < 6  # of 21.3
