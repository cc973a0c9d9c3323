"""Push to talk: the client decides about turns, over memory in virtual time."""

import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from fastrtc import AlgoOptions, Interruptions, ReplyOnPause, ReplyOnStopWords, get_current_context
from fastrtc.handlers.link import link_of
from fastrtc.testing import Call
from tests.support.models import Energy
from tests.testing.programs import RATE, Tones, Words, audio_stream, tone

GREETING = {
    "type": "conversation",
    "data": {"state": "listening", "turn_detection": "manual"},
}


def repeat(audio: Any) -> Iterator[Any]:
    yield audio


def story(audio: Any) -> Iterator[Any]:
    for _ in range(20):
        yield RATE, tone(0.5)


def manual(fn: Any = repeat, **options: Any) -> ReplyOnPause:
    return ReplyOnPause(fn, turn_detection="manual", **options)


def calling(handler: ReplyOnPause) -> Call:
    return Call(audio_stream(handler), voice=Tones(), ears=Words())


async def send(call: Call, *types: str) -> None:
    async def work() -> None:
        session = call._caller._line._session  # type: ignore[attr-defined]
        for type in types:
            session.messages.receive({"type": type})

    await call._do(work())


def logs(call: Call) -> list[Any]:
    return [m["data"] for m in call.messages if m["type"] == "log"]


async def test_a_turn_is_what_is_said_between_begin_and_commit() -> None:
    lengths: list[float] = []

    def fn(audio: Any) -> Iterator[Any]:
        lengths.append(audio[1].size / audio[0])
        yield audio[0], audio[1][:, : round(0.6 * audio[0])]

    async with calling(manual(fn)) as call:
        await call.say("zero")
        await send(call, "begin")
        await call.say("one two")
        await call.wait(2)  # however long the user thinks
        await call.say("three")
        await send(call, "commit")
        await call.finish()
        await call.say("zero")
        await call.wait(3)
    assert call.messages[0] == GREETING
    states = [m["data"]["state"] for m in call.messages if m["type"] == "conversation"]
    assert states == ["listening", "user_speaking", "thinking", "speaking", "listening"]
    assert logs(call) == ["started_talking", "pause_detected", "response_starting"]
    assert [turn.heard for turn in call.turns] == ["", "", "one two", ""]
    assert lengths == [pytest.approx(0.6 + 2 + 0.3, abs=0.05)]
    assert call.turns[2].latency_s < 0.3


async def test_a_client_need_not_say_when_it_begins() -> None:
    async with calling(manual()) as call:
        await call.say("one two")
        await call.wait(2)
        await send(call, "commit")
        await call.finish()
        await call.say("three")
        await send(call, "commit")
        await call.finish()
    assert [turn.heard for turn in call.turns] == ["one two", "three"]
    assert logs(call) == ["pause_detected", "response_starting"] * 2


async def test_cancel_discards_the_turn() -> None:
    async with calling(manual()) as call:
        await send(call, "begin")
        await call.say("one")
        await send(call, "cancel", "commit")
        await call.wait(2)
        await send(call, "begin")
        await call.say("two")
        await send(call, "commit")
        await call.finish()
    assert [turn.heard for turn in call.turns] == ["", "two"]
    assert logs(call).count("pause_detected") == 1


async def test_a_press_interrupts_the_reply_at_once() -> None:
    played: list[float] = []
    async with calling(manual(story, on_interrupt=played.append)) as call:
        await send(call, "begin")
        await call.say("one")
        await send(call, "commit")
        reply = await call.reply()
        await call.wait(2)
        pressed_s = call._line.now_s()
        await send(call, "begin")
        await call.wait(3)
        assert call._caller.heard.sounds[-1][1] / 48_000 < pressed_s + 0.3
        await send(call, "cancel")
        await call.wait(1)
    assert played == pytest.approx([pressed_s - reply.starts_s], abs=0.3)
    assert logs(call)[-1] == "started_talking"
    assert {"type": "interrupted", "data": "interrupted"} in call.messages[-5:]


async def test_speech_without_a_press_does_not_interrupt() -> None:
    async with calling(manual(story)) as call:
        await send(call, "begin")
        await call.say("one")
        await send(call, "commit")
        reply = await call.reply()
        await call.wait(1)
        await call.say("two")
        await call.finish()
        ends_s = call._caller.heard.sounds[-1][1] / 48_000
    assert ends_s - reply.starts_s == pytest.approx(10, abs=0.1)


async def test_commit_without_begin_interrupts_the_reply() -> None:
    async with calling(manual(story)) as call:
        await call.say("one")
        await send(call, "commit")
        await call.reply()
        await call.say("two")
        await send(call, "commit")
        await call.wait(1)
    assert logs(call) == ["pause_detected", "response_starting"] * 2
    assert {"type": "interrupted", "data": "interrupted"} in call.messages


async def test_a_reply_that_cannot_be_interrupted_is_not() -> None:
    async with calling(manual(story, can_interrupt=False)) as call:
        await send(call, "begin")
        await call.say("one")
        await send(call, "commit")
        await call.reply()
        await send(call, "begin")
        await call.say("two")
        await send(call, "commit")
        await call.finish()
        await send(call, "begin")
        await call.say("three")
        await send(call, "commit")
        await call.reply()
    assert logs(call).count("started_talking") == 2
    assert not any(message["type"] == "interrupted" for message in call.messages)


async def test_a_commit_without_audio_does_nothing() -> None:
    async with calling(manual(story)) as call:
        await send(call, "begin", "commit", "commit", "cancel")
        await call.wait(1)
    assert logs(call) == ["started_talking"]


async def test_two_turns_at_once_are_answered_together() -> None:
    heard: list[int] = []

    def fn(audio: Any) -> Iterator[Any]:
        heard.append(round(audio[1].size / audio[0], 1))
        yield RATE, tone(0.5)

    handler = manual(fn)
    frame = (RATE, np.ones((1, RATE // 2), np.int16))
    for _ in range(2):
        handler.begin_turn()
        handler.receive(frame)
        assert handler.commit_turn()
    while handler.emit() is None:
        pass
    assert heard == [1.0]


async def test_a_program_decides_from_any_thread() -> None:
    handlers: list[ReplyOnPause] = []

    class Mine(ReplyOnPause):
        def start_up(self) -> None:
            handlers.append(self)
            super().start_up()

    async with calling(Mine(repeat, turn_detection="manual")) as call:
        await call.wait(0.1)
        (handler,) = handlers
        assert handler.begin_turn()
        await call.say("one")
        results: list[bool] = []
        thread = threading.Thread(target=lambda: results.append(handler.commit_turn()))
        thread.start()
        thread.join()
        await call.finish()
        handler.begin_turn()
        await call.say("two")
        handler.cancel_turn()
        assert not handler.commit_turn()
        await call.wait(1)
    assert results == [True]
    assert [turn.heard for turn in call.turns] == ["one", ""]


async def test_trigger_response_replies_to_the_turn_so_far() -> None:
    sizes: list[int] = []

    def fn(audio: Any) -> Iterator[Any]:
        sizes.append(audio[1].size)
        yield RATE, tone(0.5)

    handlers: list[ReplyOnPause] = []

    class Mine(ReplyOnPause):
        def start_up(self) -> None:
            handlers.append(self)

    async with calling(Mine(fn, turn_detection="manual")) as call:
        await send(call, "begin")
        await call.say("one")
        handlers[0].trigger_response()
        await call.finish()
        handlers[0].trigger_response()  # to a text, without audio
        await call.finish()
    assert sizes == [pytest.approx(0.3 * 48_000, abs=2000), 0]


async def test_a_turn_has_its_maximum_length() -> None:
    lengths: list[float] = []

    def fn(audio: Any) -> Iterator[Any]:
        lengths.append(audio[1].size / audio[0])
        yield RATE, tone(0.2)

    options = AlgoOptions(max_continuous_speech_s=2)
    async with calling(manual(fn, algo_options=options)) as call:
        await send(call, "begin")
        await call.wait(5)
        await send(call, "commit")
        await call.wait(1)
    assert lengths == [pytest.approx(2, abs=0.03)]


async def test_silence_is_not_added_to_a_turn() -> None:
    handler = manual()
    handler.begin_turn()
    needs_silence = link_of(handler).needs_silence
    assert needs_silence is not None and not needs_silence()


def test_no_model_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fastrtc.reply_on_pause.get_silero_model", lambda: pytest.fail("loaded"))
    handler = manual()
    handler.model.warmup()
    with pytest.raises(RuntimeError, match="loads no VAD model"):
        handler.model.vad((RATE, tone(0.1)), None)
    model = Energy()
    assert manual(model=model).model is model


def test_copies_are_manual_and_have_turns_of_their_own() -> None:
    first = manual(can_interrupt=False)
    second = first.copy()
    frame = (RATE, np.ones((1, RATE), np.int16))
    first.begin_turn()
    first.receive(frame)
    second.receive(frame)
    second.begin_turn()
    assert not second.commit_turn()
    assert first.commit_turn()


@pytest.mark.parametrize("name", ["begin_turn", "commit_turn", "cancel_turn"])
def test_detected_turns_are_not_decided_about(name: str) -> None:
    handler = ReplyOnPause(repeat, model=Energy())
    with pytest.raises(RuntimeError, match=rf'{name}\(\) is for turn_detection="manual"'):
        getattr(handler, name)()


def test_bad_options() -> None:
    with pytest.raises(ValueError, match='must be "automatic" or "manual", not None'):
        ReplyOnPause(repeat, turn_detection=None)  # type: ignore[arg-type]

    for options in ({"early": True}, {"interruptions": Interruptions()}):
        with pytest.raises(ValueError, match=f"{next(iter(options))} has no effect with"):
            manual(**options)

    class Judge(ReplyOnPause):
        def determine_pause(self, audio: Any, sampling_rate: int, state: Any) -> bool:
            return False

    with pytest.raises(ValueError, match="Judge.determine_pause is not called"):
        Judge(repeat, turn_detection="manual")
    with pytest.raises(TypeError, match="turn_detection"):
        ReplyOnStopWords(repeat, ["one"], model=Energy(), turn_detection="manual")  # type: ignore[call-arg]


async def test_the_types_are_those_of_the_program_if_turns_are_detected() -> None:
    got: list[Any] = []
    handler = ReplyOnPause(repeat, model=Energy(), on_message=got.append)
    async with calling(handler) as call:
        await send(call, "begin", "commit")
        await call.wait(0.5)
    assert got == [{"type": "begin"}, {"type": "commit"}]
    assert GREETING not in call.messages


async def test_fn_is_called_in_the_context_of_its_connection() -> None:
    ids: list[str] = []

    def fn(audio: Any) -> Iterator[Any]:
        ids.append(get_current_context().webrtc_id)
        yield RATE, tone(0.2)

    async with calling(manual(fn)) as call:
        await call.say("one")
        await send(call, "commit")
        await call.finish()
    assert len(ids) == 1 and ids[0].startswith("call-")
