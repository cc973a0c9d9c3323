"""A whole `ReplyOnPause` against a clock that is moved by hand: interrupted in every phase.

The model is a script of probabilities, the playout is the real one; 20 ms of a conversation pass in
a few microseconds, and what is heard is told apart by its value.
"""

import itertools
import json
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from fastrtc.core.errors import HandlerError
from fastrtc.handlers.link import link_of
from fastrtc.pacing.playout import Playout, PlayoutFrame
from fastrtc.reply_on_pause import AlgoOptions, ReplyOnPause
from tests.support.loop_thread import a_loop

RATE = 16_000
FRAME_S = 0.02
WINDOW = 512
PATIENCE_S = 10.0


class Script:
    """A model that hears speech at the times that it was told."""

    def __init__(self, *spoken: tuple[float, float]) -> None:
        self.spoken = spoken
        self.now = 0.0

    def vad(self, audio: Any, options: Any) -> Any:
        raise AssertionError("it can follow the audio as it comes")

    def warmup(self) -> None: ...

    def open_stream(self, options: Any) -> "Script":
        self.waiting = 0
        return self

    def push(self, samples: np.ndarray) -> list[float]:
        self.waiting += len(samples)
        probabilities = []
        while self.waiting >= WINDOW:
            middle = self.now - (self.waiting - WINDOW / 2) / RATE
            self.waiting -= WINDOW
            speaks = any(begin <= middle < end for begin, end in self.spoken)
            probabilities.append(0.95 if speaks else 0.02)
        return probabilities

    def reset(self) -> None:
        self.waiting = 0


class Conversation:
    """Moves the clock; what the person hears is in ``heard``, as (time, value of the samples)."""

    def __init__(self, fn: Any, *spoken: tuple[float, float], **options: Any) -> None:
        self.interrupted: list[float] = []
        self.model = Script(*spoken)
        self.handler = ReplyOnPause(
            fn,
            model=self.model,
            input_sample_rate=RATE,
            output_sample_rate=RATE,
            on_interrupt=self.interrupted.append,
            **options,
        )
        self.playout = Playout(rate=RATE, most_channels=1)
        self.handler._clear_queue = self.playout.clear
        link_of(self.handler).queued_s = lambda: self.playout.queued_s
        link_of(self.handler).post = self._note
        link_of(self.handler).report = lambda error: self.errors.append(error)
        self.errors: list[Exception] = []
        self.log: list[tuple[float, str]] = []
        self.heard: list[tuple[float, int]] = []
        self.now = 0.0
        self._silence = np.zeros((1, round(RATE * FRAME_S)), np.int16)

    def _note(self, text: str) -> None:
        self.log.append((self.now, str(json.loads(text)["data"])))

    def run(self, until: float, *, emit: bool = True) -> None:
        """Let time pass; with ``emit``, take all that the reply gives."""
        while self.now < until - 1e-9:
            self.now += FRAME_S
            self.model.now = self.now
            self.handler.receive((RATE, self._silence))
            if emit:
                self.take()
            action = self.playout.poll(self.now)
            if isinstance(action, PlayoutFrame):
                self.heard.append((self.now, int(np.max(np.abs(action.samples)))))

    def take(self) -> None:
        """Play what the reply gives now; one that is not done gives some at a time."""
        for _ in range(8):
            if self.handler.generator is None and not self.handler.event.is_set():
                return
            output = self.handler.emit()
            if output is not None:
                self.playout.push(*output)

    def times(self, what: str) -> list[float]:
        return [round(at, 2) for at, said in self.log if said == what]

    def when_heard(self, value: int) -> tuple[float, float]:
        times = [at for at, found in self.heard if abs(found - value) <= value * 0.05]
        assert times, f"{value} was never heard"
        return times[0], times[-1]


def until(condition: Callable[[], Any]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.005)


def audio(value: int, seconds: float) -> tuple[int, np.ndarray]:
    return RATE, np.full((1, round(RATE * seconds)), value, np.int16)


class Replies:
    """Gives each reply a loudness of its own: 1000, 2000, ..., in chunks."""

    def __init__(self, chunks: int = 20, chunk_s: float = 0.2) -> None:
        self.chunks, self.chunk_s = chunks, chunk_s
        self.utterances: list[float] = []
        self.closed: list[int] = []

    def __call__(self, said: tuple[int, np.ndarray]) -> Iterator[Any]:
        rate, samples = said
        self.utterances.append(samples.shape[1] / rate)
        number = len(self.utterances)
        try:
            for _ in range(self.chunks):
                yield audio(1000 * number, self.chunk_s)
        finally:
            self.closed.append(number)


def test_one_turn() -> None:
    replies = Replies()
    talk = Conversation(replies, (1.0, 2.0))
    talk.run(8.0)
    assert talk.times("started_talking") == [pytest.approx(1.26, abs=0.05)]
    assert talk.times("pause_detected") == [pytest.approx(2.5, abs=0.06)]
    assert talk.times("response_starting") == talk.times("pause_detected")
    begin, end = talk.when_heard(1000)
    assert begin == pytest.approx(2.5, abs=0.1)
    assert end - begin == pytest.approx(4.0, abs=0.1)
    assert replies.utterances == [pytest.approx(1.0 + 0.3 + 0.5, abs=0.1)]
    assert talk.interrupted == []


# A reply of 4 s begins at 2.5 s; its generator is done when 4 s were given, so nearly at once.
@pytest.mark.parametrize("onset", [2.6, 2.9, *np.arange(3.0, 6.4, 0.4).round(1)])
@pytest.mark.parametrize("chunk_s", [0.02, 0.2, 4.0])
def test_speech_cuts_a_reply_that_is_played(onset: float, chunk_s: float) -> None:
    replies = Replies(chunks=round(4.0 / chunk_s), chunk_s=chunk_s)
    talk = Conversation(replies, (1.0, 2.0), (onset, onset + 1.0))
    talk.run(onset + 6.0)
    [at] = talk.times("interrupted")
    assert onset + 0.2 < at < onset + 0.3
    assert talk.when_heard(1000)[1] <= at + FRAME_S
    [played] = talk.interrupted
    assert played == pytest.approx(at - 2.5, abs=0.15)
    # answered once, with what interrupted and nothing of the first utterance
    assert len(replies.utterances) == 2
    assert replies.utterances[1] == pytest.approx(min(1.8, 1.5 + onset - 2.0), abs=0.15)
    begin, _ = talk.when_heard(2000)
    assert begin > onset + 1.4
    assert all(value < 1100 or at >= begin for at, value in talk.heard)


def test_speech_before_the_first_audio_supersedes_the_reply() -> None:
    """While the function thinks: it is not awaited, and what it gives later is not played."""
    thinking, go_on, closed = threading.Event(), threading.Event(), threading.Event()

    def think(said: Any) -> Iterator[Any]:
        number = next(numbers)
        if number == 1:
            try:
                thinking.set()
                assert go_on.wait(PATIENCE_S)
                yield audio(1000, 1.0)
            finally:
                closed.set()
        yield audio(1000 * number, 1.0)

    numbers = itertools.count(1)
    talk = Conversation(think, (1.0, 2.0), (3.0, 4.0))
    talk.run(2.7, emit=False)
    taker = threading.Thread(target=talk.handler.emit)  # blocks, as it does in its own thread
    taker.start()
    assert thinking.wait(PATIENCE_S)
    talk.run(3.4, emit=False)
    taker.join(PATIENCE_S)
    assert not taker.is_alive()
    assert len(talk.times("interrupted")) == 1
    assert talk.interrupted == [0.0]
    talk.run(6.5)
    go_on.set()
    assert closed.wait(PATIENCE_S)
    talk.run(7.0)
    begin, end = talk.when_heard(2000)
    assert begin == pytest.approx(4.5, abs=0.1)
    assert end - begin == pytest.approx(1.0, abs=0.1)
    assert not [value for _, value in talk.heard if 900 < value < 1100]


def test_speech_while_inputs_are_awaited_supersedes_the_turn_and_nothing_said_is_lost() -> None:
    utterances: list[float] = []

    def reply(said: Any, name: str) -> Iterator[Any]:
        utterances.append(said[1].shape[1] / RATE)
        yield audio(1000 * len(utterances), 4.0)

    talk = Conversation(reply, (1.0, 2.0), (3.0, 4.0))
    with a_loop() as loop:
        talk.handler._loop = loop
        talk.run(2.7, emit=False)
        taker = threading.Thread(target=talk.handler.emit)  # blocks, as it does in its own thread
        taker.start()
        until(lambda: talk.times("[]"))  # it has asked for inputs
        talk.run(3.4, emit=False)
        taker.join(PATIENCE_S)
        assert not taker.is_alive()
        assert talk.times("interrupted") == [pytest.approx(3.25, abs=0.05)]
        assert talk.interrupted == [0.0]
        talk.handler.set_args(["Ada"])  # the page answers late
        talk.run(9.5)
    assert talk.when_heard(1000)[0] == pytest.approx(4.5, abs=0.1)
    assert utterances == [pytest.approx(1.8 + 1.8, abs=0.3)]
    assert talk.times("response_starting") == [pytest.approx(4.5, abs=0.1)]
    assert talk.errors == []


def test_a_reply_that_begins_while_somebody_speaks_is_cut_at_the_pause() -> None:
    """Its turn was asked for, and not begun, when they went on."""
    replies = Replies()
    talk = Conversation(replies, (1.0, 2.0), (3.0, 4.5))
    talk.run(3.5, emit=False)
    talk.run(10.0)
    [at] = talk.times("interrupted")
    assert at == pytest.approx(5.0, abs=0.1)
    begin, end = talk.when_heard(1000)
    assert begin == pytest.approx(3.5, abs=0.1)
    assert end <= at + FRAME_S
    assert talk.interrupted == [pytest.approx(at - 3.5, abs=0.15)]
    assert talk.when_heard(2000)[1] == pytest.approx(9.0, abs=0.1)


def test_a_greeting_does_not_begin_while_somebody_speaks() -> None:
    replies = Replies()
    talk = Conversation(replies, (1.0, 2.0), startup_fn=lambda name: iter([audio(9000, 2.0)]))
    with a_loop() as loop:
        talk.handler._loop = loop
        greeting = threading.Thread(target=talk.handler.start_up)
        greeting.start()
        until(lambda: talk.times("[]"))
        talk.run(1.5)
        talk.handler.set_args(["Ada"])
        greeting.join(PATIENCE_S)
        assert not greeting.is_alive()
        talk.run(7.0)
    assert talk.times("interrupted") == []
    assert not [value for _, value in talk.heard if value > 8000]
    assert talk.when_heard(1000)[0] == pytest.approx(2.5, abs=0.1)


def test_a_second_interruption_cuts_the_second_reply() -> None:
    replies = Replies()
    talk = Conversation(replies, (1.0, 2.0), (4.0, 5.0), (7.0, 8.0))
    talk.run(14.0)
    assert [pytest.approx(at, abs=0.1) for at in (4.25, 7.25)] == talk.times("interrupted")
    assert talk.when_heard(2000)[1] < 7.3
    begin, end = talk.when_heard(3000)
    assert end - begin == pytest.approx(4.0, abs=0.1)
    assert sorted(replies.closed) == [1, 2, 3]


def test_a_short_sound_leaves_the_reply_alone() -> None:
    replies = Replies()
    talk = Conversation(replies, (1.0, 2.0), (4.0, 4.15))
    talk.run(9.0)
    assert talk.times("interrupted") == []
    begin, end = talk.when_heard(1000)
    assert end - begin == pytest.approx(4.0, abs=0.1)
    assert len(replies.utterances) == 1


def test_a_longer_agreement_leaves_it_alone_if_told_so() -> None:
    options = AlgoOptions(min_interruption_s=0.7)
    replies = Replies()
    talk = Conversation(replies, (1.0, 2.0), (4.0, 4.5), algo_options=options)
    talk.run(9.0)
    assert talk.times("interrupted") == []
    assert len(replies.utterances) == 1


def test_speech_as_the_reply_ends_is_a_turn_of_its_own() -> None:
    replies = Replies(chunks=5)  # of 1 s: from 2.5 to 3.5
    talk = Conversation(replies, (1.0, 2.0), (3.45, 4.5))
    talk.run(8.0)
    assert talk.times("interrupted") == []  # it was over before that was speech
    assert len(replies.utterances) == 2
    assert replies.utterances[1] == pytest.approx(1.05 + 0.3 + 0.5, abs=0.1)


@pytest.mark.parametrize("onset", [2.6, 4.0])
def test_deaf_until_the_reply_has_been_played(onset: float) -> None:
    replies = Replies()
    talk = Conversation(replies, (1.0, 2.0), (onset, onset + 1.0), (8.0, 9.0), can_interrupt=False)
    talk.run(14.5)
    assert talk.times("interrupted") == []
    begin, end = talk.when_heard(1000)
    assert end - begin == pytest.approx(4.0, abs=0.1)
    assert talk.when_heard(2000)[0] == pytest.approx(9.5, abs=0.1)
    assert len(replies.utterances) == len(talk.times("response_starting")) == 2


def test_what_is_said_when_it_is_deaf_no_more_is_heard_from_there_on() -> None:
    replies = Replies()
    talk = Conversation(replies, (1.0, 2.0), (6.0, 7.5), can_interrupt=False)
    talk.run(13.0)
    assert talk.when_heard(1000)[1] == pytest.approx(6.5, abs=0.1)
    assert replies.utterances[1:] == [pytest.approx(1.0 + 0.5, abs=0.1)]
    assert talk.when_heard(2000)[0] == pytest.approx(8.0, abs=0.1)


def test_a_greeting_is_cut_by_speech() -> None:
    def greet() -> Iterator[Any]:
        for _ in range(30):
            yield audio(9000, 0.2)

    replies = Replies()
    talk = Conversation(replies, (2.0, 3.0), startup_fn=greet)
    talk.handler.start_up()
    talk.run(9.0)
    [at] = talk.times("interrupted")
    assert 2.2 < at < 2.3
    begin, end = talk.when_heard(9000)
    assert begin < 0.1
    assert end <= at + FRAME_S
    assert talk.interrupted == [pytest.approx(at, abs=0.15)]
    assert talk.when_heard(1000)[0] == pytest.approx(3.5, abs=0.1)


def test_an_output_that_is_no_audio_ends_the_turn_and_not_the_conversation() -> None:
    closed = []

    def broken(said: Any) -> Iterator[Any]:
        try:
            yield audio(1000, 0.5) if numbers.pop() else "no audio"
            yield audio(1000, 0.5)
        finally:
            closed.append(True)

    numbers = [1, 0]
    talk = Conversation(broken, (1.0, 2.0), (4.0, 5.0))
    talk.run(7.5)
    [error] = talk.errors
    assert isinstance(error, HandlerError)
    assert "Audio must be given as (sample_rate, samples)" in str(error)
    begin, end = talk.when_heard(1000)
    assert begin == pytest.approx(5.5, abs=0.1)
    assert end - begin == pytest.approx(1.0, abs=0.1)
    assert closed == [True, True]


def test_an_async_function_that_nobody_is_connected_to_says_so() -> None:
    async def reply(said: Any) -> Any:
        yield said

    talk = Conversation(reply, (1.0, 2.0))
    talk.run(3.0)
    [error] = talk.errors
    assert isinstance(error, RuntimeError)
    assert "no event loop" in str(error)
    assert talk.handler.generator is None


def test_a_monologue_interrupts_once() -> None:
    """While the maximum cuts it again and again, each piece is answered and none is lost."""
    replies = Replies()
    options = AlgoOptions(max_continuous_speech_s=2.0)
    talk = Conversation(replies, (1.0, 7.0), algo_options=options)
    talk.run(13.0)
    assert len(replies.utterances) == 3
    spoken = sum(replies.utterances)
    assert spoken == pytest.approx(6.0 + 0.3 + 0.5, abs=0.5)
    begin, end = talk.when_heard(3000)
    assert end - begin == pytest.approx(4.0, abs=0.1)
