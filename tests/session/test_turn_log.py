"""The turns of a connection: recorded, told to the program, its listeners and the client."""

import asyncio
import contextvars
import json
import logging
import tracemalloc
from collections.abc import AsyncIterator, Iterator
from typing import Any

import numpy as np
import pytest

from fastrtc import (
    AdditionalOutputs,
    AlgoOptions,
    AsyncStreamHandler,
    Interruptions,
    ReplyOnPause,
    ReplyOnStopWords,
    Stream,
    Transcript,
    Turn,
    get_current_context,
)
from fastrtc.core.conversation_events import (
    ConversationEvent,
    FunctionCalled,
    ReplyInterrupted,
    TextSaid,
    TurnListener,
)
from fastrtc.core.speech import Speech
from fastrtc.handlers.link import link_of
from fastrtc.server.endpoint import endpoint_of
from fastrtc.session.hooks import Hooks
from fastrtc.session.turn_log import MAX_RECORDS
from fastrtc.testing import Call
from fastrtc.turns.heard import Interruption
from fastrtc.turns.turn_events import TurnEvents
from fastrtc.turns.turn_reporter import report_trigger
from tests.session.rig import Rig, until
from tests.support.models import Energy, StreamingEnergy
from tests.support.virtual_time import virtual_time
from tests.testing.programs import tone

RATE = 24_000
SPEECH = (RATE, tone(0.8))
PLAYOUT_S = 0.06
"""The delay of the simulated caller."""


class Recorder(TurnListener):
    """Keeps what happens."""

    def __init__(self) -> None:
        self.events: list[ConversationEvent] = []
        self.turns: list[Turn] = []

    def on_event(self, event: ConversationEvent) -> None:
        self.events.append(event)

    def on_turn(self, turn: Turn) -> None:
        self.turns.append(turn)

    @property
    def kinds(self) -> list[str]:
        return [type(event).__name__ for event in self.events]


async def test_events_that_follow_each_other_wake_the_event_loop_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with Rig() as rig:
        loop, turns, wakes = rig.session.loop, rig.session.turns, []
        call = loop.call_soon_threadsafe

        def count(*args: Any, **options: Any) -> asyncio.Handle:
            wakes.append(args)
            return call(*args, **options)

        delivered: list[ConversationEvent] = []
        monkeypatch.setattr(turns, "_deliver", delivered.append)
        monkeypatch.setattr(loop, "call_soon_threadsafe", count)
        events = [TextSaid(1, float(n), str(n)) for n in range(6)]
        for event in events[:4]:
            turns.post(event)
        assert len(wakes) == 1 and not delivered
        await asyncio.sleep(0)
        assert delivered == events[:4]
        for event in events[4:]:  # none is left behind, and the order is kept
            turns.post(event)
        assert len(wakes) == 2
        await asyncio.sleep(0)
        assert delivered == events


async def test_an_event_that_fails_does_not_hold_up_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with Rig() as rig:
        loop, turns = rig.session.loop, rig.session.turns
        delivered: list[ConversationEvent] = []
        failures: list[Any] = []
        events = [TextSaid(1, float(n), str(n)) for n in range(3)]

        def deliver(event: ConversationEvent) -> None:
            if event is events[0]:
                raise ValueError("no")
            delivered.append(event)

        monkeypatch.setattr(turns, "_deliver", deliver)
        loop.set_exception_handler(lambda loop, context: failures.append(context["exception"]))
        for event in events:
            turns.post(event)
        await until(lambda: delivered)
        assert delivered == events[1:] and len(failures) == 1


def stream_of(handler: Any, **options: Any) -> tuple[Stream, Recorder]:
    """A stream, and what its only connection will have recorded."""
    recorder = Recorder()
    stream = Stream(handler, modality="audio", mode="send-receive", **options)
    endpoint_of(stream).hooks.turn_listeners.append(lambda session: recorder)
    return stream, recorder


def replying(fn: Any, **options: Any) -> ReplyOnPause:
    options.setdefault("model", StreamingEnergy())
    return ReplyOnPause(fn, algo_options=options.pop("algo_options", None), **options)


def sentence(audio: Any) -> Iterator[Any]:
    """A reply of 1 s, in two pieces."""
    yield Speech(RATE, tone(0.5), "Half of it.")
    yield Speech(RATE, tone(0.5), "And the rest.")


async def test_a_turn_agrees_with_what_the_caller_hears() -> None:
    stream, recorder = stream_of(replying(sentence))
    async with Call(stream) as call:
        for _ in range(3):
            await call.say(SPEECH)
            await call.finish()
    assert len(recorder.turns) == len(call.turns) == 3
    for turn, heard in zip(recorder.turns, call.turns, strict=True):
        assert turn.speech_began_s == pytest.approx(heard.starts_s, abs=0.04)
        assert turn.speech_ended_s == pytest.approx(heard.ends_s, abs=0.01)
        assert turn.first_heard_s == pytest.approx(heard.reply_starts_s, abs=0.01)
        assert turn.silence_s == pytest.approx(heard.latency_s, abs=0.01)
        assert turn.parts is not None and turn.silence_s is not None
        assert sum(part or 0 for part in turn.parts) == pytest.approx(turn.silence_s)
        assert turn.parts.end_of_turn == pytest.approx(0.5, abs=0.07)
        assert turn.parts.heard == pytest.approx(PLAYOUT_S)
        assert (turn.kind, turn.outcome, turn.ended_by) == ("reply", "completed", "pause")
        assert (turn.played_s, turn.heard_text) == (1.0, "Half of it. And the rest.")
    assert [turn.number for turn in recorder.turns] == [1, 2, 3]
    once = [
        "SpeechStarted",
        "SpeechStopped",
        "TurnEnded",
        "FunctionCalled",
        "FirstOutput",
        "FirstAudio",
        "TextSaid",
        "AudioStarted",
        "TextSaid",
        "FunctionEnded",
        "AudioEnded",
        "ReplyEnded",
    ]
    assert sorted(recorder.kinds) == sorted(3 * once)
    first = [event for event in recorder.events if event.turn == 1]
    assert [event.at_s for event in first] == sorted(event.at_s for event in first)


async def test_silence_at_the_beginning_of_a_reply_is_told_apart() -> None:
    def reply(audio: Any) -> Iterator[Any]:
        yield RATE, np.concatenate((np.zeros(round(0.3 * RATE), np.int16), tone(0.5)))

    stream, recorder = stream_of(replying(reply))
    async with Call(stream) as call:
        await call.say(SPEECH)
        await call.finish()
    (turn,), (heard,) = recorder.turns, call.turns
    assert turn.silence_s is not None and turn.leading_silence_s is not None
    assert turn.leading_silence_s == pytest.approx(0.3, abs=0.01)
    assert turn.silence_s + turn.leading_silence_s == pytest.approx(heard.latency_s, abs=0.01)
    assert turn.as_dict()["leading_silence_s"] == turn.leading_silence_s


async def test_a_sound_while_thinking_is_not_the_reply() -> None:
    """Its record begins with the reply, behind the sound."""

    async def think(audio: Any) -> AsyncIterator[Any]:
        await asyncio.sleep(2.0)
        yield RATE, np.concatenate((np.zeros(round(0.3 * RATE), np.int16), tone(0.5)))

    stream, recorder = stream_of(replying(think, while_thinking=(RATE, tone(0.5))))
    async with Call(stream) as call:
        await call.say(SPEECH)
        await call.wait(5.0)
    (turn,) = recorder.turns
    assert turn.silence_s is not None and 2.4 < turn.silence_s < 2.8
    assert turn.leading_silence_s == pytest.approx(0.3, abs=0.02)
    assert call.turns[0].latency_s < 1.3, "the sound was heard"


async def test_chunks_are_judged_by_the_level_of_their_sound() -> None:
    algo = AlgoOptions(audio_chunk_duration=0.2, started_talking_threshold=0.1)
    stream, recorder = stream_of(replying(sentence, model=Energy(), algo_options=algo))
    async with Call(stream) as call:
        await call.say(SPEECH)
        await call.finish()
    assert recorder.turns[0].silence_s == pytest.approx(call.turns[0].latency_s, abs=0.01)
    assert recorder.turns[0].ended_by == "pause"


async def test_an_interruption_is_recorded_with_what_was_heard() -> None:
    stream, recorder = stream_of(replying(sentence))
    async with Call(stream) as call:
        await call.say(SPEECH)
        await call.reply()
        await call.wait(0.4)
        await call.say(SPEECH)
        await call.finish()
    first, second = recorder.turns
    assert (first.outcome, second.outcome) == ("interrupted", "completed")
    assert first.interrupted_s == pytest.approx(call.turns[1].starts_s + 0.2, abs=0.15)
    assert 0.4 < first.played_s < 0.9
    assert first.heard_text.startswith("Half of it.")
    assert first.text == "Half of it. And the rest."
    assert [one.audible for one in recorder.events if isinstance(one, ReplyInterrupted)] == [True]


async def test_a_reply_that_never_began_is_not_reported_as_interrupted() -> None:
    stream, recorder = stream_of(replying(sentence))
    async with Call(stream) as call:
        events = link_of(next(iter(stream.handlers.values()))).turn_events
        assert events is not None
        events.turn_ended("pause", events.now())
        events.unanswered()
        await call.wait(0.1)
        assert recorder.kinds == ["TurnEnded", "ReplyEnded"]
        events.turn_ended("pause", events.now())
        events.begin("reply").called()  # and has no audio yet
        events.interrupted(Interruption(0.0))
        await call.wait(0.1)
    assert recorder.kinds[2:] == ["TurnEnded", "FunctionCalled", "ReplyInterrupted", "ReplyEnded"]
    assert [one.audible for one in recorder.events if isinstance(one, ReplyInterrupted)] == [False]
    assert [turn.outcome for turn in recorder.turns] == ["interrupted", "interrupted"]


async def test_what_a_script_does_has_the_time_of_its_call() -> None:
    """The thread of the script has the real clock."""

    async def think(audio: Any) -> AsyncIterator[Any]:
        await asyncio.sleep(30)
        yield RATE, tone(0.5)

    stream, recorder = stream_of(replying(think))
    async with Call(stream) as call:
        (id,) = stream.handlers
        await call.say(SPEECH)
        await call.wait(1.0)
        stream.interrupt(id)
        await call.wait(1.0)
        next(iter(stream.handlers.values())).trigger_response()
        await call.wait(1.0)
    first, second = recorder.turns
    ended_s = call.turns[0].ends_s
    assert first.interrupted_s == pytest.approx(ended_s + 1.0, abs=0.05)
    assert (second.ended_by, second.outcome) == ("program", "interrupted")
    assert second.turn_ended_s == pytest.approx(ended_s + 2.0, abs=0.05)
    assert second.interrupted_s == pytest.approx(ended_s + 3.0, abs=0.05)


async def test_a_false_interruption_is_an_event() -> None:
    stream, recorder = stream_of(
        replying(sentence, interruptions=Interruptions(after_s=0.5, resume_after_s=0.3))
    )
    async with Call(stream) as call:
        await call.say(SPEECH)
        await call.reply()
        await call.wait(0.2)
        await call.say((RATE, tone(0.15)))
        await call.finish()
    assert "FalseInterruption" in recorder.kinds and "ReplyInterrupted" not in recorder.kinds
    assert [turn.outcome for turn in recorder.turns] == ["completed"]


async def test_what_ends_a_turn_is_recorded() -> None:
    long = AlgoOptions(max_continuous_speech_s=1.0)
    stream, recorder = stream_of(replying(sentence, algo_options=long, can_interrupt=False))
    async with Call(stream) as call:
        await call.say((RATE, tone(1.2)))
        await call.finish()
    assert recorder.turns[0].ended_by == "maximum"

    manual = ReplyOnPause(sentence, turn_detection="manual")
    stream, recorder = stream_of(manual)
    async with Call(stream) as call:
        handler: Any = next(iter(stream.handlers.values()))
        handler.begin_turn()
        await call.say(SPEECH)
        await call.wait(0.2)
        handler.commit_turn()
        await call.finish()
    (turn,) = recorder.turns
    assert turn.ended_by == "manual"
    assert turn.silence_s == pytest.approx(call.turns[0].latency_s, abs=0.03)

    stream, recorder = stream_of(replying(sentence))
    async with Call(stream) as call:
        next(iter(stream.handlers.values())).trigger_response()
        await call.finish()
    (turn,) = recorder.turns
    assert (turn.ended_by, turn.speech_ended_s, turn.silence_s) == ("program", None, None)
    assert turn.first_heard_s == pytest.approx(call.turns[0].reply_starts_s, abs=0.01)


@pytest.mark.parametrize("model", [StreamingEnergy(), Energy()])
@pytest.mark.parametrize("pause_s", [0.1, 0.28])
async def test_a_program_that_ends_a_turn_knows_when_the_speech_ended(
    model: Any, pause_s: float
) -> None:
    stream, recorder = stream_of(replying(sentence, model=model))
    async with Call(stream) as call:
        await call.say(SPEECH)
        await call.wait(pause_s)
        next(iter(stream.handlers.values())).trigger_response()
        await call.finish()
    (turn,) = recorder.turns
    assert turn.ended_by == "program"
    assert turn.silence_s == pytest.approx(call.turns[0].latency_s, abs=0.03)


async def test_a_program_that_ends_a_long_turn_copies_only_its_end() -> None:
    """5 minutes of it were judged, and half a second was not."""
    handler = ReplyOnPause(sentence, model=Energy(), input_sample_rate=RATE)
    async with Rig(handler) as rig:
        state = handler.state
        state.stream, state.buffer = np.tile(SPEECH[1], 375), np.zeros(RATE // 2, np.int16)
        events = TurnEvents(rig.session.turns)
        tracemalloc.start()
        try:
            report_trigger(link_of(handler).conversation, events)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert state.stream.nbytes > 10_000_000
    assert peak < 4_000_000


class Complete:
    """A turn model that finds each turn complete."""

    def complete(self, audio: Any) -> float:
        return 1.0


async def test_a_turn_model_and_an_early_function_are_recorded() -> None:
    stream, recorder = stream_of(replying(sentence, turn_model=Complete(), early=True))
    async with Call(stream) as call:
        await call.say(SPEECH)
        await call.finish()
    (turn,) = recorder.turns
    assert (turn.ended_by, turn.early) == ("model", True)
    assert turn.silence_s == pytest.approx(call.turns[0].latency_s, abs=0.01)
    called = next(event for event in recorder.events if isinstance(event, FunctionCalled))
    assert called.early and called.speech_ended_s is not None


async def test_an_early_function_for_nothing_is_discarded() -> None:
    stream, recorder = stream_of(replying(sentence, early=True))
    async with Call(stream) as call:
        await call.say(SPEECH)
        await call.wait(0.3)  # long enough to begin, too short to end the turn
        await call.say(SPEECH)
        await call.finish()
    assert recorder.kinds.count("ReplyDiscarded") == 1
    (turn,) = recorder.turns
    assert turn.speech_ended_s == pytest.approx(call.turns[-1].ends_s, abs=0.02)
    assert turn.function_called_s is not None and turn.speech_ended_s is not None
    assert turn.function_called_s > turn.speech_ended_s


class Heard:
    """Recognizes nothing but the stop word."""

    def stt(self, audio: Any) -> str:
        return "hello"


async def test_a_turn_after_stop_words_is_recorded() -> None:
    handler = ReplyOnStopWords(
        sentence,
        ["hello"],
        model=StreamingEnergy(),
        stt_model=Heard(),  # type: ignore[arg-type]
    )
    stream, recorder = stream_of(handler)
    async with Call(stream) as call:
        await call.say((RATE, tone(1.0)))
        await call.wait(0.1)
        await call.say(SPEECH)
        await call.finish()
    assert [turn.ended_by for turn in recorder.turns] == ["stop_word"]


async def test_greetings_and_what_the_program_says_are_turns_of_their_own() -> None:
    stream, recorder = stream_of(
        replying(sentence, startup_fn=lambda: iter([(RATE, tone(0.3))]), model=StreamingEnergy())
    )
    async with Call(stream) as call:
        await call.finish()
        stream.say(next(iter(stream.handlers)), (RATE, tone(0.2)))
        await call.wait(1.0)
    assert [turn.kind for turn in recorder.turns] == ["start_up", "say"]
    assert [turn.played_s for turn in recorder.turns] == pytest.approx([0.3, 0.2])
    assert all(turn.silence_s is None for turn in recorder.turns)


async def test_what_is_said_behind_a_reply_has_its_own_text() -> None:
    stream, recorder = stream_of(replying(sentence))
    async with Call(stream) as call:
        await call.say(SPEECH)
        await call.reply()
        stream.say(next(iter(stream.handlers)), Speech(RATE, tone(0.5), "One more thing."))
        await call.finish()
    texts = [(turn.kind, turn.text, turn.heard_text) for turn in recorder.turns]
    reply = "Half of it. And the rest."
    assert texts == [("reply", reply, reply), ("say", "One more thing.", "One more thing.")]


async def test_a_caller_who_hangs_up_has_heard_the_text_so_far() -> None:
    stream, recorder = stream_of(replying(sentence))
    async with Call(stream) as call:
        await call.say(SPEECH)
        await call.reply()
        await call.wait(0.5)
    (turn,) = recorder.turns
    assert turn.outcome == "interrupted" and 0.5 < turn.played_s < 0.8
    assert turn.heard_text.startswith("Half of it.") and turn.heard_text != turn.text


async def test_an_output_that_is_no_audio_fails_the_turn() -> None:
    def broken(audio: Any) -> Iterator[Any]:
        yield "Hello"

    stream, recorder = stream_of(replying(broken))
    async with Call(stream, expect_errors=True) as call:
        await call.say(SPEECH)
        await call.wait(2)
    (turn,) = recorder.turns
    assert turn.outcome == "failed" and str(turn.error).startswith("HandlerError: Audio must be")


class Beeper(AsyncStreamHandler):
    """Beeps now and then, whatever it hears."""

    async def receive(self, frame: Any) -> None: ...

    async def emit(self) -> Any:
        await asyncio.sleep(1.0)
        return (RATE, tone(0.2))

    def copy(self) -> "Beeper":
        return Beeper()


async def test_other_handlers_have_the_times_of_their_audio() -> None:
    stream, recorder = stream_of(Beeper())
    async with Call(stream) as call:
        await call.wait(2.8)
    assert [turn.kind for turn in recorder.turns] == ["audio", "audio"]
    starts = [sound.start / 48_000 for sound in call._caller.heard.sounds]
    assert [turn.first_heard_s for turn in recorder.turns] == pytest.approx(starts, abs=0.01)
    assert [turn.played_s for turn in recorder.turns] == pytest.approx([0.2, 0.2], abs=0.03)


async def test_a_program_that_clears_its_queue_ends_the_turn() -> None:
    stream, recorder = stream_of(replying(sentence))
    async with Call(stream) as call:
        await call.say(SPEECH)
        await call.reply()
        await call.wait(0.3)
        next(iter(stream.handlers.values())).clear_queue()
        await call.wait(1.0)
    (turn,) = recorder.turns
    assert turn.outcome == "interrupted" and 0.2 < turn.played_s < 0.6


async def test_a_function_without_audio_and_one_that_fails() -> None:
    def silent(audio: Any) -> Iterator[Any]:
        yield AdditionalOutputs("text")

    stream, recorder = stream_of(replying(silent))
    async with Call(stream) as call:
        await call.say(SPEECH)
        await call.wait(1.0)
    (turn,) = recorder.turns
    assert (turn.outcome, turn.first_audio_s, turn.first_sent_s) == ("completed", None, None)
    assert turn.first_output_s is not None

    def failing(audio: Any) -> Iterator[Any]:
        yield (RATE, tone(0.3))
        raise ValueError("no")

    stream, recorder = stream_of(replying(failing))
    async with Call(stream, expect_errors=True) as call:
        await call.say(SPEECH)
        await call.finish()
    (turn,) = recorder.turns
    assert (turn.outcome, turn.error) == ("failed", "ValueError: no")
    assert turn.played_s == pytest.approx(0.3)


VARIABLE: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="none")


class Setter(Recorder):
    def calling(self, call: FunctionCalled) -> None:
        VARIABLE.set(f"turn {call.turn}")


@pytest.mark.parametrize("kind", ["sync", "async"])
async def test_a_listener_may_set_context_variables_of_the_function(kind: str) -> None:
    seen: list[str] = []

    def reply(audio: Any) -> Iterator[Any]:
        seen.append(VARIABLE.get())
        yield (RATE, tone(0.1))

    async def reply_async(audio: Any) -> AsyncIterator[Any]:
        seen.append(VARIABLE.get())
        yield (RATE, tone(0.1))

    stream = Stream(
        replying(reply if kind == "sync" else reply_async), modality="audio", mode="send-receive"
    )
    endpoint_of(stream).hooks.turn_listeners.append(lambda session: Setter())
    async with Call(stream) as call:
        await call.say(SPEECH)
        await call.finish()
    assert seen == ["turn 1"]
    assert VARIABLE.get() == "none"


@pytest.mark.parametrize("captions", [False, True])
async def test_each_text_is_an_event_once(captions: bool) -> None:
    def reply(audio: Any) -> Iterator[Any]:
        yield Transcript("Hello?", who="user")
        yield Speech(RATE, tone(0.3), "Hello.")
        yield (RATE, tone(0.2)), Transcript("Goodbye.")

    stream, recorder = stream_of(replying(reply), captions=captions)
    async with Call(stream) as call:
        await call.say(SPEECH)
        await call.finish()
    texts = [event for event in recorder.events if isinstance(event, TextSaid)]
    said = [(event.turn, event.who, event.text) for event in texts]
    assert said == [
        (1, "user", "Hello?"),
        (1, "assistant", "Hello."),
        (1, "assistant", "Goodbye."),
    ]


# The program


@pytest.mark.parametrize("kind", ["sync", "async"])
async def test_the_program_gets_each_turn_in_the_context_of_its_connection(kind: str) -> None:
    got: list[tuple[str, int, int]] = []

    def record(turn: Turn) -> None:
        context = get_current_context()
        got.append((context.webrtc_id, turn.number, len(context.turns)))

    async def record_async(turn: Turn) -> None:
        await asyncio.sleep(0.1)
        record(turn)

    stream = Stream(
        replying(sentence),
        modality="audio",
        mode="send-receive",
        on_turn=record if kind == "sync" else record_async,
    )
    async with Call(stream) as call:
        for _ in range(2):
            await call.say(SPEECH)
            await call.finish()
        id = next(iter(stream.handlers))
        assert [turn.number for turn in stream.turns(id)] == [1, 2]
    assert got == [(id, 1, 1), (id, 2, 2)]
    with pytest.raises(LookupError):
        stream.turns(id)


async def test_a_failing_on_turn_costs_nothing_else(caplog: pytest.LogCaptureFixture) -> None:
    def record(turn: Turn) -> None:
        raise ValueError("no disk")

    stream = Stream(replying(sentence), modality="audio", mode="send-receive", on_turn=record)
    async with Call(stream, expect_errors=True) as call:
        for _ in range(2):
            await call.say(SPEECH)
            await call.finish()
    assert len(call.turns) == 2
    assert "no disk" in caplog.text
    assert not [message for message in call.messages if message["type"] == "error"]


async def test_the_last_turn_reaches_the_program_before_the_end_of_the_connection() -> None:
    order: list[str] = []
    stream = Stream(
        replying(sentence),
        modality="audio",
        mode="send-receive",
        on_turn=lambda turn: order.append(turn.outcome),
        on_disconnect=lambda context, end: order.append("disconnected"),
    )
    async with Call(stream) as call:
        await call.say(SPEECH)
        await call.reply()
        await call.wait(0.2)
    assert order == ["interrupted", "disconnected"]


def pass_on(rig: Rig, *numbers: int) -> None:
    """Complete turns of a session, whose only listener is ``on_turn``."""
    (listener,) = rig.session.turns._listeners
    for number in numbers:
        listener.on_turn(Turn("me", number, "reply", 0.0))


@virtual_time
async def test_the_end_of_a_connection_interrupts_no_call_of_on_turn() -> None:
    got: list[int] = []

    async def record(turn: Turn) -> None:
        await asyncio.sleep(3.0)
        got.append(turn.number)

    async with Rig(hooks=Hooks(on_turn=record)) as rig:
        pass_on(rig, 1, 2)
        await asyncio.sleep(1.0)
    assert got == [1, 2]


@virtual_time
async def test_a_slow_on_turn_delays_the_end_by_up_to_10_s(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def record(turn: Turn) -> None:
        await asyncio.sleep(9.0)

    async with Rig(hooks=Hooks(on_turn=record)) as rig:
        pass_on(rig, 1, 2, 3, 4, 5)
    assert asyncio.get_running_loop().time() - rig.ended_at == pytest.approx(10.0, abs=0.1)
    assert "3 more turns were not passed to it" in caplog.text


@virtual_time
@pytest.mark.parametrize("stuck", [False, True])
async def test_turns_that_a_slow_on_turn_does_not_get_are_counted(
    stuck: bool, caplog: pytest.LogCaptureFixture
) -> None:
    got: list[int] = []

    async def record(turn: Turn) -> None:
        got.append(turn.number)
        await asyncio.sleep(60.0 if stuck else 0.01)

    async with Rig(hooks=Hooks(on_turn=record)) as rig:
        pass_on(rig, 1)
        await asyncio.sleep(0)
        pass_on(rig, *range(2, 102))
        assert not caplog.records
        pass_on(rig, 102, 103, 104)
        (message,) = caplog.messages
        assert "100 turns wait for on_turn(), which is too slow" in message
    assert got == ([1] if stuck else [1, *range(5, 105)])
    assert len(caplog.messages) == 2
    missing = "103 more turns were" if stuck else "3 turns were"
    assert f"{missing} not passed to it" in caplog.messages[1]


async def test_without_listeners_nothing_is_recorded_nor_asked() -> None:
    turns: list[Any] = []

    def reply(audio: Any) -> Iterator[Any]:
        turns.append(get_current_context().turns)
        yield (RATE, tone(0.1))

    stream = Stream(replying(reply), modality="audio", mode="send-receive")
    async with Call(stream) as call:
        for _ in range(2):
            await call.say(SPEECH)
            await call.finish()
    assert turns == [(), ()]
    assert not [one for one in call.messages if one["type"] in ("report_heard", "turn")]


def test_on_turn_must_be_a_function() -> None:
    with pytest.raises(ValueError, match="on_turn must be a function"):
        Stream(replying(sentence), modality="audio", mode="send-receive", on_turn=3)  # type: ignore[arg-type]


# The client


async def test_the_client_gets_turns_from_when_it_asks_until_it_does_not() -> None:
    hooks = Hooks(on_turn=lambda turn: None)
    async with Rig(hooks=hooks) as rig:
        log = rig.session.turns
        assert rig.messages.receive({"type": "turns", "data": {"on": True}})
        turn = Turn("me", 1, "reply", 0.0, text="secret", first_sent_s=1.0)
        for listener in log._listeners:
            listener.on_turn(turn)
        assert rig.messages.receive({"type": "turns", "data": {"on": True}}), "again: once"
        assert len(log._listeners) == 2
        assert rig.messages.receive({"type": "turns", "data": {"on": False}})
        assert len(log._listeners) == 1
        for data in (None, {}, {"on": 1}, []):
            assert not rig.messages.receive({"type": "turns", "data": data})
        await until(lambda: rig.of_type("turn"))
        (sent,) = rig.of_type("turn")
        assert sent["data"]["first_sent_s"] == 1.0
        assert "secret" not in json.dumps(sent)


async def test_without_on_turn_the_client_asks_in_vain() -> None:
    got: list[dict[str, Any]] = []
    async with Rig(hooks=Hooks(on_message=got.append)) as rig:
        assert rig.messages.receive({"type": "turns", "data": {"on": True}})
        assert rig.messages.receive({"type": "turns", "data": "mine"})
        await until(lambda: got)
        assert got == [{"type": "turns", "data": "mine"}]
        assert not rig.session.turns._listeners


# Bounds and failures


async def test_a_hundred_turns_are_kept() -> None:
    stream, recorder = stream_of(Beeper())
    async with Call(stream) as call:
        await call.wait(1.1)
        log = next(iter(endpoint_of(stream).places)).session.turns
        assert len(log.records) <= 1
        await call.wait(1.2 * (MAX_RECORDS + 5))
        assert len(log.records) == MAX_RECORDS
        assert log.records[-1].number > MAX_RECORDS
    assert len(recorder.turns) > MAX_RECORDS


class Broken(TurnListener):
    def on_event(self, event: ConversationEvent) -> None:
        raise ValueError("broken listener")

    on_turn = calling = on_event  # type: ignore[assignment]


async def test_a_listener_that_fails_does_not_affect_others(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.CRITICAL, "fastrtc.session.error_reports")
    stream, recorder = stream_of(replying(sentence))
    endpoint_of(stream).hooks.turn_listeners.insert(0, lambda session: Broken())
    async with Call(stream, expect_errors=True) as call:
        await call.say(SPEECH)
        await call.finish()
    assert len(call.turns) == len(recorder.turns) == 1
    assert not [message for message in call.messages if message["type"] == "error"]
    assert np.abs(call.turns[0].audio[1]).max() > 1000
