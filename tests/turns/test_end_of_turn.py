"""Conversations with a turn model, an adaptive pause, and replies that start early.

In virtual time: the caller's speech is a tone, and the turn model is scripted.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import numpy as np
import pytest

from fastrtc import (
    AlgoOptions,
    ReplyOnPause,
    ReplyOnStopWords,
    Stream,
    get_current_context,
)
from fastrtc.testing import Call
from tests.support.models import StreamingEnergy
from tests.testing.programs import RATE, Words, audio_stream, tone

PLAIN_S = 0.65
"""More than the latency of the plain pause: 0.5 s, a window of 32 ms, a frame, and the line."""


class Scripted:
    """A turn model that says what it is told, after so many seconds."""

    def __init__(self, *says: Any, after_s: float = 0.05) -> None:
        self.says = list(says)
        self.after_s = after_s
        self.asked: list[float] = []  # seconds of audio

    def complete(self, audio_16k: Any) -> Any:
        assert audio_16k.dtype == np.float32 and audio_16k.ndim == 1
        assert np.abs(audio_16k).max() <= 1
        self.asked.append(round(audio_16k.size / 16_000, 2))
        time.sleep(self.after_s)
        said = self.says.pop(0) if self.says else 0.9
        if isinstance(said, Exception):
            raise said
        return said


def short(audio: Any) -> Iterator[Any]:
    yield RATE, tone(0.5)


def stream(fn: Any = short, **options: Any) -> Stream:
    return audio_stream(ReplyOnPause(fn, model=StreamingEnergy(), **options))


async def answered(stream: Stream, *said_s: float) -> tuple[list[float], Call]:
    """Say tones with pauses in between, and return the latency of each reply.

    Args:
        stream: The program.
        *said_s: The length of the tones and of the pauses between them, in turns, in seconds.
    """
    async with Call(stream) as call:
        parts = [tone(s) if k % 2 == 0 else np.zeros(round(s * RATE)) for k, s in enumerate(said_s)]
        await call.say((RATE, np.concatenate(parts).astype(np.int16)))
        await call.reply()
        await call.finish()
    return [turn.latency_s for turn in call.turns], call


class TestTurnModel:
    async def test_a_complete_turn_is_answered_sooner(self):
        model = Scripted(0.9)
        (plain,), _ = await answered(stream(), 1.0)
        (latency,), _ = await answered(stream(turn_model=model), 1.0)
        assert 0.5 < plain < PLAIN_S
        assert 0.25 < latency < plain - 0.15
        assert len(model.asked) == 1

    async def test_the_same_call_has_the_same_times(self):
        latencies = [await answered(stream(turn_model=Scripted(0.9)), 1.0) for _ in range(3)]
        assert len({tuple(latency) for latency, _ in latencies}) == 1

    async def test_an_incomplete_turn_waits_for_the_speaker(self):
        model = Scripted(0.1, 0.9)
        (latency,), call = await answered(stream(turn_model=model), 1.0, 1.5, 1.0)
        assert 0.25 < latency < 0.5  # after all that was said
        assert len(call.turns) == 1 and len(model.asked) == 2
        (first, *_), _ = await answered(stream(), 1.0, 1.5, 1.0)
        assert first < 0  # the plain pause cuts in

    async def test_but_not_for_longer_than_the_maximum(self):
        for most in (1.0, 3.0):
            options = AlgoOptions(max_pause_s=most)
            model = Scripted(0.0)
            (latency,), _ = await answered(stream(turn_model=model, algo_options=options), 1.0)
            assert most < latency < most + 0.15
            assert len(model.asked) == 1  # once a pause

    async def test_the_surer_the_model_the_longer_it_waits(self):
        latencies = []
        for probability in (0.0, 0.35, 0.69):
            program = stream(turn_model=Scripted(probability, probability))
            latencies += (await answered(program, 1.0))[0]
        assert latencies == [pytest.approx(x, abs=0.08) for x in (3.1, 2.1, 1.5)]

    async def test_it_is_asked_again_if_it_was_unsure(self):
        model = Scripted(0.7, 0.96)
        (latency,), _ = await answered(stream(turn_model=model), 1.0)
        first, second = model.asked
        assert second - first == pytest.approx(0.2)
        assert 0.45 < latency < 0.6

    @pytest.mark.parametrize("fault", [RuntimeError("broken"), float("nan"), 2.0, "yes", None])
    async def test_without_a_judgement_the_pause_decides(
        self, fault: Any, caplog: pytest.LogCaptureFixture
    ):
        (plain,), _ = await answered(stream(), 1.0)
        (latency,), _ = await answered(stream(turn_model=Scripted(fault)), 1.0)
        assert latency == plain
        assert [record.levelname for record in caplog.records] == ["ERROR"]

    async def test_a_slow_model_delays_nothing(self, caplog: pytest.LogCaptureFixture):
        (plain,), _ = await answered(stream(), 1.0)
        for after_s in (0.35, 0.8):
            (latency,), _ = await answered(stream(turn_model=Scripted(0.1, after_s=after_s)), 1.0)
            assert plain <= latency < plain + 0.05
        assert {record.levelname for record in caplog.records} == {"WARNING"}

    async def test_the_time_that_it_takes_is_not_added(self):
        options = AlgoOptions(max_pause_s=1.0)
        latencies = set()
        for after_s in (0.0, 0.2):
            model = Scripted(0.1, after_s=after_s)
            ((latency,), _) = await answered(stream(turn_model=model, algo_options=options), 1.0)
            latencies.add(latency)
        assert len(latencies) == 1

    async def test_it_hears_the_utterance_with_pre_roll_and_pause(self):
        model = Scripted(0.1, 0.9)
        await answered(stream(turn_model=model), 1.0, 1.0, 1.0)
        assert model.asked == [pytest.approx(1.25, abs=0.1), pytest.approx(3.25, abs=0.1)]

    async def test_it_is_not_asked_about_a_reply_that_the_user_cannot_interrupt(self):
        model = Scripted()

        def long(audio: Any) -> Iterator[Any]:
            yield RATE, tone(3.0)

        async with Call(stream(long, turn_model=model, can_interrupt=False)) as call:
            await call.say((RATE, tone(1.0)))
            reply = await call.reply()
            await call.say((RATE, tone(0.5)), at=reply.starts_s + 0.5)
            await call.finish()
        assert len(model.asked) == 1

    async def test_it_is_asked_about_the_speech_that_interrupted_a_reply(self):
        model = Scripted()

        def long(audio: Any) -> Iterator[Any]:
            yield RATE, tone(5.0)

        async with Call(stream(long, turn_model=model)) as call:
            await call.say((RATE, tone(1.0)))
            reply = await call.reply()
            await call.say((RATE, tone(1.0)), at=reply.starts_s + 1.0)
            await call.wait(1.0)
        assert len(model.asked) == 2
        assert call.turns[0].interrupted and call.turns[1].latency_s < 0.5

    async def test_a_telephone_s_audio_is_judged_at_16_khz(self):
        model = Scripted()
        handler = ReplyOnPause(
            short, model=StreamingEnergy(), turn_model=model, input_sample_rate=8000
        )
        await answered(audio_stream(handler), 1.0)
        assert model.asked == [pytest.approx(1.25, abs=0.1)]

    async def test_speech_after_stop_words_is_judged(self):
        model = Scripted(0.1, 0.9)
        handler = ReplyOnStopWords(
            short, ["one two"], model=StreamingEnergy(), stt_model=Words(), turn_model=model
        )
        words = [tone(0.3, frequency) for frequency in (500.0, 700.0)]
        async with Call(audio_stream(handler)) as call:
            await call.say((RATE, np.concatenate(words)))
            await call.wait(2.0)
            await call.say((RATE, tone(1.0)))
            await call.wait(1.0)
            await call.say((RATE, tone(1.0)))
            await call.reply()
            await call.finish()
        assert len(model.asked) == 2
        assert call.turns[-1].latency_s < 0.5

    async def test_each_connection_has_its_own_pauses_and_all_share_the_model(self):
        model = Scripted()
        program = stream(turn_model=model)
        for _ in range(2):
            (latency,), _ = await answered(program, 1.0)
            assert latency < 0.5
        assert len(model.asked) == 2


class TestAdaptivePause:
    async def test_it_follows_the_speaker(self):
        """A speaker without hesitation is answered sooner after a while."""
        quick = [0.4, 0.2] * 12
        (plain,), _ = await answered(stream(), *quick, 1.0)
        options = AlgoOptions(adaptive_pause=True)
        (latency,), _ = await answered(stream(algo_options=options), *quick, 1.0)
        assert latency < plain - 0.1

    async def test_a_hesitant_speaker_is_interrupted_less(self):
        hesitant = [0.5, 0.7] * 12
        _, plain = await answered(stream(), *hesitant, 1.0)
        options = AlgoOptions(adaptive_pause=True)
        _, adapted = await answered(stream(algo_options=options), *hesitant, 1.0)
        pauses = [
            sum(message.get("data") == "pause_detected" for message in call.messages)
            for call in (plain, adapted)
        ]
        assert pauses[0] >= 12 and pauses[1] <= 8


class TestEarly:
    @pytest.fixture(params=["sync", "async"])
    def kind(self, request: pytest.FixtureRequest) -> str:
        return request.param

    def program(self, kind: str, log: list[str]) -> Callable[[Any], Any]:
        """A function that takes 0.25 s to answer, and waits before a side effect."""

        def sync(audio: Any) -> Iterator[Any]:
            log.append(f"started {audio[1].shape[1] / audio[0]:.1f}")
            try:
                time.sleep(0.25)
                log.append("answered")
                get_current_context().wait_committed()
                log.append("committed")
                yield RATE, tone(0.5)
            finally:
                log.append("ended")

        async def asynchronous(audio: Any) -> AsyncIterator[Any]:
            log.append(f"started {audio[1].shape[1] / audio[0]:.1f}")
            try:
                await asyncio.sleep(0.25)
                log.append("answered")
                await get_current_context().committed()
                log.append("committed")
                yield RATE, tone(0.5)
            finally:
                log.append("ended")

        return sync if kind == "sync" else asynchronous

    async def test_the_time_to_think_is_saved(self, kind: str):
        log: list[str] = []
        (plain,), _ = await answered(stream(self.program(kind, log)), 1.0)
        assert log == ["started 1.5", "answered", "committed", "ended"]
        log.clear()
        (latency,), call = await answered(stream(self.program(kind, log), early=True), 1.0)
        assert log == ["started 1.2", "answered", "committed", "ended"]
        assert 0.2 < plain - latency < 0.3
        logs = [message["data"] for message in call.messages if message.get("type") == "log"]
        assert logs == ["started_talking", "pause_detected", "response_starting"]

    async def test_a_speaker_who_goes_on_hears_nothing_of_it(self, kind: str):
        log: list[str] = []
        program = stream(self.program(kind, log), early=True)
        (latency,), call = await answered(program, 1.0, 0.4, 1.0)
        assert latency > 0 and len(call.turns) == 1
        assert log.count("committed") == 1 and log.count("ended") == 2
        assert [line for line in log if line.startswith("started")] == [
            "started 1.2",
            "started 2.6",
        ]

    async def test_what_it_yields_is_held_back(self):
        def at_once(audio: Any) -> Iterator[Any]:
            yield RATE, tone(0.5)

        (plain,), _ = await answered(stream(at_once), 1.0)
        (latency,), _ = await answered(stream(at_once, early=True), 1.0)
        assert latency == plain

    async def test_an_error_of_a_reply_in_vain_is_not_shown(self):
        calls = 0

        def fn(audio: Any) -> Iterator[Any]:
            nonlocal calls
            calls += 1
            if calls == 1:
                raise RuntimeError("of the first")
            yield RATE, tone(0.5)

        (latency,), _ = await answered(stream(fn, early=True), 1.0, 0.4, 1.0)
        assert calls == 2 and latency > 0

    async def test_an_error_of_a_reply_is_shown_when_its_turn_ends(self):
        def fn(audio: Any) -> Iterator[Any]:
            raise RuntimeError("broken")
            yield

        async with Call(stream(fn, early=True), expect_errors=True) as call:
            await call.say((RATE, tone(1.0)))
            await call.wait(0.35)
            assert not [one for one in call.messages if one.get("type") == "error"]
            await call.wait(1.0)
        assert [one for one in call.messages if one.get("type") == "error"]

    async def test_a_function_with_inputs_is_called_at_the_end_of_the_turn(self):
        asked: list[float] = []

        def fn(audio: Any, name: str) -> Iterator[Any]:
            asked.append(audio[1].shape[1] / audio[0])
            yield RATE, tone(0.5)

        async with Call(stream(fn, early=True)) as call:
            call.inputs("Ada")
            await call.say((RATE, tone(1.0)))
            await call.reply()
            await call.finish()
        assert asked == [pytest.approx(1.5, abs=0.1)]

    async def test_with_a_turn_model_it_starts_when_the_model_is_asked(self, kind: str):
        log: list[str] = []
        model = Scripted(0.1, 0.9)
        program = stream(self.program(kind, log), early=True, turn_model=model)
        (latency,), _ = await answered(program, 1.0, 1.0, 1.0)
        assert latency < 0.6
        assert log.count("committed") == 1
        assert [line for line in log if line.startswith("started")] == [
            "started 1.2",
            "started 3.2",
        ]

    async def test_a_call_that_ends_in_a_pause_ends_it(self, kind: str):
        log: list[str] = []
        async with Call(stream(self.program(kind, log), early=True)) as call:
            await call.say((RATE, tone(1.0)))
            await call.wait(0.4)
        assert log == ["started 1.2", "ended"] or log == ["started 1.2", "answered", "ended"]

    async def test_a_trigger_in_a_pause_plays_it(self):
        log: list[str] = []
        handlers: list[ReplyOnPause] = []

        class Mine(ReplyOnPause):
            def start_up(self) -> None:
                handlers.append(self)
                super().start_up()

        program = Mine(self.program("sync", log), model=StreamingEnergy(), early=True)
        async with Call(audio_stream(program)) as call:
            await call.say((RATE, tone(1.0)))
            await call.wait(0.3)
            handlers[0].trigger_response()
            await call.reply()
            await call.finish()
        assert log.count("committed") == 1 and call.turns[0].latency_s < 0.6

    async def test_outside_of_early_replies_nothing_waits(self):
        def fn(audio: Any) -> Iterator[Any]:
            get_current_context().wait_committed()
            yield RATE, tone(0.5)

        (latency,), _ = await answered(stream(fn), 1.0)
        assert latency < PLAIN_S


def test_a_model_of_another_interface_is_refused_at_once():
    with pytest.raises(TypeError, match=r"complete\(audio_16k\)"):
        ReplyOnPause(short, model=StreamingEnergy(), turn_model=0.5)  # type: ignore[arg-type]
