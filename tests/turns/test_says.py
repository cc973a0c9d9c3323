"""`say` in a conversation: queued behind replies, interrupted by speech, protected from it."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from fastrtc import AlgoOptions, ReplyOnPause, ReplyOnStopWords, Stream
from fastrtc.handlers.link import link_of
from fastrtc.testing import Call
from tests.session.test_speaker import beep, the_handler, words_heard
from tests.support.models import Energy
from tests.support.peers import eventually
from tests.testing.programs import RATE, Tones, Words, audio_stream, replying, tone

INTERRUPTED = {"type": "interrupted", "data": "interrupted"}


def answer(audio: Any) -> Iterator[Any]:
    yield beep(8, 1.0)
    yield beep(9, 1.0)


def slow_answer(audio: Any) -> Iterator[Any]:
    time.sleep(2)
    yield beep(8, 1.0)


async def async_story() -> AsyncIterator[Any]:
    for _ in range(20):
        await asyncio.sleep(0.01)
        yield beep(1)


def story() -> Iterator[Any]:
    for _ in range(20):
        yield beep(1)


def handlers(kind: str, fn: Any = answer, **options: Any) -> Stream:
    if kind == "pause":
        return replying(fn, **options)
    algo = AlgoOptions(audio_chunk_duration=0.2, started_talking_threshold=0.1)
    return audio_stream(
        ReplyOnStopWords(
            fn, ["one"], algo_options=algo, model=Energy(), stt_model=Words(), **options
        )
    )


KINDS = pytest.mark.parametrize("kind", ["pause", "stop words"])


@KINDS
async def test_before_the_first_turn(kind: str) -> None:
    stream = handlers(kind)
    async with Call(stream, voice=Tones()) as call:
        await call.wait(1)
        handle = the_handler(stream).say(beep(1, 1.0))
        await call.wait(2)
        assert handle.played
    assert words_heard(call) == [1]
    (turn,) = call.turns
    assert turn.reply_starts_s == pytest.approx(1.06, abs=0.03)
    assert call.messages == [{"type": "log", "data": "response_starting"}]


async def test_it_is_played_after_a_running_reply_and_in_order() -> None:
    stream = replying(answer)
    async with Call(stream, voice=Tones()) as call:
        await call.say("one")
        await call.reply()
        handles = [the_handler(stream).say(beep(number)) for number in (1, 2, 3)]
        await call.finish()
        assert all(handle.played for handle in handles)
    assert words_heard(call) == [8, 9, 1, 2, 3]
    assert INTERRUPTED not in call.messages


async def test_it_is_played_after_a_reply_that_is_being_made() -> None:
    stream = replying(slow_answer)
    async with Call(stream, voice=Tones()) as call:
        await call.say("one")
        await call.wait(1)  # it thinks
        the_handler(stream).say(beep(1))
        await call.finish()
    assert words_heard(call) == [8, 1]


async def test_while_the_caller_speaks_it_waits_for_the_reply() -> None:
    stream = replying(answer)
    async with Call(stream, voice=Tones()) as call:
        saying = asyncio.ensure_future(call.say("one two three zero one two"))
        await eventually(lambda: call.messages)
        assert call.messages == [{"type": "log", "data": "started_talking"}]
        the_handler(stream).say(beep(1))
        await saying
        await call.finish()
    assert words_heard(call) == [8, 9, 1]


@pytest.mark.parametrize("speech", [story, async_story, lambda: beep(1, 10.0)])
async def test_speech_interrupts_it_as_a_reply(speech: Any) -> None:
    played: list[float] = []
    stream = replying(answer, on_interrupt=played.append)
    async with Call(stream, voice=Tones()) as call:
        await call.wait(1)
        handler = the_handler(stream)
        handle, next_one = handler.say(speech()), handler.say(beep(2))
        await call.wait(2)
        assert link_of(handler).conversation.speaking
        await call.say("one")
        await call.finish()
        assert handle.done and not handle.played
        assert next_one.done and not next_one.played  # it was queued behind it
    assert words_heard(call) == [1, 8, 9]
    assert call.messages.count(INTERRUPTED) == 1
    assert played == [pytest.approx(2.2, abs=0.15)]


async def test_speech_over_a_reply_drops_what_is_queued_behind_it() -> None:
    stream = replying(lambda audio: iter([beep(8, 10.0)]))
    async with Call(stream, voice=Tones()) as call:
        await call.say("one")
        reply = await call.reply()
        handler = the_handler(stream)
        dropped = handler.say(beep(1))
        kept = handler.say(beep(2), interruptible=False)
        await call.say("two", at=reply.starts_s + 2)
        await call.wait(0.5)
        assert dropped.done and not dropped.played and not kept.done
        await call.wait(13)
        assert kept.played
    assert words_heard(call) == [8, 2]


async def test_what_must_not_be_interrupted_is_not() -> None:
    stream = replying(answer)
    async with Call(stream, voice=Tones()) as call:
        await call.wait(1)
        handler = the_handler(stream)
        handle = handler.say(beep(1, 3.0), interruptible=False)
        await call.say("one", at=2)
        handler.trigger_response()  # is answered after it
        await call.wait(4)
        assert handle.played
        assert INTERRUPTED not in call.messages
        await call.say("one")  # and then it listens again
        await call.finish()
    assert words_heard(call)[0] == 1
    assert words_heard(call)[1:3] == [8, 9]
    assert words_heard(call)[-2:] == [8, 9]


async def test_the_program_interrupts_what_the_caller_must_not() -> None:
    stream = replying(answer)
    async with Call(stream, voice=Tones()) as call:
        await call.wait(1)
        handler = the_handler(stream)
        handles = [handler.say(beep(n, 3.0), interruptible=False) for n in (1, 2)]
        await call.wait(1)
        await asyncio.to_thread(handler.interrupt)
        assert all(handle.done and not handle.played for handle in handles)
        await call.wait(0.5)
        await call.say("one")
        await call.finish()
    assert words_heard(call) == [1, 8, 9]
    assert call.messages.count(INTERRUPTED) == 1


async def test_interrupt_and_then_say() -> None:
    stream = replying(lambda audio: iter([beep(8, 10.0)]))
    async with Call(stream, voice=Tones()) as call:
        await call.say("one")
        reply = await call.reply()
        await call.wait(2)
        handler = the_handler(stream)
        handler.interrupt()
        handle = handler.say(beep(1))
        await call.wait(2)
        assert handle.played
    assert words_heard(call) == [8, 1]
    assert call.turns[-1].reply_ends_s - reply.starts_s == pytest.approx(2.5, abs=0.15)


async def test_a_reply_function_says_something_that_follows_the_reply() -> None:
    def fn(audio: Any) -> Iterator[Any]:
        the_handler(stream).say(beep(1))
        yield beep(8)

    stream = replying(fn)
    async with Call(stream, voice=Tones()) as call:
        await call.say("one")
        await call.finish()
    assert words_heard(call) == [8, 1]


async def test_after_the_greeting() -> None:
    class Told(ReplyOnPause):
        def start_up(self) -> None:
            super().start_up()
            self.say(beep(2))

    handler = Told(answer, lambda: iter([beep(1)]), model=Energy())
    async with Call(audio_stream(handler), voice=Tones()) as call:
        await call.wait(2)
    assert words_heard(call) == [1, 2]


async def test_a_subclass_that_wraps_emit() -> None:
    class Louder(ReplyOnPause):
        def emit(self) -> Any:
            return super().emit()

    stream = audio_stream(Louder(answer, model=Energy()))
    async with Call(stream, voice=Tones()) as call:
        await call.wait(0.5)
        handler = the_handler(stream)
        handles = [handler.say(beep(1)), handler.say(beep(2), interruptible=False)]
        await call.wait(2)
        assert all(handle.played for handle in handles)
    assert words_heard(call) == [1, 2]


async def test_speech_that_fails_costs_only_itself() -> None:
    def broken() -> Iterator[Any]:
        yield beep(1)
        raise ValueError("no more")

    stream = replying(answer)
    async with Call(stream, voice=Tones(), expect_errors=True) as call:
        await call.wait(0.5)
        handler = the_handler(stream)
        bad, good = handler.say(broken()), handler.say(beep(2))
        await call.wait(2)
        assert bad.done and not bad.played and good.played
    assert words_heard(call) == [1, 2]
    assert [one["data"] for one in call.messages if one["type"] == "error"] == ["no more"]


async def test_what_waits_when_the_call_ends_is_over() -> None:
    waits = threading.Event()

    def forever(audio: Any) -> Iterator[Any]:
        waits.wait(20)
        yield RATE, tone(0.1)

    stream = replying(forever)
    async with Call(stream, voice=Tones()) as call:
        await call.say("one")
        await call.wait(1)
        handle = the_handler(stream).say(beep(1))
        waits.set()
    assert handle.done


async def test_with_manual_turns() -> None:
    stream = audio_stream(ReplyOnPause(answer, turn_detection="manual"))
    async with Call(stream, voice=Tones()) as call:
        await call.wait(0.5)
        handler = the_handler(stream)
        handler.begin_turn()
        waits = handler.say(beep(1), interruptible=False)
        await call.say("one")
        assert not waits.done
        handler.cancel_turn()
        await call.wait(0.2)
        assert not handler.begin_turn()  # while it is played
        await call.wait(1)
        assert waits.played
    assert words_heard(call) == [1]
