"""The sound while a reply is being prepared: when it starts, and that it stops at once."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import numpy as np
import pytest

from fastrtc import AdditionalOutputs, AlgoOptions, Interruptions, ReplyOnPause, Stream
from fastrtc.core.errors import HandlerError
from fastrtc.handlers.link import link_of
from fastrtc.testing import Call
from fastrtc.testing.line import RATE as CALL_RATE
from fastrtc.turns.thinking_sound import DELAY_S
from tests.session.test_speaker import beep, the_handler, words_heard
from tests.support.models import Energy
from tests.testing.programs import RATE, Tones, replying, tone

SOUND = beep(0, 0.7)
LATE_S = 0.06


def thinking(seconds: float) -> Any:
    def fn(audio: Any) -> Iterator[Any]:
        time.sleep(seconds)
        yield beep(8, 1.0)

    return fn


async def async_thinking(audio: Any) -> AsyncIterator[Any]:
    await asyncio.sleep(3)
    yield beep(8, 1.0)


def pieces(call: Call, word: int) -> list[float]:
    """When each 20 ms of a beep was heard, in seconds."""
    heard, size = call._caller.heard.samples.astype(float), CALL_RATE // 50
    times = []
    for start in range(0, len(heard) - size, size):
        piece = heard[start : start + size]
        crossings = np.count_nonzero(np.diff(np.signbit(piece)))
        frequency = crossings / 2 / (size / CALL_RATE)
        if np.abs(piece).max() > 1500 and abs(frequency - 300 - 100 * word) < 45:
            times.append(start / CALL_RATE)
    assert times, f"{word} was not heard"
    return times


def when(call: Call, word: int) -> tuple[float, float]:
    """When a beep was heard first and last, in seconds."""
    times = pieces(call, word)
    return times[0], times[-1] + 0.02


@pytest.mark.parametrize("fn", [thinking(3), async_thinking])
async def test_it_is_repeated_until_the_first_sound_of_the_reply(fn: Any) -> None:
    stream = replying(fn, while_thinking=SOUND)
    async with Call(stream, voice=Tones()) as call:
        await call.say("one")
        await call.wait(6)
    begin, end = when(call, 0)
    reply_begins, reply_ends = when(call, 8)
    assert end - begin == pytest.approx(3 - DELAY_S, abs=0.1)
    assert reply_begins == pytest.approx(end, abs=0.03)
    assert reply_ends - reply_begins == pytest.approx(1.0, abs=0.05)
    assert words_heard(call) == [0, 8]
    logs = [one["data"] for one in call.messages if one["type"] == "log"]
    assert logs == ["started_talking", "pause_detected", "response_starting"]


async def test_there_is_no_click() -> None:
    stream = replying(thinking(3), while_thinking=SOUND)
    async with Call(stream, voice=Tones()) as call:
        await call.say("one")
        await call.wait(6)
    begin, end = when(call, 0)
    heard = call._caller.heard.samples.astype(int)
    around = heard[round((begin - 0.1) * CALL_RATE) : round((end + 0.1) * CALL_RATE)]
    steepest = 8000 * 2 * np.pi * 1100 / CALL_RATE
    assert np.abs(np.diff(around)).max() < 2 * steepest


async def test_a_quick_reply_has_none() -> None:
    stream = replying(thinking(DELAY_S - 0.1), while_thinking=SOUND)
    async with Call(stream, voice=Tones()) as call:
        await call.say("one")
        await call.finish()
    assert words_heard(call) == [8]


async def test_a_gap_within_a_reply_has_none() -> None:
    def fn(audio: Any) -> Iterator[Any]:
        yield beep(8)
        time.sleep(3)
        yield beep(9)

    stream = replying(fn, while_thinking=SOUND)
    async with Call(stream, voice=Tones()) as call:
        await call.say("one")
        await call.wait(6)
    assert words_heard(call) == [8, 9]


async def test_it_ends_with_a_reply_without_audio() -> None:
    def fn(audio: Any) -> Iterator[Any]:
        time.sleep(2)
        yield AdditionalOutputs(1)

    stream = replying(fn, while_thinking=SOUND)
    async with Call(stream, voice=Tones()) as call:
        await call.say("one")
        await call.wait(5)
    begin, end = when(call, 0)
    assert end - begin == pytest.approx(2 - DELAY_S, abs=0.1)


async def test_speech_stops_it_and_nothing_of_it_counts_as_played() -> None:
    played: list[float] = []
    stream = replying(thinking(4), while_thinking=SOUND, on_interrupt=played.append)
    async with Call(stream, voice=Tones()) as call:
        await call.say("one")
        await call.wait(1.5)
        handler = the_handler(stream)
        assert link_of(handler).queued_s() == 0
        await call.say("two")
        await call.wait(8)
    assert played == [0.0]
    assert words_heard(call) == [0, 8] or words_heard(call) == [0, 0, 8]


async def test_the_program_interrupts_it() -> None:
    stream = replying(thinking(4), while_thinking=SOUND)
    async with Call(stream, voice=Tones()) as call:
        await call.say("one")
        await call.wait(2)
        at = call._line.now_s()
        the_handler(stream).interrupt()
        await call.wait(4)
    assert when(call, 0)[1] == pytest.approx(at + LATE_S, abs=0.06)
    assert words_heard(call) == [0]


async def test_a_noise_pauses_it_and_the_reply_is_complete() -> None:
    algo = AlgoOptions(audio_chunk_duration=0.2, started_talking_threshold=0.1)
    handler = ReplyOnPause(
        thinking(2.2),
        algo_options=algo,
        model=Energy(),
        while_thinking=SOUND,
        interruptions=Interruptions(while_thinking_s=0.6, resume_after_s=0.5),
    )
    stream = Stream(handler, modality="audio", mode="send-receive")
    async with Call(stream, voice=Tones()) as call:
        await call.say("one")
        await call.wait(1.7)
        await call.say((RATE, tone(0.2)))  # a cough, while the first audio comes
        await call.wait(6)
    begin, end = when(call, 8)
    assert end - begin == pytest.approx(1.0, abs=0.05)


async def test_what_the_program_says_has_none() -> None:
    def slow() -> Iterator[Any]:
        time.sleep(2)
        yield beep(1)

    stream = replying(thinking(1), while_thinking=SOUND)
    async with Call(stream, voice=Tones()) as call:
        await call.wait(0.5)
        the_handler(stream).say(slow)
        await call.wait(4)
    assert words_heard(call) == [1]


@pytest.mark.parametrize("over", ["webrtc", "websocket", "twilio"])
async def test_over_a_real_transport(over: Any) -> None:
    handler = ReplyOnPause(
        thinking(3),
        algo_options=AlgoOptions(audio_chunk_duration=0.2, started_talking_threshold=0.1),
        model=Energy(),
        while_thinking=SOUND,
    )
    stream = Stream(
        handler,
        modality="audio",
        mode="send-receive",
        server_rtc_configuration={"iceServers": []},
    )
    async with Call(stream, over) as call:
        await call.say((RATE, tone(0.6)))
        await call.wait(8)
    begin, end = when(call, 0)
    reply = pieces(call, 8)
    assert 1.5 < end - begin < 6  # a busy machine needs longer to begin the reply
    assert reply[0] - end < 1
    assert 0.02 * len(reply) == pytest.approx(1.0, abs=0.3)  # and may stall in the middle of it


def test_what_cannot_be_played_is_refused_at_once() -> None:
    for wrong in ((RATE, "abc"), (RATE, tone(0.01)), "thinking.wav"):
        with pytest.raises(HandlerError):
            ReplyOnPause(thinking(1), model=Energy(), while_thinking=wrong)  # type: ignore[arg-type]
