"""`ReplyOnPause`: what is heard, who is asked, and what is said."""

import asyncio
import contextlib
import copy as copy_module
import json
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import pytest

from fastrtc.core.context import get_current_context
from fastrtc.core.outputs import AdditionalOutputs
from fastrtc.handlers.inputs import PLACEHOLDER, WebRTCData
from fastrtc.handlers.link import link_of
from fastrtc.pause_detection.silero import SileroVadOptions
from fastrtc.reply_on_pause import AlgoOptions, AppState, ReplyOnPause, iterate
from fastrtc.stream import Stream
from fastrtc.testing import Call
from tests.support.loop_thread import a_loop
from tests.support.peers import LOCAL, AudioSource, Client, eventually, tone
from tests.support.speech import speech

RATE = 48_000
CHUNK = round(0.6 * RATE)
FRAME = 960


class Scripted:
    """A model of the old interface: says for each block how much speech is in it."""

    def __init__(self, *speech_s: float) -> None:
        self.script = list(speech_s)
        self.asked: list[tuple[int, Any, Any]] = []

    def vad(self, audio, options):
        self.asked.append((audio[0], audio[1].copy(), options))
        return (self.script.pop(0) if self.script else 0.0), []

    def warmup(self) -> None: ...


SPOKEN = (0.0, 0.5, 0.6, 0.0)


def scripted(fn: Any, *speech_s: float, **options: Any) -> ReplyOnPause:
    return ReplyOnPause(fn, model=Scripted(*(speech_s or SPOKEN)), **options)


def frames(seconds: float, first: int = 0) -> Iterator[tuple[int, np.ndarray]]:
    """Audio of which each frame holds its number."""
    for k in range(round(seconds * RATE / FRAME)):
        yield RATE, np.full((1, FRAME), first + k, np.int16)


def hear(handler: ReplyOnPause, seconds: float, first: int = 0) -> None:
    for frame in frames(seconds, first):
        handler.receive(frame)


def said(handler: ReplyOnPause) -> list[Any]:
    """What a handler that nobody is connected to says, until it has nothing."""
    outputs = []
    while True:
        output = handler.emit()
        if output is not None:
            outputs.append(output)
        elif handler.generator is None:
            return outputs


def echo(audio):
    yield audio


class Messages:
    """Stands for a data channel."""

    def __init__(self, handler: ReplyOnPause) -> None:
        self.texts: list[str] = []
        link_of(handler).channel = self  # type: ignore[assignment]

    def send(self, text: str) -> None:
        self.texts.append(text)

    def logs(self) -> list[str]:
        return [json.loads(text)["data"] for text in self.texts]


class TestBlockByBlock:
    def test_a_model_with_nothing_but_vad_is_asked_for_each_block(self) -> None:
        options = object()
        handler = scripted(echo, model_options=options)
        hear(handler, 2.4)
        asked = handler.model.asked
        assert [(rate, len(block)) for rate, block, _ in asked] == [(RATE, CHUNK)] * 4
        assert all(block.dtype == np.int16 and block.ndim == 1 for _, block, _ in asked)
        assert all(given is options for _, _, given in asked)
        assert np.concatenate([block for _, block, _ in asked])[::FRAME].tolist() == [*range(120)]

    def test_an_utterance_begins_with_the_pre_roll_and_is_answered_once(self) -> None:
        got = []

        def reply(audio):
            got.append(audio)
            yield audio

        handler = scripted(reply)
        hear(handler, 2.4)
        assert handler.event.is_set()
        assert len(said(handler)) == 1
        assert said(handler) == []
        [(rate, samples)] = got
        pre_roll = round(0.3 * RATE)
        assert (rate, samples.dtype) == (RATE, np.int16)
        assert samples.shape == (1, pre_roll + 3 * CHUNK)
        assert samples[0, ::FRAME].tolist() == list(range(15, 120))

    def test_without_pre_roll_it_begins_with_the_block(self) -> None:
        got = []
        handler = scripted(
            lambda audio: iter(got.append(audio) or [audio]), algo_options=AlgoOptions(pre_roll_s=0)
        )
        hear(handler, 2.4)
        said(handler)
        assert got[0][1].shape == (1, 3 * CHUNK)

    def test_determine_pause_gets_a_growing_buffer_and_the_stream_grows(self) -> None:
        calls, after = [], []

        class Own(ReplyOnPause):
            def determine_pause(self, audio, sampling_rate, state):
                assert state is self.state
                calls.append((len(audio), sampling_rate))
                paused = super().determine_pause(audio, sampling_rate, state)
                stream = state.stream
                after.append((state.buffer is None, 0 if stream is None else len(stream)))
                return paused

        handler = Own(echo, model=Scripted(*SPOKEN), algo_options=AlgoOptions(pre_roll_s=0))
        hear(handler, 2.4)
        per_block = CHUNK // FRAME
        assert [n for n, _ in calls] == [FRAME * (k % per_block + 1) for k in range(120)]
        assert {rate for _, rate in calls} == {RATE}
        assert [k for k, (dropped, _) in enumerate(after) if dropped] == [29, 59, 89, 119]
        assert [n for dropped, n in after if dropped] == [0, CHUNK, 2 * CHUNK, 3 * CHUNK]

    def test_a_determine_pause_that_tells_no_onset_interrupts_at_the_pause(self) -> None:
        class Always(ReplyOnPause):
            def determine_pause(self, audio, sampling_rate, state):
                state.stream, state.buffer = audio.reshape(1, -1), None
                return True

        def reply(audio):
            while True:
                yield OUT

        cleared, played = [], []
        handler = Always(reply, model=Scripted(), on_interrupt=played.append)
        handler._clear_queue = lambda: cleared.append(True)
        messages = Messages(handler)
        hear(handler, 0.02)
        assert handler.emit() is OUT
        assert cleared == played == []
        hear(handler, 0.02)
        assert cleared == [True]
        assert played == [pytest.approx(0.02)]
        assert messages.logs()[2:] == ["pause_detected", "interrupted"]
        handler.shutdown()

    def test_a_whole_determine_pause_of_a_subclass_decides(self) -> None:
        class AfterASecond(ReplyOnPause):
            def determine_pause(self, audio, sampling_rate, state):
                if len(audio) < sampling_rate:
                    return False
                state.stream = audio.reshape(1, -1)
                state.buffer = None
                return True

        got = []
        handler = AfterASecond(lambda audio: iter([got.append(audio)]))
        hear(handler, 1.0)
        said(handler)
        assert got[0][1].shape == (1, RATE)

    def test_a_speaker_without_pauses_is_answered_after_the_maximum(self) -> None:
        got = []
        options = AlgoOptions(max_continuous_speech_s=1.2, pre_roll_s=0)
        handler = scripted(
            lambda audio: iter([got.append(audio)]), *[0.6] * 9, algo_options=options
        )
        hear(handler, 1.2)
        assert handler.event.is_set()
        said(handler)
        assert got[0][1].shape == (1, 2 * CHUNK)

    def test_noise_below_the_threshold_is_nothing(self) -> None:
        handler = scripted(echo, 0.2, 0.1, 0.2, 0.0)
        messages = Messages(handler)
        hear(handler, 2.4)
        assert handler.emit() is None
        assert messages.texts == []

    def test_stereo_is_judged_as_mono(self) -> None:
        handler = scripted(echo, expected_layout="stereo")
        for _ in range(120):
            handler.receive((RATE, np.tile(np.array([100, 300], np.int16), FRAME)[np.newaxis]))
        assert [len(block) for _, block, _ in handler.model.asked] == [CHUNK] * 4
        assert {*np.concatenate([b for _, b, _ in handler.model.asked]).tolist()} == {200}

    def test_stereo_goes_to_the_function_as_it_came(self) -> None:
        got = []
        options = AlgoOptions(pre_roll_s=0.30003)  # not to be cut between left and right
        handler = scripted(
            lambda audio: iter([got.append(audio[1])]),
            expected_layout="stereo",
            algo_options=options,
        )
        for number in range(120):
            left_and_right = np.array([number, -number], np.int16)
            handler.receive((RATE, np.tile(left_and_right, FRAME)[np.newaxis]))
        said(handler)
        [samples] = got
        assert samples.shape == (1, 2 * (round(0.30003 * RATE) + 3 * CHUNK))
        np.testing.assert_array_equal(samples[0, ::2], -samples[0, 1::2])
        assert samples[0, 0] == 14 and samples[0, -2] == 119

    def test_flat_samples_of_the_telephone_do(self) -> None:
        handler = scripted(echo)
        for rate, samples in frames(2.4):
            handler.receive((rate, samples[0]))
        assert len(said(handler)) == 1

    def test_the_messages_of_a_turn(self) -> None:
        handler = scripted(echo)
        messages = Messages(handler)
        hear(handler, 2.4)
        said(handler)
        assert messages.logs() == ["started_talking", "pause_detected", "response_starting"]

    def test_turns_follow_each_other(self) -> None:
        got = []
        handler = scripted(lambda audio: iter([got.append(audio[1].shape)]), *SPOKEN, *SPOKEN)
        for _ in range(2):
            hear(handler, 2.4)
            said(handler)
        assert got == [(1, round(0.3 * RATE) + 3 * CHUNK)] * 2

    def test_an_interruption_may_take_more_than_a_block_has(self) -> None:
        got = []

        def reply(audio):
            got.append(audio[1].shape[1])
            for _ in range(100):
                yield OUT

        options = AlgoOptions(pre_roll_s=0, min_interruption_s=0.8)
        handler = scripted(reply, *SPOKEN, 0.5, 0.0, 0.5, 0.5, 0.0, algo_options=options)
        hear(handler, 2.4)
        assert handler.emit() is OUT
        messages = Messages(handler)
        hear(handler, 3 * 0.6)
        assert messages.logs() == []
        hear(handler, 0.6)
        assert messages.logs() == ["started_talking", "interrupted"]
        assert handler.emit() is None  # the end of the first
        hear(handler, 0.6)
        said(handler)
        assert got == [3 * CHUNK, 3 * CHUNK]


class TestArrays:
    """What a subclass sees has the shape and the dtype that it has in FastRTC 0.0.34."""

    @pytest.mark.parametrize("layout", ["mono", "stereo"])
    @pytest.mark.parametrize("shape", [(1, -1), (-1,)], ids=["WebRTC", "sockets"])
    def test_of_each_method(self, layout: Any, shape: tuple[int, ...]) -> None:
        channels = 2 if layout == "stereo" else 1
        seen: dict[str, set[Any]] = {}

        def note(what: str, samples: np.ndarray | None) -> None:
            if samples is not None:
                assert isinstance(samples, np.ndarray) and samples.dtype == np.int16
                seen.setdefault(what, set()).add(samples.shape)

        class Own(ReplyOnPause):
            def receive(self, frame):
                note("receive", frame[1])
                super().receive(frame)
                note("stream", self.state.stream)

            def process_audio(self, audio, state):
                note("process_audio", audio[1])
                super().process_audio(audio, state)
                note("buffer", state.buffer)
                note("stream", state.stream)

            def determine_pause(self, audio, sampling_rate, state):
                assert audio is state.buffer
                note("determine_pause", audio)
                note("stream", state.stream)
                if state.stream is not None and layout == "mono":
                    spoken_s = len(state.stream) / sampling_rate
                    assert spoken_s == pytest.approx(0.6 * round(spoken_s / 0.6))
                return super().determine_pause(audio, sampling_rate, state)

        model = Scripted(*SPOKEN)
        handler = Own(
            lambda audio: iter([note("fn", audio[1])]),
            model=model,
            expected_layout=layout,
            algo_options=AlgoOptions(pre_roll_s=0),
        )
        frame = FRAME * channels
        for _ in range(120):
            handler.receive((RATE, np.zeros(frame, np.int16).reshape(shape)))
        said(handler)
        for _, samples, _ in model.asked:
            note("vad", samples)
        as_it_comes = {(1, frame) if shape == (1, -1) else (frame,)}
        chunk = CHUNK * channels
        assert seen == {
            "receive": as_it_comes,
            "process_audio": as_it_comes,
            "determine_pause": {(frame * k,) for k in range(1, 31)},
            "buffer": {(frame * k,) for k in range(1, 30)},
            "stream": {(chunk * k,) for k in (1, 2, 3)},
            "fn": {(1, 3 * chunk)},
            "vad": {(CHUNK,)},  # stereo is mixed down
        }

    def test_of_what_was_said_where_audio_is_followed(self) -> None:
        streams = []

        class Own(ReplyOnPause):
            def process_audio(self, audio, state):
                super().process_audio(audio, state)
                streams.append(state.stream)

        handler = Own(echo, model=Loud())
        handler.receive((RATE, np.full((1, RATE), 9000, np.int16)))
        handler.receive((RATE, np.zeros((1, RATE), np.int16)))
        silent, stream = streams
        assert silent is None
        assert stream.dtype == np.int16 and stream.ndim == 1 and RATE < len(stream) <= 2 * RATE

    @pytest.mark.parametrize("spoken_s", [0, 1])
    def test_of_what_was_said_until_it_is_triggered(self, spoken_s: int) -> None:
        handler = ReplyOnPause(echo, model=Loud())
        handler.receive((RATE, np.full((1, spoken_s * RATE), 9000, np.int16)))
        handler.trigger_response()
        assert handler.state.stream is not None
        assert handler.state.stream.shape == (spoken_s * RATE,)
        [(_, samples)] = said(handler)
        assert samples.shape == (1, spoken_s * RATE)


class Loud(Scripted):
    """A model that follows audio as it comes, and takes what is loud for speech."""

    def open_stream(self, options):
        return self

    def push(self, samples: np.ndarray) -> np.ndarray:
        windows = samples[: len(samples) // 512 * 512].reshape(-1, 512)
        return (np.abs(windows).max(axis=1) > 1000).astype(np.float32)

    def reset(self) -> None: ...


class TestOptions:
    def warnings(self, caplog: pytest.LogCaptureFixture) -> list[str]:
        return [r.getMessage() for r in caplog.records if r.levelname == "WARNING"]

    def test_those_without_effect_are_named_once(self, caplog: pytest.LogCaptureFixture) -> None:
        options = SileroVadOptions(max_speech_duration_s=9, window_size_samples=1536)
        handler = ReplyOnPause(echo, model_options=options)
        for _ in range(3):
            hear(cast(ReplyOnPause, handler.copy()), 0.1)
        [warning] = self.warnings(caplog)
        assert "SileroVadOptions.max_speech_duration_s=9: an utterance is as long as" in warning
        assert "SileroVadOptions.window_size_samples=1536: this model judges 512" in warning

    def test_a_hop_longer_than_a_chunk_is_named(self, caplog: pytest.LogCaptureFixture) -> None:
        scripted(echo, algo_options=AlgoOptions(hop_s=0.8))
        [warning] = self.warnings(caplog)
        assert "AlgoOptions.hop_s=0.8: vad() is called for consecutive chunks" in warning

    def test_the_defaults_and_options_for_a_determine_pause_of_ones_own_are_not(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        class Own(ReplyOnPause):
            def determine_pause(self, audio, sampling_rate, state):
                return False

        ReplyOnPause(echo)
        ReplyOnPause(echo, model_options=SileroVadOptions(0.6, 100, float("inf"), 300, 512, 30))
        Own(echo, model_options=SileroVadOptions(max_speech_duration_s=9))
        assert self.warnings(caplog) == []

    def test_what_is_no_duration_is_refused_when_the_handler_is_made(self) -> None:
        options = SileroVadOptions(min_silence_duration_ms=-1)
        with pytest.raises(ValueError, match="min_silence_duration_ms must be a number"):
            ReplyOnPause(echo, model_options=options)

    @pytest.mark.parametrize(
        ("options", "in_blocks"),
        [
            (AlgoOptions(), False),
            (AlgoOptions(hop_s=0.6), True),
            (AlgoOptions(audio_chunk_duration=0.5, speech_threshold=0.5), True),
        ],
    )
    def test_those_for_blocks_ask_vad(self, options: AlgoOptions, in_blocks: bool) -> None:
        handler = ReplyOnPause(echo, model=Loud(), algo_options=options)
        hear(handler, 1.2)
        chunk = round(options.audio_chunk_duration * RATE)
        assert [len(block) for _, block, _ in handler.model.asked] == [chunk] * 2 * in_blocks


class TestSubclasses:
    def test_every_method_may_be_overridden(self) -> None:
        called = set()

        class Own(ReplyOnPause):
            def receive(self, frame):
                called.add("receive")
                super().receive(frame)

            def process_audio(self, audio, state):
                called.add("process_audio")
                assert state is self.state
                super().process_audio(audio, state)

            def determine_pause(self, audio, sampling_rate, state):
                called.add("determine_pause")
                return super().determine_pause(audio, sampling_rate, state)

            def emit(self):
                called.add("emit")
                return super().emit()

            def reset(self):
                called.add("reset")
                super().reset()

            def trigger_response(self):
                called.add("trigger_response")
                super().trigger_response()

        handler = Own(echo, model=Scripted(*SPOKEN))
        hear(handler, 2.4)
        said(handler)
        handler.trigger_response()
        said(handler)
        assert called == {
            "receive",
            "process_audio",
            "determine_pause",
            "emit",
            "reset",
            "trigger_response",
        }

    def test_async_iterate_of_a_subclass_gets_the_items(self) -> None:
        class Own(ReplyOnPause):
            async def async_iterate(self, generator):
                return RATE, 2 * (await super().async_iterate(generator))[1]

        async def reply(audio):
            yield RATE, np.full(FRAME, 21, np.int16)

        handler = Own(reply, model=Scripted())
        with a_loop() as loop:
            handler._loop = loop
            handler.trigger_response()
            [(_, samples)] = said(handler)
        assert (samples == 42).all()

    def test_a_process_audio_that_does_it_all(self) -> None:
        class Own(ReplyOnPause):
            def process_audio(self, audio, state):
                state.stream = audio[1]
                state.started_talking = state.pause_detected = True

        handler = Own(echo, model=Scripted())
        messages = Messages(handler)
        [frame] = frames(0.02, first=7)
        handler.receive(frame)
        [(_, samples)] = said(handler)
        assert samples.shape == (1, FRAME)
        assert messages.logs() == ["started_talking", "pause_detected", "response_starting"]

    @pytest.mark.parametrize("name", ["emit", "receive", "trigger_response"])
    def test_one_that_may_set_the_event_itself_is_asked_by_the_clock(self, name: str) -> None:
        class Own(ReplyOnPause): ...

        setattr(Own, name, lambda self, *args: getattr(ReplyOnPause, name)(self, *args))
        assert link_of(scripted(echo)).emit_wakes is not None
        assert link_of(Own(echo, model=Scripted())).emit_wakes is None

    def test_a_copy_is_of_the_same_class_with_the_same_arguments(self) -> None:
        class Bot(ReplyOnPause):
            def __init__(self, name: str, *, model: Any, mood: str = "good") -> None:
                super().__init__(self.reply, model=model, input_sample_rate=16_000)
                self.name, self.mood = name, mood

            def reply(self, audio):
                yield audio

        model = Scripted()
        bot = Bot("Ada", mood="better", model=model)
        copy = bot.copy()
        assert type(copy) is Bot
        assert copy.fn.__self__ is copy
        assert copy is not bot
        assert (copy.name, copy.mood) == ("Ada", "better")
        assert copy.model is model
        assert copy.input_sample_rate == 16_000
        assert copy.state is not bot.state
        assert copy.event is not bot.event

    def test_no_constructor_runs_for_a_copy(self) -> None:
        class Loads(ReplyOnPause):
            def __init__(self):
                loaded.append(True)
                super().__init__(self.reply, model=Scripted(), on_interrupt=self.cut)
                self.weights = np.zeros(3)
                self.history = ["of nobody"]
                self.say = self.reply
                self.cuts = 0

            def reply(self, audio):
                yield OUT

            def cut(self, played_s):
                self.cuts += 1

        loaded: list[bool] = []
        bot = Loads()
        bot.set_args(["of nobody"])
        copy = bot.copy()
        assert loaded == [True]
        assert copy.weights is bot.weights
        copy.history.append("of one connection")
        assert bot.history == ["of nobody"]
        assert copy.fn.__self__ is copy.say.__self__ is copy
        assert copy.latest_args == []
        for name in ("state", "event", "args_set", "channel_set"):
            assert getattr(copy, name) is not getattr(bot, name)
        copy.trigger_response()
        copy.trigger_response()
        assert copy.emit() is OUT
        copy.trigger_response()
        assert (copy.cuts, bot.cuts) == (1, 0)
        assert bot.emit() is None
        copy.shutdown()

    def test_a_copy_of_its_attributes_alone_is_a_handler_of_its_own(self) -> None:
        bot = scripted(echo)
        other = copy_module.copy(bot)
        other.event = threading.Event()
        other.trigger_response()
        assert not bot.event.is_set()
        assert bot.emit() is None
        assert link_of(other).conversation.face is other

    def test_a_copy_of_a_copy_too(self) -> None:
        handler = scripted(echo, output_sample_rate=48_000, can_interrupt=False)
        copy = handler.copy().copy()
        assert (copy.fn, copy.output_sample_rate, copy.can_interrupt) == (echo, 48_000, False)

    def test_what_was_changed_after_it_was_made_is_kept(self) -> None:
        handler = scripted(echo)
        handler.algo_options = AlgoOptions(speech_threshold=0.3)
        handler.needs_args = True
        copy = handler.copy()
        assert copy.algo_options is handler.algo_options
        assert copy.needs_args

    def test_what_is_told_of_an_interruption_is_not_async(self) -> None:
        async def told(played_s: float) -> None: ...

        with pytest.raises(TypeError, match="on_interrupt must not be async"):
            scripted(echo, on_interrupt=told)

    def test_positional_arguments_are_in_the_order_that_programs_know(self) -> None:
        model, algo, options = Scripted(), AlgoOptions(), object()
        handler = ReplyOnPause(
            echo, echo, algo, options, False, "stereo", 48_000, None, 16_000, model, True
        )
        assert (handler.fn, handler.startup_fn) == (echo, echo)
        assert (handler.algo_options, handler.model_options) == (algo, options)
        assert (handler.can_interrupt, handler.expected_layout) == (False, "stereo")
        assert (handler.output_sample_rate, handler.input_sample_rate) == (48_000, 16_000)
        assert (handler.model, handler.needs_args) == (model, True)


OUT = (24_000, np.zeros((1, 480), np.int16))


class Callable_:
    def __call__(self, audio):
        yield OUT

    def method(self, audio):
        yield OUT

    async def async_method(self, audio):
        yield OUT

    def a_list(self, audio):
        return [OUT]


class AsyncCallable:
    async def __call__(self, audio):
        yield OUT


def returns_an_iterator(audio):
    return iter([OUT])


async def generate_async(audio):
    yield OUT


async def returns_later(audio):
    return iter([OUT])


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "generator function": lambda: Callable_().method,
    "lambda": lambda: lambda audio: iter([OUT]),
    "callable object": Callable_,
    "function returning an iterator": lambda: returns_an_iterator,
    "method returning a list": lambda: Callable_().a_list,
    "async generator function": lambda: generate_async,
    "async method": lambda: Callable_().async_method,
    "async callable object": AsyncCallable,
    "lambda with an async generator": lambda: lambda audio: generate_async(audio),
    "coroutine function returning an iterator": lambda: returns_later,
}


class TestReplies:
    @pytest.mark.parametrize("kind", FUNCTIONS)
    def test_whatever_can_be_called(self, kind: str) -> None:
        handler = scripted(FUNCTIONS[kind]())
        with a_loop() as loop:
            handler._loop = loop
            hear(handler, 2.4)
            assert said(handler) == [OUT]

    def test_nothing_is_said_when_nothing_was_heard(self) -> None:
        handler = scripted(echo)
        assert handler.emit() is None
        assert handler.generator is None

    @pytest.mark.parametrize("outputs", [[], [AdditionalOutputs("a"), AdditionalOutputs("b")]])
    def test_a_turn_without_audio_just_ends(self, outputs: list[Any]) -> None:
        def reply(audio):
            if not outputs:
                return
            yield from outputs

        handler = scripted(reply, *SPOKEN, *SPOKEN)
        for _ in range(2):
            hear(handler, 2.4)
            messages = Messages(handler)
            assert said(handler) == outputs
            assert messages.logs() == ["response_starting"]
            assert not handler.state.responding
            assert not handler.event.is_set()

    def test_a_function_that_returns_none_just_ends_its_turn(self) -> None:
        handler = scripted(lambda audio: None)
        hear(handler, 2.4)
        assert said(handler) == []

    def test_the_state_tells_where_it_is(self) -> None:
        handler = scripted(echo)
        hear(handler, 1.2)
        assert handler.state.started_talking
        hear(handler, 1.2)
        assert handler.state.pause_detected
        assert handler.emit() is not None
        assert handler.state.responding
        assert handler.state.responded_audio
        before = handler.state
        assert handler.emit() is None
        assert handler.state is not before
        assert not handler.state.responding

    @pytest.mark.parametrize("when", ["called", "first", "second"])
    def test_an_exception_comes_out_and_the_next_turn_is_answered(self, when: str) -> None:
        fails = [True, False]

        def generate():
            failing = fails.pop(0)
            if failing and when == "first":
                raise ValueError("no")
            yield OUT
            if failing:
                raise ValueError("no")

        def reply(audio):
            if when == "called" and fails[0]:
                fails.pop(0)
                raise ValueError("no")
            return generate()

        handler = scripted(reply, *SPOKEN, *SPOKEN)
        hear(handler, 2.4)
        if when == "second":
            assert handler.emit() is OUT
        with pytest.raises(ValueError, match="no"):
            handler.emit()
        assert handler.emit() is None
        hear(handler, 2.4)
        assert said(handler) == [OUT]

    def test_an_exception_is_reported_where_there_is_a_connection(self) -> None:
        def reply(audio):
            raise ValueError("no")

        reported: list[Exception] = []
        handler = scripted(reply)
        link_of(handler).report = reported.append
        hear(handler, 2.4)
        assert handler.emit() is None
        assert [str(error) for error in reported] == ["no"]

    def test_trigger_response_replies_now(self) -> None:
        got = []
        handler = scripted(lambda audio: iter([got.append(audio)]))
        handler.trigger_response()
        said(handler)
        [(rate, samples)] = got
        assert (rate, samples.shape, samples.dtype) == (RATE, (1, 0), np.int16)

    def test_trigger_response_stops_the_reply_that_runs(self) -> None:
        closed, count = threading.Event(), iter(range(9))

        def reply(audio):
            number = next(count)
            try:
                yield RATE, np.full(FRAME, number, np.int16)
                if not number:
                    while True:
                        yield RATE, np.full(FRAME, -1, np.int16)
            finally:
                closed.set()

        interrupted = []
        handler = scripted(reply, on_interrupt=interrupted.append)
        messages = Messages(handler)
        handler.trigger_response()
        assert handler.emit()[1][0] == 0
        handler.trigger_response()
        assert closed.wait(10)
        assert handler.emit() is None  # the end of the first
        assert [int(samples[0]) for _, samples in said(handler)] == [1]
        assert messages.logs() == ["response_starting", "interrupted", "response_starting"]
        assert interrupted == [pytest.approx(0.02)]

    def test_inputs_that_were_set_before_trigger_response_are_for_its_turn(self) -> None:
        got, told = [], []

        def reply(audio, name=None):
            got.append(name)
            while True:
                yield OUT

        handler = scripted(reply, on_interrupt=lambda _: told.append(list(got)))
        handler.set_args(["first"])
        handler.trigger_response()
        assert handler.emit() is OUT
        while_interrupted = []
        handler._clear_queue = lambda: while_interrupted.extend(handler.emit() for _ in range(3))
        handler.set_args(["second"])
        handler.trigger_response()
        assert handler.args_set.is_set(), "it would be waited for them"
        assert while_interrupted == [None, None, None]
        assert told == [["first"]]
        assert handler.emit() is OUT
        assert got == ["first", "second"]
        handler.shutdown()

    @pytest.mark.parametrize("error", [SystemExit, asyncio.CancelledError, KeyboardInterrupt])
    def test_what_is_no_exception_ends_no_more_than_the_turn(
        self, error: type[BaseException]
    ) -> None:
        count = iter(range(9))

        def reply(audio):
            if not next(count):
                raise error
            yield OUT

        reported: list[Exception] = []
        handler = scripted(reply, *SPOKEN, *SPOKEN)
        link_of(handler).report = reported.append
        hear(handler, 2.4)
        assert handler.emit() is None
        assert [str(error) for error in reported] == [
            f"TestReplies.test_what_is_no_exception_ends_no_more_than_the_turn.<locals>.reply "
            f"raised {error.__name__}"
        ]
        hear(handler, 2.4)
        assert said(handler) == [OUT]

    @pytest.mark.parametrize("what", ["reply", "greeting"])
    def test_a_reply_that_cannot_start_ends_its_turn(
        self, what: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(thread: threading.Thread) -> None:
            raise RuntimeError("can't start new thread")

        reported: list[Exception] = []
        handler = scripted(
            lambda audio: iter([OUT]),
            *SPOKEN,
            *SPOKEN,
            can_interrupt=False,
            startup_fn=lambda: iter([OUT]),
        )
        with monkeypatch.context() as patch:
            patch.setattr(threading.Thread, "start", fail)
            if what == "greeting":
                with pytest.raises(RuntimeError, match="can't start new thread"):
                    handler.start_up()
                assert handler.emit() is None
            else:
                link_of(handler).report = reported.append
                hear(handler, 2.4)
                assert handler.emit() is None
                assert [str(error) for error in reported] == ["can't start new thread"]
        hear(handler, 2.4)
        assert said(handler) == [OUT]

    def test_speech_interrupts(self) -> None:
        def reply(audio):
            while True:
                yield OUT

        cleared = []
        handler = scripted(reply, *SPOKEN, 0.6)
        handler._clear_queue = lambda: cleared.append(True)
        hear(handler, 2.4)
        assert handler.emit() is OUT
        state = handler.state
        messages = Messages(handler)
        hear(handler, 0.6)
        assert messages.logs() == ["started_talking", "interrupted"]
        assert state.interrupted.is_set()
        assert handler.emit() is None
        assert handler.state.started_talking, "it forgot who is speaking"
        assert cleared == [True]

    def test_one_reply_is_interrupted_once_though_the_client_plays_on(self) -> None:
        """A client that cannot drop audio has up to a second of it when it is interrupted."""
        played: list[float] = []
        handler = scripted(
            lambda _: iter([(RATE, np.zeros(RATE, np.int16))]),
            *(0.0, 0.6, 0.0, 0.6, 0.0, 0.0, 0.6),
            on_interrupt=played.append,
        )
        messages = Messages(handler)
        handler.trigger_response()
        said(handler)
        link_of(handler).queued_s = lambda: 0.4
        hear(handler, 1.8)  # the onset interrupts, and the end of the turn
        assert messages.logs().count("interrupted") == 1
        assert played == [pytest.approx(0.6)]
        said(handler)  # another reply
        hear(handler, 1.2)
        assert messages.logs().count("interrupted") == len(played) == 2

        link_of(handler).queued_s = lambda: 0.0
        hear(handler, 0.6)
        link_of(handler).queued_s = lambda: 0.4  # a subclass plays audio of its own
        hear(handler, 0.6)
        assert messages.logs().count("interrupted") == len(played) == 3

    @pytest.mark.parametrize(
        "audio",
        [
            (RATE, np.zeros((2, 480), np.int16)),
            (RATE, np.zeros((1, 960), np.int16), "stereo"),
            (RATE, np.zeros(480, np.float32)),
        ],
    )
    def test_on_interrupt_is_told_seconds_whatever_the_layout(self, audio: Any) -> None:
        played: list[float] = []
        handler = scripted(lambda _: iter([audio, audio]), on_interrupt=played.append)
        handler.trigger_response()
        assert handler.emit() is audio
        handler.trigger_response()
        assert played == [pytest.approx(0.01)]
        said(handler)
        handler._close_generator()

    def test_a_turn_that_is_asked_for_while_the_end_of_a_reply_waits_is_not_lost(self) -> None:
        """What wakes ``emit`` was cleared since, and the reply is not asked for its end anew."""
        handler = scripted(echo)
        wakes = link_of(handler).emit_wakes
        assert wakes is not None
        handler.trigger_response()
        assert handler.emit() is not None
        handler.trigger_response()

        wakes.clear()
        assert handler.emit() is None

        assert wakes.is_set()
        assert handler.emit() is not None

    def test_an_error_of_on_interrupt_is_reported_and_the_conversation_goes_on(self) -> None:
        def fail(played_s: float) -> None:
            raise ValueError(f"after {played_s:.2f} s")

        reports: list[Exception] = []
        handler = scripted(lambda _: iter([OUT, OUT]), on_interrupt=fail)
        link_of(handler).report = reports.append
        handler.trigger_response()
        assert handler.emit() is OUT
        handler.trigger_response()
        assert [str(error)[:5] for error in reports] == ["after"]
        assert handler.emit() is None  # the end of the first
        assert said(handler) == [OUT, OUT]

    def test_an_async_generator_behind_a_lambda_is_cancelled(self) -> None:
        ended = threading.Event()

        async def reply(audio):
            try:
                yield OUT
                await asyncio.Event().wait()
            finally:
                await asyncio.sleep(0.02)
                ended.set()

        handler = scripted(lambda audio: reply(audio))
        with a_loop() as loop:
            handler._loop = loop
            handler.trigger_response()
            assert handler.emit() is OUT
            handler.shutdown()
            assert ended.wait(5)

    def test_an_utterance_that_ends_while_a_turn_ends_is_not_lost(self) -> None:
        go, count, got = threading.Event(), iter(range(9)), []

        def reply(audio):
            got.append(audio[1].shape[1])
            yield OUT
            if not next(count):
                go.wait(10)

        class Slow(Scripted):
            def vad(self, audio, options):
                if len(self.asked) == 1:  # what is said in the second block
                    go.set()
                    thread.join(0.3)
                return super().vad(audio, options)

        options = AlgoOptions(pre_roll_s=0, max_continuous_speech_s=0.6)
        handler = ReplyOnPause(reply, model=Slow(0.6, 0.6), algo_options=options)
        hear(handler, 0.6)
        assert handler.emit() is OUT
        rest: list[Any] = []
        thread = threading.Thread(target=lambda: rest.append(handler.emit()))
        thread.start()
        hear(handler, 0.6)
        thread.join(10)
        assert rest == [None]
        assert said(handler) == [OUT]
        assert got == [CHUNK, CHUNK]

    def test_without_interruption_it_hears_nothing_until_all_is_played(self) -> None:
        queued = 0.0
        handler = scripted(echo, *SPOKEN, *SPOKEN, can_interrupt=False)
        link_of(handler).queued_s = lambda: queued
        hear(handler, 2.4)
        asked = len(handler.model.asked)
        hear(handler, 1.2)  # the reply has not even begun
        assert handler.emit() is not None
        hear(handler, 1.2)
        assert handler.emit() is None
        queued = 1.0
        hear(handler, 1.2)
        assert len(handler.model.asked) == asked
        assert handler.state.stream is None
        queued = 0.0
        hear(handler, 2.4)
        assert len(handler.model.asked) == asked + 4
        assert len(said(handler)) == 1

    def test_a_reply_that_runs_does_not_lose_what_is_said_meanwhile(self) -> None:
        got = []

        def reply(audio):
            got.append(audio[1].shape[1])
            yield OUT

        options = AlgoOptions(pre_roll_s=0, started_talking_threshold=0.2)
        handler = scripted(reply, *SPOKEN, 0.6, 0.0, algo_options=options)
        hear(handler, 2.4)
        assert handler.emit() is OUT
        hear(handler, 0.6 + 0.3)
        assert handler.emit() is None  # the first turn ends in the middle of a block
        hear(handler, 0.3)
        assert said(handler) == [OUT]
        assert got == [3 * CHUNK, 2 * CHUNK]


class TestInputs:
    @pytest.mark.parametrize(
        ("fn", "wanted"),
        [
            (lambda audio: None, False),
            (lambda audio, more: None, True),
            (lambda audio, more=1: None, True),
            (lambda *args: None, False),  # a wrapper that says nothing about what it takes
            (lambda *args, **options: None, True),
            (lambda audio, *more: None, True),
            (Callable_(), False),
            (Callable_().method, False),
            (generate_async, False),
        ],
    )
    def test_a_second_parameter_wants_inputs(self, fn: Any, wanted: bool) -> None:
        assert scripted(fn)._needs_additional_inputs is wanted
        assert scripted(fn, needs_args=True)._needs_additional_inputs

    def test_they_follow_the_audio(self) -> None:
        got = []
        handler = scripted(lambda audio, *more: iter([got.append((audio[1].shape, more))]))
        handler.set_args(["a", 2])
        handler.trigger_response()
        said(handler)
        assert got == [((1, 0), ("a", 2))]
        assert not handler.args_set.is_set(), "the next reply asks again"

    def test_defaults_stand_in_for_what_nobody_gave(self) -> None:
        got = []
        handler = scripted(lambda audio, more="default": iter([got.append(more)]))
        handler.trigger_response()
        said(handler)
        assert got == ["default"]

    def test_a_text_comes_as_webrtc_data(self) -> None:
        got = []

        def reply(data, extra):
            got.append((data, extra))
            yield OUT

        handler = scripted(reply, needs_args=True)
        data = WebRTCData(webrtc_id="me", textbox="Hello")
        handler.latest_args = [data, "extra"]
        handler.trigger_response()
        assert said(handler) == [OUT]
        [(given, extra)] = got
        assert (given.textbox, given.webrtc_id, extra) == ("Hello", "me", "extra")
        assert given.audio[1].shape == (1, 0)

    def test_speech_comes_in_webrtc_data_where_the_page_has_a_textbox(self) -> None:
        got = []
        handler = scripted(lambda data: iter([got.append(data)]), needs_args=True)
        handler.latest_args = [WebRTCData(webrtc_id="me")]
        hear(handler, 2.4)
        said(handler)
        assert got[0].audio[1].shape == (1, round(0.3 * RATE) + 3 * CHUNK)

    def test_on_the_phone_outputs_are_the_arguments_of_the_next_call(self) -> None:
        got = []

        def reply(audio, history=()):
            got.append(history)
            yield OUT
            yield AdditionalOutputs([*history, "turn"])

        handler = scripted(reply)
        handler.phone_mode = True
        for _ in range(3):
            handler.trigger_response()
            said(handler)
        assert got == [(), ["turn"], ["turn", "turn"]]
        assert handler.latest_args[0] == PLACEHOLDER


class TestAppState:
    def test_it_is_made_without_a_loop_and_anew_of_its_class(self) -> None:
        @dataclass
        class Own(AppState):
            turns: int = 3

        state = Own(started_talking=True, turns=4)
        state.anything = "goes"  # type: ignore[attr-defined]
        fresh = state.new()
        assert type(fresh) is Own
        assert (fresh.turns, fresh.started_talking, fresh.stream) == (3, False, None)
        assert fresh.interrupted is not state.interrupted

    def test_a_handler_keeps_its_class(self) -> None:
        @dataclass
        class Own(AppState):
            turns: int = 0

        handler = scripted(echo)
        handler.state = Own(turns=2)
        hear(handler, 2.4)
        assert len(said(handler)) == 1
        assert type(handler.state) is Own


@contextlib.asynccontextmanager
async def connected(handler: ReplyOnPause) -> AsyncIterator[Client]:
    stream = Stream(
        handler,
        modality="audio",
        mode="send-receive",
        verbose=False,
        server_rtc_configuration=LOCAL,
    )
    async with Client(stream, audio=AudioSource()) as client:
        yield client


def calling(handler: ReplyOnPause, **options: Any) -> Call:
    stream = Stream(handler, modality="audio", mode="send-receive", verbose=False)
    return Call(stream, **options)


def logs(client: Client | Call) -> list[Any]:
    """The messages that tell of turns, in order."""
    kinds = ("started_talking", "pause_detected", "response_starting", "interrupted")
    return [m["data"] for m in client.messages if m.get("data") in kinds]


class Reply:
    """A function that says a tone, and notes when and how it is called."""

    def __init__(self, seconds: float = 0.5) -> None:
        self.seconds = seconds
        self.calls: list[tuple[Any, ...]] = []

    def __call__(self, audio):
        self.calls.append(audio)
        for _ in range(round(self.seconds * 10)):
            yield RATE, tone(0.1)


HELLO = "Hello there, how are you today?"
SEND_INPUT = {"type": "send_input", "data": []}


@pytest.mark.external("espeak-ng")
class TestConversation:
    async def test_an_utterance_comes_once_and_whole_and_is_answered(self) -> None:
        reply, spoken = Reply(), speech(HELLO)
        async with calling(ReplyOnPause(reply)) as call:
            await call.say((RATE, spoken))
            await call.finish()
        assert logs(call) == ["started_talking", "pause_detected", "response_starting"]
        [turn] = call.turns
        assert turn.reply_ends_s - turn.reply_starts_s == pytest.approx(0.5, abs=0.05)
        [(rate, samples)] = reply.calls
        assert (rate, samples.dtype, samples.shape[0]) == (RATE, np.int16, 1)
        length = (turn.ends_s - turn.starts_s) * RATE
        assert length < samples.shape[1] < length + 1.5 * RATE
        heard = np.flatnonzero(np.abs(samples[0].astype(int)) > 300)
        assert heard[-1] - heard[0] > 0.95 * length

    async def test_inputs_are_asked_for_before_each_reply(self) -> None:
        got = []

        def reply(audio, name):
            got.append(name)
            yield RATE, tone(0.2)

        async with calling(ReplyOnPause(reply)) as call:
            await call.say((RATE, speech("Yes, please.")))
            await call.wait(3)
            assert call.messages.count(SEND_INPUT) == 1 and got == []
            call.inputs("name 0")
            await call.finish()
            call.inputs("name 1")
            await call.say((RATE, speech("No, thank you.")))
            await call.finish()
        assert got == ["name 0", "name 1"] and call.messages.count(SEND_INPUT) == 2

    async def test_speech_cuts_a_reply(self) -> None:
        interrupted: list[float] = []
        closed = threading.Event()

        def reply(audio):
            try:
                for _ in range(80):
                    yield RATE, tone(0.1)
                # all of it may have been given before it is interrupted
            finally:
                closed.set()

        async with calling(ReplyOnPause(reply, on_interrupt=interrupted.append)) as call:
            await call.say((RATE, speech("Tell me a story.")))
            reply_s = (await call.reply()).starts_s
            await call.say((RATE, speech(HELLO)), at=reply_s + 2)
            assert closed.wait(5)
            await call.finish()
        turn = ["started_talking", "pause_detected", "response_starting"]
        assert logs(call) == [*turn, "started_talking", "interrupted", *turn[1:]]
        first, _ = call.turns
        assert first.interrupted and first.stopped_after_s < 1
        assert interrupted == [pytest.approx(2 + first.stopped_after_s, abs=0.15)]

    async def test_without_interruption_a_reply_is_played_whole(self) -> None:
        reply = Reply(seconds=4)
        async with calling(ReplyOnPause(reply, can_interrupt=False)) as call:
            await call.say((RATE, speech("Tell me a story.")))
            await call.say((RATE, speech(HELLO)), at=(await call.reply()).starts_s + 1)
            await call.wait(5)
        first, second = call.turns
        assert first.reply_ends_s - first.reply_starts_s == pytest.approx(4, abs=0.05)
        assert not second.audio[1].size and len(reply.calls) == 1
        assert logs(call) == ["started_talking", "pause_detected", "response_starting"]

    async def test_an_exception_ends_the_turn_and_not_the_conversation(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        calls = []

        def reply(audio):
            calls.append(audio)
            if len(calls) == 1:
                raise ValueError("The model is away")
            yield RATE, tone(0.2)

        async with calling(ReplyOnPause(reply), expect_errors=True) as call:
            await call.say((RATE, speech("Yes, please.")))
            await call.wait(2)
            await call.say((RATE, speech("No, thank you.")))
            await call.reply()
        [error] = [message for message in call.messages if message["type"] == "error"]
        assert error["message"] == error["data"] == "The model is away"
        [record] = [r for r in caplog.records if r.levelname == "ERROR"]
        assert record.exc_info is not None
        assert record.exc_info[0] is ValueError
        assert len(calls) == 2

    @pytest.mark.parametrize("kind", ["sync", "async"])
    async def test_the_context_is_known_in_the_function(self, kind: str) -> None:
        contexts = []

        def reply(audio):
            contexts.append(get_current_context())
            yield RATE, tone(0.1)
            contexts.append(get_current_context())

        async def reply_async(audio):
            for output in reply(audio):
                yield output

        async with calling(ReplyOnPause(reply if kind == "sync" else reply_async)) as call:
            await call.say((RATE, speech("Yes, please.")))
            await call.finish()
        assert len(contexts) == 2
        assert {context.webrtc_id for context in contexts} == {call._line.id}


class TestConnected:
    async def test_a_greeting_is_heard(self) -> None:
        def greet():
            contexts.append(get_current_context().webrtc_id)
            yield RATE, tone(0.5)

        contexts: list[str] = []
        async with connected(scripted(echo, startup_fn=greet)) as client:
            await eventually(lambda: len(client.loud()) * FRAME / RATE >= 0.4)
            await asyncio.sleep(0.3)
            assert len(client.loud()) * FRAME / RATE <= 0.6
            assert contexts == [client.webrtc_id]
            assert logs(client) == ["response_starting"]

    async def test_a_sync_greeting_of_an_async_reply(self) -> None:
        def greet():
            yield RATE, tone(0.2)

        async with connected(scripted(generate_async, startup_fn=greet)) as client:
            await eventually(client.loud)

    @pytest.mark.parametrize("start", [False, True])
    async def test_the_end_of_the_connection_ends_the_wait_for_inputs(
        self, start: bool, caplog: pytest.LogCaptureFixture
    ) -> None:
        def reply(audio, name):
            yield OUT

        def greet(name):
            yield OUT

        handler = scripted(reply, startup_fn=greet if start else None)
        async with connected(handler) as client:
            if not start:
                client.session.handler.trigger_response()
            await client.message("send_input")
        assert [r for r in caplog.records if r.levelname in ("ERROR", "WARNING")] == []

    async def test_a_client_that_gives_no_inputs_is_answered_without(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("fastrtc.turns.reply_inputs.DEFAULTED_INPUTS_TIMEOUT_S", 0.1)
        got = []

        def reply(audio, name="nobody"):
            got.append(name)
            yield RATE, tone(0.2)

        async with connected(scripted(reply)) as client:
            client.session.handler.trigger_response()
            await eventually(client.loud)
            assert len(client.of_type("send_input")) == 1
            assert got == ["nobody"]

    @pytest.mark.parametrize("nothing", [None, (RATE, np.zeros((1, 0), np.int16))])
    async def test_what_follows_nothing_is_heard(self, nothing: Any) -> None:
        def reply(audio):
            yield nothing
            yield RATE, tone(0.2)

        async with connected(scripted(reply)) as client:
            client.session.handler.trigger_response()
            await eventually(client.loud)

    async def test_while_nothing_happens_emit_is_not_asked(self) -> None:
        async with connected(scripted(echo, 0.0)) as client:
            handler = client.session.handler
            await eventually(lambda: len(handler.model.asked) > 1)
            asked, event = [], handler.event

            class Counting:
                def is_set(self) -> bool:
                    asked.append(True)
                    return event.is_set()

                def __getattr__(self, name: str) -> Any:
                    return getattr(event, name)

            handler.event = Counting()
            await asyncio.sleep(0.5)
            assert asked == []
            handler.event = event

    @pytest.mark.parametrize("method", ["trigger_response", "receive"])
    async def test_a_subclass_that_sets_the_event_itself_is_answered(self, method: str) -> None:
        class Own(ReplyOnPause): ...

        def begin(self: ReplyOnPause, *_: Any) -> None:
            if not self.event.is_set():
                self.state.stream = np.zeros((1, 0), np.int16)
                self.event.set()

        setattr(Own, method, begin)
        handler = Own(lambda audio: iter([(RATE, tone(0.2))]), model=Scripted())
        async with connected(handler) as client:
            await asyncio.sleep(0.3)
            client.session.handler.trigger_response()
            await eventually(client.loud)

    async def test_a_trigger_from_the_loop_is_answered(self) -> None:
        async with connected(scripted(lambda audio: iter([(RATE, tone(0.2))]))) as client:
            client.session.handler.trigger_response()
            await eventually(client.loud)
            assert logs(client) == ["response_starting"]

    @pytest.mark.parametrize("kind", ["sync", "async"])
    async def test_the_end_of_the_connection_ends_the_reply(self, kind: str) -> None:
        closed = threading.Event()

        def reply(audio):
            try:
                while True:
                    yield RATE, tone(0.1)
            finally:
                closed.set()

        async def reply_async(audio):
            try:
                while True:
                    yield RATE, tone(0.1)
            finally:
                closed.set()

        async with connected(scripted(reply if kind == "sync" else reply_async)) as client:
            client.session.handler.trigger_response()
            await eventually(client.loud)
            assert not closed.is_set()
        await eventually(closed.is_set)

    async def test_the_last_outputs_come_before_the_audio_is_played(self) -> None:
        def reply(audio):
            yield RATE, tone(5)
            yield AdditionalOutputs("history")

        async with connected(scripted(reply)) as client:
            client.session.handler.trigger_response()
            await client.message("fetch_output")
            assert len(client.loud()) * FRAME / RATE < 2


async def test_a_generator_can_be_awaited_item_by_item():
    items = iter([1, 2])

    assert [await iterate(items), await iterate(items)] == [1, 2]
    with pytest.raises(RuntimeError, match="StopIteration"):
        await iterate(items)
