"""What is said to a silent caller, and when."""

import asyncio
import math
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from fastrtc import AlgoOptions, CloseStream, ReplyOnPause, ReplyOnStopWords
from fastrtc.core.errors import HandlerError
from fastrtc.testing import Call, CallFailed
from fastrtc.turns.idle import IdleClock
from tests.session.test_speaker import beep, the_handler, words_heard
from tests.support.models import Energy
from tests.testing.programs import RATE, Tones, Words, audio_stream, replying, tone


def answer(audio: Any) -> Iterator[Any]:
    yield beep(8, 1.0)


def starts(call: Call) -> list[float]:
    """When each sound began, of those that follow half a second of silence."""
    heard = call._caller.heard.samples
    size, found, silent = 480, list[float](), 1.0
    for start in range(0, len(heard), size):
        if abs(heard[start : start + size].astype(int)).max() > 1000:
            if silent >= 0.5:
                found.append(start / 48_000)
            silent = 0.0
        else:
            silent += size / 48_000
    return found


def near(*times: float) -> list[Any]:
    return [pytest.approx(time, abs=0.12) for time in times]


# The clock


def test_each_length_is_reached_once() -> None:
    clock = IdleClock([20.0, 8.0])
    assert clock.deadline is None and clock.reached(5) == []
    clock.begin(10.0)
    assert clock.deadline == 18.0
    assert clock.reached(17.9) == []
    assert clock.reached(18.0) == [8.0]
    clock.begin(19.0)  # it has begun
    assert clock.deadline == 30.0
    assert clock.reached(31.0) == [20.0]
    assert clock.deadline is None


def test_a_late_look_finds_all_that_were_reached() -> None:
    clock = IdleClock([8.0, 20.0])
    clock.begin(0.0)
    assert clock.reached(25.0) == [8.0, 20.0]


def test_it_begins_anew_after_it_has_ended() -> None:
    clock = IdleClock([8.0])
    clock.begin(0.0)
    assert clock.reached(8.0) == [8.0]
    clock.end()
    assert clock.deadline is None
    clock.begin(10.0)
    assert clock.deadline == 18.0


# Calls


async def test_a_caller_who_says_nothing() -> None:
    def goodbye() -> Iterator[Any]:
        yield beep(2)
        yield CloseStream("Goodbye")

    stream = replying(answer, idle={8.0: beep(1), 20.0: goodbye})
    async with Call(stream, voice=Tones()) as call:
        with pytest.raises(CallFailed, match="Goodbye"):
            await call.wait(40)
        assert call._line.now_s() == pytest.approx(20.75, abs=0.3)
    assert words_heard(call) == [1, 2]
    assert starts(call) == near(8.06, 20.06)


async def ask() -> AsyncIterator[Any]:
    await asyncio.sleep(0.01)
    yield beep(1)


async def returns_text() -> str:
    return "one"


@pytest.mark.parametrize(
    "said", [ask, lambda: beep(1), lambda: iter([beep(1)]), returns_text, "one", [RATE, tone(0.5)]]
)
async def test_each_kind_of_speech(said: Any) -> None:
    stream = replying(answer, idle={3: said})
    stream.voice = Tones()
    async with Call(stream, voice=Tones()) as call:
        await call.wait(10)
    assert starts(call) == near(3.06)  # and only once


async def test_the_time_counts_from_the_end_of_the_reply_and_is_stopped_by_speech() -> None:
    stream = replying(answer, idle={4.0: beep(1), 6.0: beep(2)})
    async with Call(stream, voice=Tones()) as call:
        await call.say("one", at=3)  # before the first time
        reply = await call.reply()
        await call.say("one", at=reply.starts_s + 1 + 5)  # between both
        second = await call.reply()
        await call.wait(20)
    first_end, second_end = reply.starts_s + 1, second.starts_s + 1
    assert words_heard(call) == [8, 1, 8, 1, 2]
    assert starts(call) == near(
        reply.starts_s, first_end + 4, second.starts_s, second_end + 4, second_end + 6
    )


async def test_the_greeting_and_what_the_program_says_count_as_replies() -> None:
    def greet() -> Iterator[Any]:
        yield beep(0, 2.0)

    stream = replying(answer, startup_fn=greet, idle={4.0: beep(1)})
    async with Call(stream, voice=Tones()) as call:
        await call.wait(5)
        the_handler(stream).say(beep(3, 2.0))
        await call.wait(10)
    assert words_heard(call) == [0, 3, 1]
    assert starts(call) == near(0.06, 5.06, 11.1)


async def test_speech_interrupts_it() -> None:
    stream = replying(answer, idle={2.0: lambda: iter([beep(1, 5.0)]), 5.0: beep(2)})
    async with Call(stream, voice=Tones()) as call:
        await call.say("one", at=3)
        await call.wait(2)
    assert words_heard(call) == [1, 8]
    assert [one["type"] for one in call.messages].count("interrupted") == 1


async def test_long_speech_delays_what_follows() -> None:
    stream = replying(answer, idle={2.0: beep(1, 5.0), 5.0: beep(2)})
    async with Call(stream, voice=Tones()) as call:
        await call.wait(12)
    assert words_heard(call) == [1, 2]
    assert call.turns[0].reply_ends_s == pytest.approx(7.5, abs=0.2)


async def test_a_function_that_fails_is_reported_and_the_next_is_called() -> None:
    def broken() -> Any:
        raise ValueError("no idea")

    stream = replying(answer, idle={1: broken, 2: "text without a voice", 3: beep(3)})
    async with Call(stream, voice=Tones(), expect_errors=True) as call:
        await call.wait(5)
    errors = [one["data"] for one in call.messages if one["type"] == "error"]
    assert errors[0] == "no idea" and "Text needs a voice" in errors[1]
    assert starts(call) == near(3.06)


async def test_a_call_that_ends_leaves_no_timer() -> None:
    called: list[str] = []
    stream = replying(answer, idle={1.0: lambda: called.append("called")})
    async with Call(stream, voice=Tones()) as call:
        await call.wait(0.5)
        await call.hang_up()
        await asyncio.sleep(0)
    assert called == []


async def test_methods_are_those_of_the_handler_of_the_connection() -> None:
    class Asks(ReplyOnPause):
        def __init__(self) -> None:
            super().__init__(answer, model=Energy(), idle={1.0: self.ask})

        def ask(self) -> Any:
            asked.append(self)

    asked: list[Any] = []
    stream = audio_stream(Asks())
    async with Call(stream, voice=Tones()) as call:
        await call.wait(2)
        assert asked == [the_handler(stream)]


@pytest.mark.parametrize(
    ("idle", "error", "match"),
    [
        ([(8.0, ask)], TypeError, "idle must be a dict"),
        ({0: ask}, ValueError, "0 is not a positive number"),
        ({-1: ask}, ValueError, "-1 is not"),
        ({math.inf: ask}, ValueError, "inf is not"),
        ({"8": ask}, ValueError, "'8' is not"),
        ({8.0: ask()}, TypeError, "generator, which runs only once"),
        ({8.0: iter([beep(1)])}, TypeError, "generator, which runs only once"),
        ({8.0: 5}, TypeError, "must be a function, a text or audio, not 5"),
        ({8.0: (RATE, "abc")}, HandlerError, "not audio"),
    ],
)
def test_what_cannot_be_said_is_refused_at_once(idle: Any, error: Any, match: str) -> None:
    with pytest.raises(error, match=match):
        ReplyOnPause(answer, model=Energy(), idle=idle)


async def test_with_stop_words() -> None:
    algo = AlgoOptions(audio_chunk_duration=0.2, started_talking_threshold=0.1)
    handler = ReplyOnStopWords(
        answer, ["one"], algo_options=algo, model=Energy(), stt_model=Words(), idle={2.0: beep(1)}
    )
    stream = audio_stream(handler)
    async with Call(stream, voice=Tones()) as call:
        await call.wait(4)
    assert starts(call) == near(2.06)
