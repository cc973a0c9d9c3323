"""Calls in virtual time: speech over a reply that is an interruption, and sounds that are none."""

import time
from collections.abc import AsyncIterator, Iterator
from functools import cache
from typing import Any

import numpy as np
import pytest

from fastrtc import (
    AlgoOptions,
    Interruptions,
    ReplyOnPause,
    ReplyOnStopWords,
    Stream,
    get_silero_model,
)
from fastrtc.testing import Call
from tests.support.models import Energy, StreamingEnergy
from tests.support.speech import NOISES, speech, trimmed
from tests.testing.programs import Tones, Words, audio_stream, tone

RATE = 48_000
REPLY_S = 4.0
QUESTION_S = 0.6


def melody(seconds: float = REPLY_S, seed: int = 1) -> np.ndarray:
    """Audio of which each sample is audible, and no part is like another."""
    return _melody(seconds, seed)


@cache
def _melody(seconds: float, seed: int) -> np.ndarray:
    random = np.random.default_rng(seed)
    size = round(seconds * RATE)
    return (random.integers(2000, 8000, size) * random.choice([-1, 1], size)).astype(np.int16)


def pieces(samples: np.ndarray) -> Iterator[Any]:
    for k in range(0, len(samples), RATE // 2):
        yield RATE, samples[k : k + RATE // 2]


READY = [melody(), melody(0.5, 1), melody(0.5, 2), melody(1.0, 9), melody(3.0)]
"""Computed before the calls, as a long computation takes time on their clock."""


class Answers:
    """A reply function: each reply is another melody, after some thinking."""

    def __init__(self, *thinks_s: float, seconds: float = REPLY_S) -> None:
        self.thinks_s = thinks_s
        self.seconds = seconds
        self.melodies = [melody(seconds, k) for k in range(1, 5)]
        self.said_s: list[float] = []
        self.played_s: list[float] = []

    def __call__(self, audio: tuple[int, np.ndarray]) -> Iterator[Any]:
        self.said_s.append(speech_s(audio))
        number = len(self.said_s)
        if number <= len(self.thinks_s):
            time.sleep(self.thinks_s[number - 1])
        yield from pieces(self.melodies[number - 1])


def speech_s(audio: tuple[int, np.ndarray]) -> float:
    """The length of what is louder than silence, in seconds."""
    rate, samples = audio
    size = rate // 50
    frames = samples[0, : samples.shape[1] // size * size].reshape(-1, size)
    return float((np.abs(frames.astype(int)).max(axis=1) > 500).sum() / 50)


def sound(seconds: float) -> tuple[int, np.ndarray]:
    return 24_000, tone(seconds)


def interruptible(fn: Any, interruptions: Interruptions | None = None, **options: Any) -> Stream:
    options.setdefault("model", StreamingEnergy())
    interrupted = getattr(fn, "played_s", []).append
    interruptions = interruptions or Interruptions()
    return audio_stream(
        ReplyOnPause(fn, interruptions=interruptions, on_interrupt=interrupted, **options)
    )


async def call_with(stream: Stream, *sounds: tuple[float, float]) -> Call:
    """Ask, and make sounds of a length at times after the start of the reply."""
    async with Call(stream, voice=Tones()) as call:
        await call.say("one two")
        reply = await call.reply()
        for after_s, seconds in sounds:
            await call.say(sound(seconds), at=reply.starts_s + after_s)
        await call.finish(max_s=90)
    return call


async def call_while_thinking(stream: Stream, *sounds: tuple[float, float]) -> Call:
    """Ask, and make sounds of a length at times after the end of the question."""
    async with Call(stream, voice=Tones()) as call:
        await call.say("one two")
        for after_s, seconds in sounds:
            await call.say(sound(seconds), at=QUESTION_S + after_s)
        await call.finish(max_s=90)
    return call


def heard(call: Call) -> np.ndarray:
    """All audible samples that the caller heard, without the silence between them."""
    samples = call._caller.heard.samples
    return samples[samples != 0]


def heard_between(call: Call, start_s: float, end_s: float) -> np.ndarray:
    return call._caller.heard.samples[round(start_s * RATE) : round(end_s * RATE)]


def states(call: Call) -> list[str]:
    return [m["data"]["state"] for m in call.messages if m["type"] == "conversation"]


def contains(samples: np.ndarray, part: np.ndarray) -> bool:
    return part.tobytes() in samples.tobytes()


COUGH, MHM, SLAM = 0.25, 0.45, 0.03
LONG = 1.2


class TestASoundThatIsNoInterruption:
    @pytest.mark.parametrize("seconds", [COUGH, MHM, SLAM])
    @pytest.mark.parametrize("after_s", [0.1, 2.0, REPLY_S - 0.4])
    async def test_costs_no_sample_and_repeats_none(self, seconds: float, after_s: float) -> None:
        answers = Answers()
        call = await call_with(interruptible(answers), (after_s, seconds))
        assert np.array_equal(heard(call), melody())
        assert len(answers.said_s) == 1
        assert answers.played_s == []
        assert states(call)[-1] == "listening"

    @pytest.mark.parametrize("seconds", [COUGH, MHM, SLAM])
    async def test_costs_no_sample_with_a_model_that_judges_chunks(self, seconds: float) -> None:
        answers = Answers()
        call = await call_with(interruptible(answers, model=Energy()), (2.0, seconds))
        assert np.array_equal(heard(call), melody())
        assert len(answers.said_s) == 1

    async def test_is_answered_neither_at_once_nor_later(self) -> None:
        answers = Answers()
        call = await call_with(
            interruptible(answers), (1.0, MHM), (3.0, MHM), (5.0, COUGH), (7.0, MHM)
        )
        assert np.array_equal(heard(call), melody())
        assert len(answers.said_s) == 1

    async def test_pauses_the_reply_until_there_was_silence(self) -> None:
        call = await call_with(interruptible(Answers()), (2.0, COUGH))
        onset = call.turns[0].reply_starts_s + 2.0
        assert heard_between(call, onset + 0.3, onset + COUGH + 0.95).max(initial=0) == 0
        assert heard_between(call, onset + COUGH + 1.2, onset + 3).min(initial=0) < 0
        assert states(call)[2:] == [
            "speaking",
            "interruption_pending",
            "speaking",
            "listening",
        ]

    async def test_a_click_does_not_even_pause_it(self) -> None:
        call = await call_with(interruptible(Answers()), (2.0, SLAM))
        assert "interruption_pending" not in states(call)

    @pytest.mark.parametrize("function", ["async", "slow"])
    async def test_with_other_functions(self, function: str) -> None:
        async def fast(audio: Any) -> AsyncIterator[Any]:
            for piece in pieces(melody()):
                yield piece

        def slow(audio: Any) -> Iterator[Any]:
            for piece in pieces(melody()):
                time.sleep(0.4)
                yield piece

        stream = interruptible(fast if function == "async" else slow)
        call = await call_with(stream, (2.0, MHM), (4.5, COUGH))
        assert np.array_equal(heard(call), melody())
        assert states(call).count("interruption_pending") == 2

    async def test_over_a_greeting(self) -> None:
        def greet() -> Iterator[Any]:
            yield from pieces(melody())

        answers = Answers()
        async with Call(interruptible(answers, startup_fn=greet), voice=Tones()) as call:
            await call.say(sound(MHM), at=2.0)
            await call.finish(max_s=90)
        assert np.array_equal(heard(call), melody())
        assert answers.said_s == []


class TestAnInterruption:
    @pytest.mark.parametrize("model", [StreamingEnergy(), Energy()])
    async def test_cancels_the_reply_and_is_answered(self, model: Any) -> None:
        answers = Answers()
        call = await call_with(interruptible(answers, model=model), (2.0, LONG))
        assert len(answers.said_s) == 2
        assert answers.said_s[1] == pytest.approx(LONG, abs=0.05)
        first, second = call.turns
        assert second.reply_ends_s - second.reply_starts_s == pytest.approx(REPLY_S, abs=0.05)
        assert contains(heard(call), melody(REPLY_S, 2))
        assert not contains(heard(call), melody()[-RATE:])

    async def test_falls_silent_within_03_s_of_the_onset(self) -> None:
        """On average over the phase of the windows."""
        silent_s = []
        for after_s in (1.5, 1.607, 1.714, 1.821, 1.928):
            call = await call_with(interruptible(Answers(), Interruptions()), (after_s, LONG))
            silent_s.append(call.turns[0].stopped_after_s)
        assert np.mean(silent_s) < 0.2
        assert max(silent_s) < 0.3

    async def test_tells_how_much_was_heard(self) -> None:
        answers = Answers()
        call = await call_with(interruptible(answers), (2.0, LONG))
        [played_s] = answers.played_s
        first = call.turns[0]
        assert played_s == pytest.approx(first.reply_ends_s - first.reply_starts_s, abs=0.03)
        logs = [m["data"] for m in call.messages if m["type"] in ("log", "interrupted")]
        assert logs[3:5] == ["started_talking", "interrupted"]

    async def test_needs_as_much_speech_as_set(self) -> None:
        answers = Answers()
        await call_with(interruptible(answers, Interruptions(after_s=1.5)), (2.0, LONG))
        assert len(answers.said_s) == 1
        await call_with(interruptible(answers, Interruptions(after_s=0.2)), (2.0, COUGH))
        assert len(answers.said_s) == 3

    async def test_may_be_several_words(self) -> None:
        """Short silence does not reset the count; the reply is paused all the time."""
        answers = Answers()
        await call_with(interruptible(answers), (2.0, 0.3), (2.8, 0.3))
        assert len(answers.said_s) == 2
        assert answers.said_s[1] == pytest.approx(0.6, abs=0.06)


class TestFaultsOfOthers:
    """Which users report of other frameworks: `field.md`, "Interruptions"."""

    @pytest.mark.parametrize("seconds", [SLAM, 0.1, 0.25])
    @pytest.mark.parametrize("after_s", [0.55, 0.9, 1.45])
    async def test_noise_before_the_reply_does_not_end_in_silence(
        self, seconds: float, after_s: float
    ) -> None:
        answers = Answers(1.0)
        call = await call_while_thinking(interruptible(answers), (after_s, seconds))
        assert np.array_equal(heard(call), melody())
        assert len(answers.said_s) == 1

    async def test_long_noise_before_the_reply_does_not_lose_the_question(self) -> None:
        answers = Answers(1.0)
        call = await call_while_thinking(interruptible(answers), (0.9, 0.5))
        question, both = answers.said_s
        assert both == pytest.approx(question + 0.5, abs=0.05)
        assert np.array_equal(heard(call), melody(REPLY_S, 2))

    @pytest.mark.parametrize("noise_s", [0.2, 0.4])
    @pytest.mark.parametrize("broken", ["raises", "has no audio"])
    async def test_a_reply_that_ends_meanwhile_does_not_leave_the_next_one_paused(
        self, broken: str, noise_s: float
    ) -> None:
        calls: list[Any] = []

        def fn(audio: Any) -> Iterator[Any]:
            calls.append(audio)
            time.sleep(0.5)
            if len(calls) == 1 and broken == "raises":
                raise ValueError("on purpose")
            if len(calls) > 1:
                yield from pieces(melody())

        async with Call(interruptible(fn), voice=Tones(), expect_errors=True) as call:
            await call.say("one two")
            await call.say(sound(noise_s), at=QUESTION_S + 0.8)
            await call.wait(3)
            await call.say("one two")
            await call.finish()
        assert contains(heard(call), melody())

    @pytest.mark.parametrize("stale", [0.5, 1.0, 1.5, 3.0])
    async def test_a_stale_reply_never_plays_over_a_new_turn(self, stale: float) -> None:
        answers = Answers(stale)
        call = await call_while_thinking(interruptible(answers), (0.7, 2.0))
        assert np.array_equal(heard(call), melody(REPLY_S, 2))
        assert answers.played_s == [0.0]
        assert call.turns[-1].reply_starts_s > QUESTION_S + 0.7 + 2.0

    @pytest.mark.parametrize(
        ("options", "thinking", "speaking"),
        [
            (Interruptions(after_s=0.8, while_thinking_s=0.2), True, False),
            (Interruptions(after_s=0.3, while_thinking_s=0.8), False, True),
        ],
    )
    async def test_thinking_and_speaking_have_their_own_thresholds(
        self, options: Interruptions, thinking: bool, speaking: bool
    ) -> None:
        answers = Answers(1.2)
        await call_while_thinking(interruptible(answers, options), (0.8, 0.5))
        assert (len(answers.said_s) == 2) is thinking
        answers = Answers()
        await call_with(interruptible(answers, options), (2.0, 0.5))
        assert (len(answers.said_s) == 2) is speaking

    async def test_the_threshold_of_speaking_counts_once_something_was_heard(self) -> None:
        """Also while a slow reply has run out of audio."""

        def fn(audio: Any) -> Iterator[Any]:
            yield RATE, melody(0.5, 1)
            time.sleep(3)
            yield RATE, melody(0.5, 2)

        options = Interruptions(after_s=1.0, while_thinking_s=0.1)
        call = await call_with(interruptible(fn, options), (1.0, 0.5))
        assert np.array_equal(heard(call), np.concatenate((melody(0.5, 1), melody(0.5, 2))))
        assert states(call).count("thinking") == 3  # at first, out of audio, and after the sound

    async def test_the_count_of_speech_is_reset(self) -> None:
        answers = Answers(seconds=12.0)
        sounds = [(1.0 + 1.6 * k, MHM) for k in range(6)]
        call = await call_with(interruptible(answers), *sounds)
        assert np.array_equal(heard(call), melody(12.0))
        assert len(answers.said_s) == 1
        # after an interruption, too: what remains of it does not count against the next reply
        answers = Answers()
        async with Call(interruptible(answers), voice=Tones()) as call:
            await call.say("one two")
            await call.say(sound(LONG), at=(await call.reply()).starts_s + 1)
            await call.say(sound(COUGH), at=(await call.reply()).starts_s + 0.1)
            await call.finish()
        assert contains(heard(call), melody(REPLY_S, 2))
        assert len(answers.said_s) == 2

    async def test_resuming_does_not_start_the_reply_anew(self) -> None:
        answers = Answers()
        call = await call_with(interruptible(answers), (1.0, COUGH), (3.5, COUGH))
        assert len(answers.said_s) == 1
        assert np.array_equal(heard(call), melody())
        logs = [m["data"] for m in call.messages if m["type"] == "log"]
        assert logs.count("response_starting") == 1

    @pytest.mark.parametrize("pace_s", [0.0, 0.45, 0.9])
    async def test_a_session_is_silent_unless_it_says_speaking(self, pace_s: float) -> None:
        def fn(audio: Any) -> Iterator[Any]:
            for piece in pieces(melody(4.0)):
                time.sleep(pace_s)
                yield piece

        call = await call_with(interruptible(fn), (1.0, COUGH), (4.0, LONG))
        loud = np.abs(call._caller.heard.samples) > 0
        since, state = 0.0, "listening"
        for at_s, name in [*timed_states(call), (len(loud) / RATE, "")]:
            # what is sent is heard 0.06 s later, and the end of a reply is noticed within 0.1 s
            begin, end = round((since + 0.1) * RATE), round((at_s - 0.1) * RATE)
            if end > begin:
                assert loud[begin:end].any() == (state == "speaking")
                assert loud[begin:end].all() == (state == "speaking")
            since, state = at_s, name


def timed_states(call: Call) -> list[tuple[float, str]]:
    found = []
    for line in call.timeline().splitlines():
        at_s, _, rest = line.strip().partition(" ")
        if "conversation: " in rest:
            found.append((float(at_s), rest.split("'state': '")[1].rstrip("'}")))
    return found


class TestOptions:
    @pytest.mark.parametrize("after_s", [0.1, 0.5])
    async def test_the_first_seconds_of_a_reply_may_be_left_alone(self, after_s: float) -> None:
        answers = Answers()
        stream = interruptible(answers, Interruptions(ignore_first_s=1.5))
        call = await call_with(stream, (after_s, 0.8))
        assert np.array_equal(heard(call), melody())
        assert "interruption_pending" not in states(call)
        assert len(answers.said_s) == 1

    async def test_speech_that_goes_on_after_them_counts_from_there(self) -> None:
        answers = Answers()
        stream = interruptible(answers, Interruptions(ignore_first_s=1.0))
        call = await call_with(stream, (0.5, 2.0))
        assert len(answers.said_s) == 2
        assert answers.said_s[1] == pytest.approx(2.0, abs=0.06)  # all of it
        assert call.turns[0].stopped_after_s == pytest.approx(0.6, abs=0.15)

    async def test_the_reply_may_get_quieter_instead(self) -> None:
        answers = Answers()
        call = await call_with(interruptible(answers, Interruptions(duck_db=20.0)), (2.0, COUGH))
        assert heard(call).size == pytest.approx(melody().size, rel=0.01)
        start = call.turns[0].reply_starts_s + 2.0
        quiet = heard_between(call, start + 0.3, start + 1.0)
        loud = heard_between(call, start + 1.5, start + 1.9)
        assert np.std(quiet) == pytest.approx(np.std(loud) / 10, rel=0.05)
        assert contains(heard(call), melody()[-RATE // 2 :])

    async def test_a_quieter_reply_that_ends_meanwhile_does_not_leave_the_next_one_quiet(
        self,
    ) -> None:
        answers = Answers(seconds=2.0)
        stream = interruptible(answers, Interruptions(duck_db=20.0))
        async with Call(stream, voice=Tones()) as call:
            await call.say("one two")
            await call.say(sound(COUGH), at=(await call.reply()).starts_s + 1.9)
            await call.wait(3)
            await call.say("one two")
            await call.finish()
        assert contains(heard(call), melody(2.0, len(answers.said_s)))

    async def test_without_the_option_no_states_are_sent(self) -> None:
        stream = audio_stream(ReplyOnPause(Answers(), model=StreamingEnergy()))
        call = await call_with(stream, (2.0, LONG))
        assert states(call) == []

    async def test_a_reply_that_cannot_be_interrupted_is_not_paused(self) -> None:
        answers = Answers()
        call = await call_with(interruptible(answers, can_interrupt=False), (2.0, LONG))
        assert np.array_equal(heard(call), melody())
        assert "interruption_pending" not in states(call)

    async def test_a_model_that_judges_chunks_itself_interrupts_at_once(self) -> None:
        class Own(ReplyOnPause):
            def determine_pause(self, audio: Any, rate: int, state: Any) -> bool:
                loud = np.abs(audio[-rate // 50 :].astype(int)).max(initial=0) > 1000
                was, state.started_talking = state.started_talking, True if loud else False
                state.stream = audio
                state.buffer = None if was and not loud else state.buffer
                return bool(was and not loud)

        answers = Answers()
        handler = Own(answers, model=Energy(), interruptions=Interruptions())
        await call_with(audio_stream(handler), (2.0, 0.1))
        assert len(answers.said_s) == 2


class TestMeanwhile:
    """What else may happen while it is open whether speech is an interruption."""

    @pytest.mark.parametrize("what", ["trigger", "interrupt"])
    async def test_the_program_acts(self, what: str) -> None:
        answers = Answers()
        stream = interruptible(answers)
        async with Call(stream, voice=Tones()) as call:
            await call.say("one two")
            await call.say(sound(0.2), at=(await call.reply()).starts_s + 2)
            (handler,) = stream.handlers.values()
            if what == "trigger":
                handler.trigger_response()
            else:
                handler.interrupt()
            await call.wait(3)
            await call.say("one two")
            await call.finish()
        assert answers.played_s[0] == pytest.approx(2.1, abs=0.1)
        assert contains(heard(call), melody(REPLY_S, len(answers.said_s)))

    async def test_replies_can_no_longer_be_interrupted(self) -> None:
        answers = Answers()
        stream = interruptible(answers)
        async with Call(stream, voice=Tones()) as call:
            await call.say("one two")
            await call.say(sound(0.2), at=(await call.reply()).starts_s + 2)
            (handler,) = stream.handlers.values()
            handler.can_interrupt = False
            await call.finish()
        assert np.array_equal(heard(call), melody())

    async def test_the_call_ends(self) -> None:
        async with Call(interruptible(Answers()), voice=Tones()) as call:
            await call.say("one two")
            await call.say(sound(0.2), at=(await call.reply()).starts_s + 2)
        assert states(call)[-1] == "interruption_pending"


class TestStopWords:
    @staticmethod
    def stream(fn: Any, **options: Any) -> Stream:
        handler = ReplyOnStopWords(
            fn,
            ["one two"],
            model=StreamingEnergy(),
            stt_model=Words(),
            interruptions=Interruptions(**options),
            algo_options=AlgoOptions(started_talking_threshold=0.1),
        )
        return audio_stream(handler)

    async def begin(self, call: Call) -> float:
        await call.say("one two")
        await call.wait(0.5)
        await call.say("three zero")
        return (await call.reply()).starts_s

    async def test_speech_without_them_pauses_the_reply_only(self) -> None:
        answers = Answers()
        async with Call(self.stream(answers), voice=Tones()) as call:
            start = await self.begin(call)
            await call.say("three three three", at=start + 2)
            await call.finish()
        assert np.array_equal(heard(call), melody())
        assert states(call).count("interruption_pending") == 1

    async def test_they_stop_it(self) -> None:
        answers = Answers()
        async with Call(self.stream(answers), voice=Tones()) as call:
            start = await self.begin(call)
            await call.say("one two", at=start + 2)
            await call.wait(0.5)
            await call.say("three zero")
            await call.finish()
        assert len(answers.said_s) == 2
        assert contains(heard(call), melody(REPLY_S, 2))
        (turn,) = [turn for turn in call.turns if turn.interrupted]
        assert turn.stopped_after_s < 0.3

    async def test_endless_speech_does_not_pause_it_for_ever(self) -> None:
        answers = Answers()
        async with Call(self.stream(answers), voice=Tones()) as call:
            start = await self.begin(call)
            await call.say(" ".join(["three"] * 30), at=start + 2)
            await call.finish()
        assert np.array_equal(heard(call), melody())


async def test_a_question_that_was_answered_is_not_asked_again() -> None:
    """When what the program says of its own accord is interrupted before it is heard."""
    answers = Answers(seconds=1.0)
    stream = interruptible(answers)
    async with Call(stream, voice=Tones()) as call:
        await call.say("one two")
        await call.finish()
        (handler,) = stream.handlers.values()

        def remark() -> Iterator[Any]:
            time.sleep(1.0)
            yield from pieces(melody(1.0, 9))

        handler.say(remark)
        await call.say(sound(LONG))
        await call.finish()
    assert answers.said_s == [pytest.approx(0.6, abs=0.05), pytest.approx(LONG, abs=0.05)]
    assert not contains(heard(call), melody(1.0, 9)[:100])


async def test_what_must_not_be_interrupted_is_not_paused() -> None:
    stream = interruptible(Answers())
    async with Call(stream, voice=Tones()) as call:
        await call.wait(0.5)
        (handler,) = stream.handlers.values()
        handler.say((RATE, melody(3.0)), interruptible=False)
        await call.say(sound(MHM), at=1.5)
        await call.say(sound(LONG), at=2.1)
        await call.finish()
    assert np.array_equal(heard(call)[: 3 * RATE], melody(3.0))
    assert "interruption_pending" not in states(call)


class TestWithOtherOptions:
    async def test_a_client_whose_audio_stops_does_not_keep_the_reply_paused(self) -> None:
        """As after a mute, or with DTX: the silence that is missing counts."""
        answers = Answers()
        start_s = 3.0
        async with Call(interruptible(answers), voice=Tones(), outage=(start_s + 0.2, 3.0)) as call:
            await call.say("one two")
            await call.reply()
            await call.say(sound(1.0), at=start_s)  # all but 0.2 s of it is lost
            await call.finish(max_s=90)
        pending_s = [at_s for at_s, name in timed_states(call) if name == "interruption_pending"]
        resumed_s = [at_s for at_s, name in timed_states(call) if name == "speaking"]
        assert pending_s == [pytest.approx(start_s + 0.1, abs=0.05)]
        assert resumed_s[1] == pytest.approx(start_s + 1.7, abs=0.15)
        assert len(answers.said_s) == 1

    @pytest.mark.parametrize("noise_s", [0.2, 0.5])
    async def test_an_early_reply_is_paused_like_any_other(self, noise_s: float) -> None:
        answers = Answers(1.0, 1.0)
        stream = interruptible(answers, early=True)
        call = await call_while_thinking(stream, (0.7, noise_s))
        if noise_s < 0.3:
            assert np.array_equal(heard(call), melody())
            assert len(answers.said_s) == 1
        else:
            assert answers.said_s[-1] == pytest.approx(answers.said_s[0] + noise_s, abs=0.06)
            assert contains(heard(call), melody(REPLY_S, len(answers.said_s)))

    async def test_an_early_reply_to_an_interruption(self) -> None:
        answers = Answers()
        call = await call_with(interruptible(answers, early=True), (2.0, LONG))
        assert len(answers.said_s) == 2
        assert contains(heard(call), melody(REPLY_S, 2))

    async def test_several_utterances_over_one_unheard_reply_are_passed_on_together(self) -> None:
        answers = Answers(2.0, 2.0, 2.0)
        call = await call_while_thinking(interruptible(answers), (0.8, 0.5), (2.2, 0.5))
        assert answers.said_s == pytest.approx([0.6, 1.1, 1.6], abs=0.08)
        assert np.array_equal(heard(call), melody(REPLY_S, 3))


def cough() -> np.ndarray:
    """Two bursts of breath, at 48 kHz."""
    t = np.arange(round(0.4 * RATE)) / RATE
    loudness = np.exp(-(((t - 0.05) / 0.05) ** 2)) + 0.5 * np.exp(-(((t - 0.24) / 0.08) ** 2))
    breath = np.convolve(np.random.default_rng(0).normal(size=t.size), np.ones(16) / 16, "same")
    return (24_000 * loudness * breath).clip(-32_000, 32_000).astype(np.int16)


class TestWithSilero:
    """The model that is used by default, and a person."""

    async def ask(self, answers: Answers, *sounds: Any) -> Call:
        async with Call(interruptible(answers, model=get_silero_model())) as call:
            await call.say((RATE, trimmed(speech("Please tell me a long story"))))
            start_s = (await call.reply()).starts_s
            for k, samples in enumerate(sounds):
                await call.say((RATE, samples), at=start_s + 1 + 2 * k)
            await call.finish(max_s=90)
        return call

    async def test_a_reply_goes_on_after_a_cough_an_agreement_and_a_door(self) -> None:
        answers = Answers()
        agreement = trimmed(speech("hmm"))
        call = await self.ask(answers, cough(), agreement, NOISES["door slam"](0.5))
        assert np.array_equal(heard(call), melody())
        assert len(answers.said_s) == 1
        assert states(call).count("interruption_pending") >= 1

    async def test_a_sentence_is_an_interruption_from_its_onset_on(self) -> None:
        answers = Answers()
        call = await self.ask(answers, trimmed(speech("Stop please, I have another question")))
        assert len(answers.said_s) == 2
        assert call.turns[0].stopped_after_s < 0.3
