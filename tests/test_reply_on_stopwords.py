"""`ReplyOnStopWords`: what is said after the stop words is answered, and nothing else."""

import json
import threading
import time
from math import inf
from typing import Any

import numpy as np
import pytest

from fastrtc.handlers.link import link_of
from fastrtc.reply_on_pause import AlgoOptions
from fastrtc.reply_on_stopwords import ReplyOnStopWords, ReplyOnStopWordsState
from fastrtc.speech_to_text import Word, get_stt_model
from fastrtc.stream import Stream
from fastrtc.testing import Call
from tests.support.peers import tone
from tests.support.speech import recorded_prompt

RATE = 48_000
FRAME = 960
LOUD, QUIET = 8000, 0
PATIENCE_S = 30.0


class ByLoudness:
    """A model of speech that takes what is loud for it, block by block."""

    def vad(self, audio, options):
        rate, samples = audio
        return float((np.abs(samples.astype(int)) > 1000).sum() / rate), []

    def warmup(self) -> None: ...


class Levels:
    """A recogniser of speech in which each word is a level: it tells which levels there are."""

    def __init__(self, **words: int) -> None:
        self.names = words
        self.heard: list[np.ndarray] = []

    def stt(self, audio) -> str:
        return " ".join(word.text for word in self._words(audio))

    def _words(self, audio) -> list[Word]:
        rate, samples = audio
        assert samples.ndim == 1
        self.heard.append(samples)
        found = []
        for name, level in self.names.items():
            where = np.flatnonzero(np.abs(samples.astype(int) - level) < 50)
            if where.size > 0.2 * rate:
                found.append(Word(name, where[0] / rate, (where[-1] + 1) / rate))
        return sorted(found, key=lambda word: word.start_s)


class TimedLevels(Levels):
    """The same, which also tells where they are."""

    def stt_words(self, audio) -> list[Word]:
        return self._words(audio)


class Failing:
    def __init__(self) -> None:
        self.calls = 0
        self.fails = True

    def stt(self, audio) -> str:
        self.calls += 1
        if self.fails:
            raise ValueError("deaf")
        return "computer"


class Hanging:
    def __init__(self) -> None:
        self.begun, self.go = threading.Event(), threading.Event()

    def stt(self, audio) -> str:
        self.begun.set()
        self.go.wait(PATIENCE_S)
        return ""


class Messages:
    def __init__(self, handler: ReplyOnStopWords) -> None:
        self.texts: list[str] = []
        link_of(handler).channel = self  # type: ignore[assignment]

    def send(self, text: str) -> None:
        self.texts.append(text)

    def __call__(self) -> list[str]:
        messages = map(json.loads, self.texts)
        return [m["data"] if m["type"] == "log" else m["type"] for m in messages]


def level(value: int, seconds: float) -> np.ndarray:
    return np.full(round(seconds * RATE), value, np.int16)


def said(*parts: tuple[int, float]) -> np.ndarray:
    return np.concatenate([level(*part) for part in parts])


def hear(handler: ReplyOnStopWords, samples: np.ndarray, *, rate: int = RATE) -> None:
    """Hand audio over, each frame when what looks at those before has finished."""
    for start in range(0, samples.size, FRAME):
        handler.receive((rate, samples[start : start + FRAME].reshape(1, -1)))
        settle(handler)


def settle(handler: ReplyOnStopWords) -> None:
    deadline = time.monotonic() + PATIENCE_S
    for thread in threading.enumerate():
        if thread.name == "fastrtc-stop-words":
            thread.join(deadline - time.monotonic())


def replies(handler: ReplyOnStopWords) -> list[Any]:
    outputs = []
    while True:
        output = handler.emit()
        if output is not None:
            outputs.append(output)
        elif not handler.event.is_set():
            return outputs


COMPUTER, QUESTION, OTHER = 4000, 6000, 8000


def handler(got: list[Any], model: Any = None, **options: Any) -> ReplyOnStopWords:
    def reply(audio):
        got.append(audio)
        for _ in range(3):
            yield 24_000, np.zeros((1, 480), np.int16)

    options.setdefault("model", ByLoudness())
    recogniser = model or Levels(computer=COMPUTER)
    return ReplyOnStopWords(reply, ["computer"], stt_model=recogniser, **options).copy()


@pytest.mark.parametrize(
    ("words", "text", "expected"),
    [
        (["computer"], "Hey, COMPUTER!", True),
        (["Computer."], "computer", True),
        (["computer"], "supercomputers", False),
        (["computer"], "comp uter", False),
        (["Hey, Siri!"], "well hey siri what is up", True),
        (["hey siri"], "hey there siri", False),
        (["ok   computer"], "Okay. OK, computer?", True),
        (["what's up"], "What’s up?", True),
        (["llama", "lamma"], "a Lamma", True),
        (["ça va"], "ÇA VA?", True),
        (["computer"], "", False),
    ],
)
def test_words_whatever_their_case_and_punctuation(words, text: str, expected: bool) -> None:
    handler = ReplyOnStopWords(lambda audio: iter([]), words, stt_model=Levels())
    assert handler.stop_word_detected(text) is expected


@pytest.mark.parametrize("words", [[], "computer", ["?!"], [""]])
def test_stop_words_that_are_none(words) -> None:
    with pytest.raises(ValueError, match="stop_words must be a list"):
        ReplyOnStopWords(lambda audio: iter([]), words, stt_model=Levels())


@pytest.mark.parametrize("kind", [Levels, TimedLevels])
def test_what_follows_is_answered_and_what_was_before_is_not(kind: type[Levels]) -> None:
    got: list[Any] = []
    bot = handler(got, kind(computer=COMPUTER))
    messages = Messages(bot)
    hear(bot, said((OTHER, 0.6), (COMPUTER, 0.6), (QUIET, 0.6), (QUESTION, 1.2), (QUIET, 1.2)))
    assert len(replies(bot)) == 3
    [(rate, samples)] = got
    assert (rate, samples.dtype, samples.shape[0]) == (RATE, np.int16, 1)
    assert set(np.unique(samples)) == {QUIET, QUESTION}
    assert (samples == QUESTION).sum() == 1.2 * RATE
    assert messages() == ["stopword", "started_talking", "pause_detected", "response_starting"]
    assert isinstance(bot.state, ReplyOnStopWordsState)
    assert not bot.state.stop_word_detected


def test_speech_without_them_is_nothing() -> None:
    got: list[Any] = []
    model = Levels(computer=COMPUTER)
    bot = handler(got, model)
    messages = Messages(bot)
    hear(bot, said((QUIET, 0.6), (OTHER, 1.2), (QUIET, 1.2), (OTHER, 0.6), (QUIET, 1.2)))
    assert not bot.event.is_set()
    assert messages() == []
    assert model.heard


def test_silence_is_not_recognised() -> None:
    model = Levels(computer=COMPUTER)
    bot = handler([], model)
    hear(bot, said((QUIET, 6)))
    assert model.heard == []


def test_a_recogniser_gets_five_seconds_of_a_long_speech() -> None:
    model = Levels(computer=COMPUTER)
    bot = handler([], model)
    hear(bot, said((OTHER, 12)))
    assert len(model.heard) > 5
    assert max(heard.size for heard in model.heard) <= 5 * RATE


def test_each_turn_wants_them_again() -> None:
    got: list[Any] = []
    bot = handler(got)
    turn = said((COMPUTER, 0.6), (QUIET, 0.6), (QUESTION, 0.6), (QUIET, 1.2))
    hear(bot, turn)
    replies(bot)
    hear(bot, said((QUESTION, 0.6), (QUIET, 1.2)))
    assert not bot.event.is_set()
    hear(bot, turn)
    replies(bot)
    assert len(got) == 2


def test_they_wait_for_what_follows() -> None:
    got: list[Any] = []
    bot = handler(got)
    hear(bot, said((COMPUTER, 0.6), (QUIET, 6)))
    assert bot.state.stop_word_detected
    assert not bot.event.is_set()
    hear(bot, said((QUESTION, 0.6), (QUIET, 1.2)))
    assert bot.event.is_set()


def test_a_speaker_without_pauses_is_answered_after_the_maximum() -> None:
    got: list[Any] = []
    bot = handler(got, algo_options=AlgoOptions(max_continuous_speech_s=1.8, pre_roll_s=0))
    hear(bot, said((COMPUTER, 0.6), (QUIET, 0.6), (QUESTION, 2.4)))
    replies(bot)
    [(_, samples)] = got
    assert 1.2 * RATE <= samples.size <= 2.4 * RATE


@pytest.mark.parametrize("can_interrupt", [True, False])
def test_they_stop_a_reply_and_other_speech_does_not(can_interrupt: bool) -> None:
    got: list[Any] = []
    stopped: list[float] = []
    bot = handler(got, can_interrupt=can_interrupt, on_interrupt=stopped.append)
    cleared: list[bool] = []
    bot._clear_queue = lambda: cleared.append(True)
    turn = said((COMPUTER, 0.6), (QUIET, 0.6), (QUESTION, 0.6), (QUIET, 1.2))
    hear(bot, turn)
    assert bot.emit() is not None  # it is replying
    hear(bot, said((OTHER, 1.2), (QUIET, 1.2)))
    assert cleared == stopped == []
    hear(bot, said((COMPUTER, 0.6), (QUIET, 1.8)))
    assert len(cleared) == len(stopped) == (1 if can_interrupt else 0)
    hear(bot, said((QUESTION, 0.6), (QUIET, 1.2)))
    replies(bot)
    assert len(got) == (2 if can_interrupt else 1)


def test_a_recogniser_that_fails_is_told_of_once_and_tried_again() -> None:
    model = Failing()
    got: list[Any] = []
    bot = handler(got, model)
    told: list[Exception] = []
    link_of(bot).report = told.append
    hear(bot, said((OTHER, 3), (QUIET, 1.2)))
    assert model.calls > 2
    assert [str(error) for error in told] == ["deaf"]
    model.fails = False
    hear(bot, said((OTHER, 0.6), (QUIET, 1.2)))
    assert bot.state.stop_word_detected


def test_a_recogniser_that_hangs_holds_up_no_audio_and_no_other_connection() -> None:
    model = Hanging()
    bot = handler([], model)
    audio = said((OTHER, 40), (QUIET, 1.2))
    try:
        for start in range(0, audio.size, FRAME):
            bot.receive((RATE, audio[start : start + FRAME].reshape(1, -1)))
        assert model.begun.wait(PATIENCE_S)
        assert len(link_of(bot).conversation._spotter._audio) <= 30 * RATE
    finally:
        model.go.set()
        settle(bot)


def test_a_copy_has_the_same_arguments() -> None:
    model = Levels()
    bot = ReplyOnStopWords(lambda audio: iter([]), ["hey you"], stt_model=model)
    bot.stop_words = ["computer"]
    copy = bot.copy().copy()
    assert type(copy) is ReplyOnStopWords
    assert (copy.stop_words, copy.stt_model) == (["computer"], model)
    assert copy.state is not bot.state


class TestFollowingTheAudio:
    """With Silero, and what people recorded."""

    pytestmark = pytest.mark.external("recorded-voices")

    @pytest.fixture
    def got(self) -> list[Any]:
        return []

    @pytest.fixture
    def bot(self, got: list[Any]) -> ReplyOnStopWords:
        def reply(audio):
            got.append(audio)
            yield 24_000, np.zeros((1, 480), np.int16)

        stop_words = ["Monday!", "January"]
        return ReplyOnStopWords(reply, stop_words, stt_model="pocketsphinx").copy()

    @pytest.mark.parametrize("gap", [0.0, 0.5, 3.0])
    @pytest.mark.parametrize("prompt", ["digits/day-1", "digits/mon-0"])
    def test_a_recorded_voice_says_them(self, bot, got, prompt: str, gap: float) -> None:
        question = recorded_prompt("hello-world")
        parts = [level(0, 0.5), recorded_prompt(prompt), level(0, gap), question, level(0, 1.5)]
        hear(bot, np.concatenate(parts))
        assert len(replies(bot)) == 1
        [(rate, samples)] = got
        assert rate == RATE
        # nothing of the stop words, and all of the question
        assert (
            get_stt_model("pocketsphinx", words=["Monday!", "January"], words_only=False).stt(
                (rate, samples)
            )
            == ""
        )
        loud = np.flatnonzero(np.abs(question.astype(int)) > 2000)
        needed = question[loud[0] : loud[-1]]
        likeness = np.correlate(samples[0, ::6].astype(float), needed[::6].astype(float), "valid")
        assert likeness.max() > 0.98 * (needed[::6].astype(float) ** 2).sum()

    @pytest.mark.parametrize(
        "prompt", ["hello-world", "vm-goodbye", "digits/mon-9", "digits/mon-5", "digits/day-3"]
    )
    def test_a_recorded_voice_says_something_else(self, bot, prompt: str) -> None:
        messages = Messages(bot)
        hear(bot, np.concatenate([level(0, 0.5), recorded_prompt(prompt), level(0, 1.5)]))
        assert not bot.event.is_set()
        assert messages() == []

    def test_stereo_goes_to_the_function_as_it_came(self) -> None:
        got: list[Any] = []
        bot = ReplyOnStopWords(
            lambda audio: iter([got.append(audio)]),
            ["monday"],
            expected_layout="stereo",
            stt_model="pocketsphinx",
        )
        mono = np.concatenate(
            [recorded_prompt("digits/day-1"), level(0, 0.5), recorded_prompt("hello-world")]
        )
        hear(bot, np.repeat(np.concatenate([mono, level(0, 1.5)]), 2))
        replies(bot)
        [(_, samples)] = got
        assert np.array_equal(samples[0, ::2], samples[0, 1::2])


@pytest.mark.external("recorded-voices")
async def test_in_a_conversation() -> None:
    got: list[Any] = []

    def reply(audio):
        got.append(audio)
        yield 24_000, tone(1.0)[np.newaxis, ::2]

    handler = ReplyOnStopWords(reply, ["monday"], stt_model="pocketsphinx")
    async with Call(Stream(handler, modality="audio", mode="send-receive")) as call:
        for prompt in ("digits/day-1", "hello-world"):
            await call.say((RATE, recorded_prompt(prompt)))
        await call.reply()
        await call.finish()
    kinds = [message["data"] or message["type"] for message in call.messages]
    assert kinds.index("stopword") < kinds.index("response_starting")
    assert len(got) == 1 and call.turns[1].reply_ends_s < inf
