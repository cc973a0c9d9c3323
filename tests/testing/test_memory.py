"""Calls over memory: the real session, turns and playout, in virtual time."""

import asyncio
import queue
import threading
import time
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from math import inf
from typing import Any

import numpy as np
import pytest

from fastrtc import (
    AdditionalOutputs,
    AlgoOptions,
    AsyncStreamHandler,
    CloseStream,
    ReplyOnPause,
    ReplyOnStopWords,
    Stream,
    StreamHandler,
    get_current_context,
)
from fastrtc.server.endpoint import endpoint_of
from fastrtc.testing import Call, CallFailed
from tests.support.models import Energy

from .programs import RATE, Tones, Words, audio_stream, replying, tone

STORY_S = 10.0


def story(audio: Any) -> Iterator[Any]:
    for _ in range(round(STORY_S / 0.5)):
        yield RATE, tone(0.5)


async def async_story(audio: Any) -> AsyncIterator[Any]:
    for _ in range(round(STORY_S / 0.5)):
        yield RATE, tone(0.5)


def slow_story(audio: Any) -> Iterator[Any]:
    for _ in range(round(STORY_S / 0.5)):
        time.sleep(0.3)
        yield RATE, tone(0.5)


async def story_of_a_thread(audio: Any) -> AsyncIterator[Any]:
    for _ in range(round(STORY_S / 0.5)):
        await asyncio.to_thread(time.sleep, 0.2)
        yield RATE, tone(0.5)


def story_of_threads(audio: Any) -> Iterator[Any]:
    """Four threads sleep for the same time, and speak at the same time."""
    said: queue.Queue[Any] = queue.Queue()

    def speak(frequency: float) -> None:
        for _ in range(25):
            time.sleep(0.1)
            said.put((RATE, tone(0.1, frequency)))

    with ThreadPoolExecutor(4) as pool:
        for number in range(4):
            pool.submit(speak, 300.0 + 100 * number)
        for _ in range(100):
            yield said.get()


def story_that_computes(audio: Any) -> Iterator[Any]:
    for _ in range(round(STORY_S / 0.5)):
        began, samples = time.thread_time(), tone(0.5)
        while time.thread_time() - began < 0.02:
            np.fft.rfft(samples)
        yield RATE, samples


def repeat(audio: Any) -> Iterator[Any]:
    yield audio


class Echo(StreamHandler):
    """A sync handler whose `emit` blocks, as many programs have it."""

    def __init__(self) -> None:
        super().__init__(input_sample_rate=RATE)
        self.queue: queue.Queue[Any] = queue.Queue()

    def receive(self, frame: Any) -> None:
        self.queue.put(frame)

    def emit(self) -> Any:
        return self.queue.get()

    def copy(self) -> "Echo":
        return Echo()


class AsyncEcho(AsyncStreamHandler):
    def __init__(self) -> None:
        super().__init__(input_sample_rate=RATE)
        self.queue: asyncio.Queue[Any] = asyncio.Queue()

    async def receive(self, frame: Any) -> None:
        await self.queue.put(frame)

    async def emit(self) -> Any:
        return await self.queue.get()

    def copy(self) -> "AsyncEcho":
        return AsyncEcho()


async def interrupted(stream: Stream, **options: Any) -> Call:
    async with Call(stream, voice=Tones(), **options) as call:
        await call.say("one two three")
        reply = await call.reply()
        await call.say("two two", at=reply.starts_s + 2)
        await call.finish()
    return call


@pytest.mark.parametrize("fn", [story, async_story, slow_story])
async def test_a_caller_interrupts(fn: Any) -> None:
    began = time.monotonic()
    call = await interrupted(replying(fn))
    first, second = call.turns
    assert 0.1 < first.latency_s < 1
    assert first.interrupted and 0.1 < first.stopped_after_s < 0.5
    assert second.starts_s == pytest.approx(first.reply_starts_s + 2, abs=0.001)
    assert second.reply_ends_s - second.reply_starts_s == pytest.approx(STORY_S, rel=0.01)
    assert not second.interrupted
    assert time.monotonic() - began < 13  # of 14 s; usually less than half a second


STORIES = [
    *[story, async_story, slow_story, repeat],
    *[story_of_a_thread, story_of_threads, story_that_computes],
]


@pytest.mark.parametrize("fn", STORIES)
async def test_each_run_is_the_same_to_the_sample(fn: Any) -> None:
    runs = [await interrupted(replying(fn)) for _ in range(5)]
    heard = [call._caller.heard.samples for call in runs]
    assert all(np.array_equal(heard[0], other) for other in heard[1:])
    assert len({call.timeline() for call in runs}) == 1


async def test_a_pool_of_threads_that_is_older_than_the_call() -> None:
    with ThreadPoolExecutor(1) as pool:

        def fn(audio: Any) -> Iterator[Any]:
            for _ in range(round(STORY_S / 0.5)):
                yield RATE, pool.submit(tone, 0.5).result()

        one, other = [await interrupted(replying(fn)) for _ in range(2)]
        assert pool.submit(int).result() == 0
    assert np.array_equal(one._caller.heard.samples, other._caller.heard.samples)


async def test_calls_at_the_same_time_have_clocks_of_their_own() -> None:
    stream = replying(story)
    one, other = await asyncio.gather(interrupted(stream), interrupted(stream))
    assert np.array_equal(one._caller.heard.samples, other._caller.heard.samples)


@pytest.mark.parametrize("handler", [Echo, AsyncEcho])
async def test_an_echo(handler: Any) -> None:
    began = time.monotonic()
    async with Call(audio_stream(handler()), voice=Tones(), ears=Words()) as call:
        await call.say("one two three zero")
        await call.wait(30)
    (turn,) = call.turns
    assert turn.heard == "one two three zero"
    assert 0 < turn.reply_starts_s - turn.starts_s < 0.2
    assert time.monotonic() - began < 25  # of 31 s


async def test_what_the_program_hears_and_the_caller_hears() -> None:
    async with Call(replying(repeat), voice=Tones(), ears=Words()) as call:
        for said in ("one", "two three zero"):
            await call.say(said)
            await call.finish()
    assert [turn.said for turn in call.turns] == ["one", "two three zero"]
    assert [turn.heard for turn in call.turns] == ["one", "two three zero"]
    assert call.messages[0] == {"type": "log", "data": "started_talking"}


async def test_a_greeting() -> None:
    def greet() -> Iterator[Any]:
        yield RATE, tone(0.5)

    async with Call(replying(repeat, startup_fn=greet), voice=Tones()) as call:
        assert (await call.reply()).starts_s < 0.2
        await call.finish()
        await call.say("one")
        await call.finish()
    greeting, first = call.turns
    assert greeting.said == "" and greeting.reply_ends_s == pytest.approx(0.54, abs=0.1)
    assert first.said == "one" and first.latency_s < 1


async def test_inputs_and_outputs() -> None:
    def fn(audio: Any, name: str, times: int) -> Iterator[Any]:
        yield AdditionalOutputs(name, times)
        yield RATE, tone(0.1 * times)

    async with Call(replying(fn), voice=Tones()) as call:
        call.inputs("Ada", 5)
        await call.say("one")
        await call.finish()
        call.inputs("Ada", 3)
        await call.say("one")
        await call.finish()
    assert call.outputs == [("Ada", 5), ("Ada", 3)]
    assert [round(t.reply_ends_s - t.reply_starts_s, 1) for t in call.turns] == [0.5, 0.3]
    assert {"type": "send_input", "data": []} in call.messages


async def test_a_function_in_receive_mode_starts_with_its_inputs() -> None:
    def count(times: int) -> Iterator[Any]:
        for _ in range(times):
            yield RATE, tone(0.5)

    stream = Stream(count, modality="audio", mode="receive")
    async with Call(stream) as call:
        call.inputs(4)
        await call.finish()
    (turn,) = call.turns
    assert turn.reply_ends_s - turn.reply_starts_s == pytest.approx(2, abs=0.01)


async def test_stop_words() -> None:
    algo = AlgoOptions(audio_chunk_duration=0.2, started_talking_threshold=0.1)
    handler = ReplyOnStopWords(
        repeat, ["one two"], algo_options=algo, model=Energy(), stt_model=Words()
    )
    async with Call(audio_stream(handler), voice=Tones(), ears=Words()) as call:
        await call.say("three")
        await call.finish(limit_s=3)
        await call.say("one two")
        await call.wait(0.5)
        await call.say("zero three")
        await call.finish()
    assert {"type": "stopword", "data": ""} in call.messages
    assert [turn.heard for turn in call.turns] == ["", "", "zero three"]


async def test_keys() -> None:
    class Menu(ReplyOnPause):
        def receive_dtmf(self, digit: str) -> None:
            pressed.append(digit)

    pressed: list[str] = []
    stream = replying(repeat)
    handler = stream.event_handler
    stream.event_handler = Menu(repeat, model=handler.model)  # type: ignore[union-attr]
    async with Call(stream) as call:
        for digit in "1*#":
            await call.press(digit)
        await call.wait(0.1)
        with pytest.raises(CallFailed, match="no key 'x'"):
            await call.press("x")
    assert pressed == ["1", "*", "#"]


async def test_messages_of_the_program_and_its_context() -> None:
    seen: list[str] = []

    class Talker(AsyncEcho):
        async def start_up(self) -> None:
            seen.append(get_current_context().webrtc_id)
            await self.send_message('{"type": "hello", "data": "world"}')
            await self.send_message("not JSON")

        def copy(self) -> "Talker":
            return Talker()

    stream = audio_stream(Talker())
    async with Call(stream) as call:
        await call.wait(0.1)
        assert list(stream.connections) == seen
    assert not stream.connections
    assert call.messages == [
        {"type": "hello", "data": "world"},
        {"type": "text", "data": "not JSON"},
    ]


async def test_the_program_ends_the_call() -> None:
    def fn(audio: Any) -> Iterator[Any]:
        yield RATE, tone(0.5)
        yield CloseStream("Goodbye")

    async with Call(replying(fn), voice=Tones()) as call:
        await call.say("one")
        await call.finish()
        with pytest.raises(CallFailed, match="ended the call: Goodbye"):
            await call.say("two")
    assert call.turns[0].reply_ends_s - call.turns[0].reply_starts_s == pytest.approx(0.5, abs=0.01)


async def test_the_time_limit_is_virtual() -> None:
    stream = replying(repeat)
    stream.time_limit = 100
    async with Call(stream) as call:
        with pytest.raises(CallFailed, match="Time limit reached"):
            await call.wait(1000)


async def test_shutdown_runs_once() -> None:
    ended: list[float] = []

    class Ending(AsyncEcho):
        def shutdown(self) -> None:
            ended.append(time.monotonic())

        def copy(self) -> "Ending":
            return Ending()

    async with Call(audio_stream(Ending())) as call:
        await call.wait(1)
        await call.hang_up()
        await call.hang_up()
        with pytest.raises(CallFailed, match="not open"):
            await call.say((RATE, tone(0.1)))
    assert len(ended) == 1


@pytest.mark.parametrize(
    ("faults", "latency_s"),
    [
        ({"loss": 0.05}, 1.0),
        ({"jitter_ms": 40.0}, 1.0),
        ({"reorder": 0.1}, 1.0),
        ({"loss": 0.1, "jitter_ms": 30.0, "reorder": 0.1, "noise_db": -50}, 1.0),
    ],
)
async def test_faults_of_the_network(faults: Any, latency_s: float) -> None:
    async with Call(replying(repeat), voice=Tones(), ears=Words(), **faults) as call:
        await call.say("one two three zero one two")
        await call.finish()
    (turn,) = call.turns
    assert 0 < turn.latency_s < latency_s
    assert turn.heard == "one two three zero one two"


async def test_an_outage_ends_what_the_program_hears() -> None:
    def fn(audio: Any) -> Iterator[Any]:
        yield AdditionalOutputs(audio[1].shape[1] / audio[0])

    async with Call(replying(fn), voice=Tones(), outage=(0.5, 5.0)) as call:
        await call.say("one two three zero")
        await call.wait(10)
    assert call.outputs == [(pytest.approx(0.5, abs=0.3),)]


async def test_refusals() -> None:
    stream = replying(repeat)
    stream.concurrency_limit = 1
    async with Call(stream):
        with pytest.raises(CallFailed, match="concurrency_limit_reached"):
            await Call(stream).__aenter__()
    async with Call(stream):
        pass


async def test_a_stream_whose_server_has_stopped() -> None:
    stream = replying(repeat)
    endpoint = endpoint_of(stream)
    await endpoint.stop()
    assert endpoint.places.stopping
    async with Call(stream) as call:
        await call.wait(1)


async def test_a_stream_without_audio_is_refused() -> None:
    stream = Stream(lambda frame: frame, modality="video", mode="send-receive")
    with pytest.raises(CallFailed, match="no audio"):
        await Call(stream).__aenter__()


async def test_a_handler_that_cannot_be_copied() -> None:
    class Broken(AsyncEcho):
        def copy(self) -> "Broken":
            raise ValueError("no more of these")

    with pytest.raises(ValueError, match="no more of these"):
        await Call(audio_stream(Broken())).__aenter__()


async def test_a_blocked_thread_takes_no_time_of_others() -> None:
    """A handler that waits in a queue without a limit does not slow the clock down."""
    began, forever = time.monotonic(), threading.Event()

    class Blocks(Echo):
        def start_up(self) -> None:
            forever.wait()

        def shutdown(self) -> None:
            forever.set()

        def copy(self) -> "Blocks":
            return Blocks()

    async with Call(audio_stream(Blocks()), voice=Tones()) as call:
        await call.say("one")
        await call.wait(60)
    assert call.turns[0].reply_starts_s < inf
    assert time.monotonic() - began < 50  # of 60 s
