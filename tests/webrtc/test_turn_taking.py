"""Somebody speaks, pauses, is answered and interrupts, over a connection of two real peers."""

import asyncio
import contextlib
import threading
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import numpy as np
import pytest

from fastrtc import ReplyOnPause, Stream
from tests.support.peers import LOCAL, AudioSource, Client, eventually
from tests.support.speech import (
    NOISES,
    assert_whole,
    find_in,
    recorded_channel,
    recorded_prompt,
    spaced,
    speech,
    trimmed,
)
from tests.support.stalls import Stalls, again_after_a_stall

pytestmark = pytest.mark.external("espeak-ng", "recorded-voices")

RATE = 48_000
PAUSE = 1.1  # s between two utterances
TURN = ["started_talking", "pause_detected", "response_starting"]
SILENT_WITHIN = 2.0  # s from the onset of speech; 0.4 s on an idle machine


class Speaker(AudioSource):
    """A microphone that somebody speaks into now and then."""

    def say(self, *parts: float | np.ndarray) -> None:
        """Say something after what is still to be said, or else now."""
        waiting = max(0, self.sent - len(self.samples))
        self.samples = np.concatenate([self.samples, np.zeros(waiting, np.int16), spaced(*parts)])

    async def said(self) -> None:
        await eventually(lambda: self.sent >= len(self.samples))


class Heard:
    """A reply function that keeps what it gets and gives the replies that it has, in turn."""

    def __init__(self, *replies: np.ndarray) -> None:
        self.replies = list(replies)
        self.utterances: list[tuple[int, np.ndarray]] = []

    def __call__(self, audio: tuple[int, np.ndarray]) -> Iterator[Any]:
        self.utterances.append(audio)
        if self.replies:
            yield RATE, self.replies.pop(0)

    def assert_it_was(self, *said: np.ndarray) -> None:
        """Each utterance came once and whole, with its first and its last 100 ms."""
        for (rate, samples), spoken in zip(self.utterances, said, strict=True):
            assert rate == RATE
            assert samples.dtype == np.int16
            assert samples.ndim == 2
            assert samples.shape[0] == 1
            assert_whole(samples[0], spoken)


def espeak(text: str, voice: str = "en-us") -> np.ndarray:
    return trimmed(speech(text, voice=voice))


def prompt(name: str) -> np.ndarray:
    return trimmed(recorded_prompt(name))


def listening(fn: Any, *arguments: Any, **options: Any) -> Stream:
    return Stream(
        ReplyOnPause(fn, *arguments, **options),
        modality="audio",
        mode="send-receive",
        concurrency_limit=10,
        server_rtc_configuration=LOCAL,
    )


def logs(client: Client) -> list[str]:
    return [m["data"] for m in client.messages if m["type"] in ("log", "interrupted")]


async def logged(client: Client, what: str, times: int = 1) -> None:
    await eventually(lambda: logs(client).count(what) >= times)


async def fallen_silent(client: Client) -> float:
    """Wait until nothing was heard for 0.3 s; when the last sound was, on the loop's clock.

    Sleeps are counted, because a machine that stalls during a reply is no silence.
    """
    await eventually(lambda: client.loud(300))
    sleeps, before = 0, client.loud(300)
    while sleeps < 30:
        await asyncio.sleep(0.01)
        heard = client.loud(300)
        sleeps, before = (sleeps + 1 if len(heard) == len(before) else 0), heard
    return before[-1][0]


SAID = {
    "espeak-ng": lambda: [
        espeak("What is the weather like in Paris today?"),
        espeak("Yes.", "en-us+f3"),
        espeak("If you like, I will read it again.", "en-gb"),
    ],
    "telephone prompts": lambda: [
        prompt("hello-world"),
        prompt("vm-goodbye"),
        prompt("one-moment-please"),
    ],
    "loudspeaker test": lambda: [
        trimmed(recorded_channel("Front_Center")),
        trimmed(recorded_channel("Rear_Center")),
        trimmed(recorded_channel("Rear_Right")),
    ],
}


@pytest.mark.parametrize("voice", SAID)
@again_after_a_stall
async def test_each_utterance_comes_whole_and_once(voice: str) -> None:
    said = SAID[voice]()
    fn = Heard()
    microphone = Speaker(spaced(0.5, *(part for one in said for part in (one, PAUSE))))
    async with Client(listening(fn), audio=microphone) as client:
        await microphone.said()
        await eventually(lambda: len(fn.utterances) >= len(said))
    fn.assert_it_was(*said)
    assert logs(client) == TURN * len(said)


@again_after_a_stall
async def test_what_is_no_speech_triggers_nothing() -> None:
    """Word after noise: that nothing came before is known when the word has come."""
    word = prompt("hello")
    fn = Heard()
    stream = listening(fn)
    microphones = [Speaker(spaced(0.2, make(4.0), 0.7, word, PAUSE)) for make in NOISES.values()]
    async with contextlib.AsyncExitStack() as connections:
        clients = [
            await connections.enter_async_context(Client(stream, audio=one)) for one in microphones
        ]
        for client in clients:
            await logged(client, "response_starting")
    for noise, client in zip(NOISES, clients, strict=True):
        assert logs(client) == TURN, noise
    fn.assert_it_was(*[word] * len(NOISES))


class Talkative:
    """A reply that goes on for half a minute, made little by little as speech is."""

    def __init__(self) -> None:
        self.words = espeak("The old house at the end of the road had stood empty for many years")
        self.answer = espeak("All right.", "en-gb")
        self.utterances: list[tuple[int, np.ndarray]] = []
        self.closed = threading.Event()

    def pieces(self, audio: Any) -> Iterator[tuple[float, Any]]:
        """Seconds to wait, and what to say then; little, once it was interrupted."""
        self.utterances.append(audio)
        if len(self.utterances) > 1:
            yield 0.0, (RATE, self.answer)
            return
        words = np.tile(self.words, 8)
        for begin in range(0, words.size, RATE // 2):
            yield 0.3, (RATE, words[begin : begin + RATE // 2])

    def sync(self, audio: Any) -> Iterator[Any]:
        try:
            for seconds, piece in self.pieces(audio):
                time.sleep(seconds)
                yield piece
        except GeneratorExit:
            self.closed.set()
            raise

    async def asynchronous(self, audio: Any) -> AsyncIterator[Any]:
        try:
            for seconds, piece in self.pieces(audio):
                await asyncio.sleep(seconds)
                yield piece
        except (GeneratorExit, asyncio.CancelledError):
            self.closed.set()
            raise


@pytest.mark.parametrize("kind", ["sync", "asynchronous"])
@again_after_a_stall
async def test_speech_stops_the_reply_and_is_answered(kind: str) -> None:
    question, objection = espeak("Tell me about the house."), prompt("please-try-again")
    reply, played = Talkative(), []
    microphone = Speaker(spaced(0.5, question, PAUSE))
    stream = listening(getattr(reply, kind), on_interrupt=played.append)
    stalls = Stalls()
    stalls.watch()
    async with Client(stream, audio=microphone) as client:
        await eventually(lambda: len(client.loud()) > 50)
        began = client.loud()[0][0]
        assert "interrupted" not in logs(client)

        onset = asyncio.get_running_loop().time()
        microphone.say(objection, PAUSE)
        await logged(client, "interrupted")
        ended = await fallen_silent(client)
        stalls.end()
        print(f"silent {ended - onset:.2f} s after the onset of speech")
        assert ended - onset < SILENT_WITHIN + stalls.longest(onset, ended)
        await eventually(reply.closed.is_set)
        (seconds,) = played
        assert seconds == pytest.approx(ended - began, abs=1.0 + stalls.longest(began, ended))

        await eventually(lambda: find_in(client.heard(), reply.answer).likeness > 0.9)
    assert logs(client) == [*TURN, "started_talking", "interrupted", *TURN[1:]]
    check = Heard()
    check.utterances = reply.utterances
    check.assert_it_was(question, objection)


@again_after_a_stall
async def test_a_back_channel_leaves_the_reply_running() -> None:
    question, answer = prompt("hello-world"), espeak("The answer is rather long, as you can hear.")
    mhm = espeak("uh")[: round(0.15 * RATE)]
    fn = Heard(answer)
    microphone = Speaker(spaced(0.5, question, PAUSE))
    async with Client(listening(fn), audio=microphone) as client:
        await eventually(lambda: len(client.loud()) > 30)
        microphone.say(mhm, 0.7, mhm)
        await microphone.said()
        await fallen_silent(client)
    assert find_in(client.heard(), answer).likeness > 0.9
    assert logs(client) == TURN
    fn.assert_it_was(question)


@again_after_a_stall
async def test_without_interruptions_it_is_deaf_until_it_has_been_played() -> None:
    """All of the reply is given at once, and is played for long after that."""
    question, objection, thanks = prompt("hello"), prompt("im-sorry"), prompt("vm-goodbye")
    answer = espeak("The answer is rather long, and nobody can stop it until it is over.")
    fn = Heard(answer)
    microphone = Speaker(spaced(0.5, question, PAUSE))
    async with Client(listening(fn, can_interrupt=False), audio=microphone) as client:
        await eventually(lambda: len(client.loud()) > 20)
        microphone.say(objection)
        await microphone.said()
        await eventually(lambda: find_in(client.heard(), answer[-RATE // 2 :]).likeness > 0.9)
        await fallen_silent(client)
        assert logs(client) == TURN
        microphone.say(thanks, PAUSE)
        await logged(client, "response_starting", 2)
    assert find_in(client.heard(), answer).likeness > 0.9
    assert logs(client) == TURN * 2
    fn.assert_it_was(question, thanks)


@again_after_a_stall
async def test_an_exception_is_told_and_the_conversation_goes_on(errors: Any) -> None:
    first, second = prompt("hello-world"), prompt("vm-goodbye")
    fn, earlier = Heard(espeak("Here I am.")), len(errors())

    def once_bad(audio: Any) -> Iterator[Any]:
        if not fn.utterances:
            fn.utterances.append(audio)
            raise RuntimeError("the language model is asleep")
        yield from fn(audio)

    microphone = Speaker(spaced(0.5, first, PAUSE, second, PAUSE))
    async with Client(listening(once_bad), audio=microphone) as client:
        told = await client.message("error")
        assert "the language model is asleep" in told["message"]
        assert told["data"] == told["message"]
        await eventually(lambda: len(client.loud()) > 10)
        await fallen_silent(client)
    assert len(client.of_type("error")) == 1
    (error,) = errors()[earlier:]
    assert "the language model is asleep" in error.exc_text
    assert find_in(client.heard(), espeak("Here I am.")).likeness > 0.9
    fn.assert_it_was(first, second)


@again_after_a_stall
async def test_a_greeting_is_interrupted() -> None:
    fn, greeting, played = Heard(), Talkative(), []
    question = prompt("one-moment-please")
    microphone = Speaker()
    stream = listening(fn, lambda: greeting.sync(None), on_interrupt=played.append)
    async with Client(stream, audio=microphone) as client:
        await eventually(lambda: len(client.loud()) > 50)
        microphone.say(question, PAUSE)
        await logged(client, "interrupted")
        await fallen_silent(client)
        await eventually(greeting.closed.is_set)
        await logged(client, "response_starting", 2)  # the first is the greeting's
    assert len(played) == 1
    greeting = ["response_starting", "started_talking", "interrupted"]
    assert logs(client) == [*greeting, *TURN[1:]]
    fn.assert_it_was(question)
