"""A handler pauses its audio and resumes it: the caller hears all of it, and nothing twice."""

import asyncio
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from fastrtc import AsyncStreamHandler, Interruptions, ReplyOnPause, Stream
from fastrtc.audio.g711 import decode_mulaw
from fastrtc.handlers.link import link_of
from fastrtc.testing import Call
from tests.support.models import StreamingEnergy
from tests.support.stalls import again_after_a_stall

from .programs import audio_stream, tone

STORY_S = 2.0
BEFORE_S = 0.5
"""Time before the story, in which the test begins to record."""

PAUSES = ((0.5, 0.8), (1.0, 0.05), (0.2, 0.3))
"""How long after the last one, and for how long, in seconds."""


def counted() -> NDArray[np.int16]:
    """Samples at 48 kHz that say where they are from; none is 0."""
    return (np.arange(round(STORY_S * 48_000)) % 30_000 + 1).astype(np.int16)


def phone_noise() -> NDArray[np.int16]:
    """Samples at 8 kHz that mu-law encodes without a loss; none is 0."""
    codes = np.random.default_rng(0).choice([c for c in range(256) if c & 127 != 127], 16_000)
    return decode_mulaw(codes.astype(np.uint8).tobytes())


def sweep() -> NDArray[np.int16]:
    """A rising tone at 48 kHz, of which each part is recognized by correlation."""
    t = np.arange(round(STORY_S * 48_000)) / 48_000
    return (12_000 * np.sin(2 * np.pi * (300 * t + 600 * t**2))).astype(np.int16)


class Storyteller(AsyncStreamHandler):
    """Tells its story once, and pauses."""

    def __init__(self, rate: int, story: NDArray[np.int16]) -> None:
        super().__init__(output_sample_rate=rate)
        link_of(self).pauses = True
        self.story = story
        self.told = asyncio.Event()

    async def start_up(self) -> None:
        link = link_of(self)
        await asyncio.sleep(BEFORE_S)
        self.told.set()
        for after_s, seconds in PAUSES:
            await asyncio.sleep(after_s)
            link.pause()
            await asyncio.sleep(seconds)
            link.resume()

    async def receive(self, frame: Any) -> None:
        pass

    async def emit(self) -> Any:
        await self.told.wait()
        story, self.story = self.story, self.story[:0]
        if not len(story):
            await asyncio.sleep(1)
        return self.output_sample_rate, story

    def copy(self) -> "Storyteller":
        return Storyteller(self.output_sample_rate, self.story)


async def heard(over: Any, rate: int, story: NDArray[np.int16]) -> NDArray[np.int16]:
    """Return what the caller hears, as it arrives, without its silence."""
    async with Call(local(Storyteller(rate, story)), over) as call:
        chunks = recorded(call)
        await call.wait(BEFORE_S + STORY_S + sum(seconds for _, seconds in PAUSES) + 1)
    samples = np.concatenate(chunks)
    return samples[samples != 0]


async def heard_with_a_cough(over: Any, rate: int, story: NDArray[np.int16]) -> NDArray[np.int16]:
    """The same for a reply during which the caller coughs."""

    def reply(audio: Any) -> Iterator[Any]:
        yield rate, story

    handler = ReplyOnPause(
        reply,
        model=StreamingEnergy(),
        output_sample_rate=rate,
        interruptions=Interruptions(after_s=0.6, resume_after_s=0.5),
    )
    async with Call(local(handler), over) as call:
        chunks = recorded(call)
        await call.say((24_000, tone(0.6)))
        begun = await call.reply()
        await call.say((24_000, tone(0.15)), at=begun.starts_s + 0.7)
        await call.finish()
    samples = np.concatenate(chunks)
    assert call.turns[0].stopped_after_s < 1.0  # of 1.3 s
    return samples[samples != 0]


def local(handler: Any) -> Stream:
    stream = audio_stream(handler)
    stream.server_rtc_configuration = {"iceServers": []}
    return stream


def recorded(call: Call) -> list[NDArray[np.int16]]:
    """Collect the audio that is played to the caller."""
    chunks: list[NDArray[np.int16]] = []
    line = call._line
    play = line.on_audio

    def record(when_s: float, rate: int, samples: NDArray[np.int16]) -> None:
        chunks.append(samples)
        play(when_s, rate, samples)

    line.on_audio = record
    return chunks


SAID = pytest.mark.parametrize("say", [heard, heard_with_a_cough], ids=["paused", "coughed"])
"""The handler pauses by itself, or as the caller coughs."""


@SAID
async def test_over_memory(say: Any) -> None:
    assert np.array_equal(await say("memory", 48_000, counted()), counted())


@SAID
@again_after_a_stall
async def test_over_a_websocket(say: Any) -> None:
    assert np.array_equal(await say("websocket", 48_000, counted()), counted())


@SAID
@again_after_a_stall
async def test_over_the_telephone(say: Any) -> None:
    """On a busy machine frames are repeated; none without delay: see ``test_taking_back.py``.

    No more than a quarter of a second of them is: 12 frames of 20 ms.
    """
    story = phone_noise()
    frames = [chunk.tobytes() for chunk in story.reshape(-1, 160)]
    samples = await say("twilio", 8000, story)
    said = [frames.index(chunk.tobytes()) for chunk in samples.reshape(-1, 160)]
    assert sorted(set(said)) == list(range(len(frames)))
    back = [step for step in np.diff(said) if step != 1]
    assert len(back) <= len(PAUSES) and min(back, default=0) >= -12, said


@SAID
@again_after_a_stall
async def test_over_webrtc(say: Any) -> None:
    story = sweep().astype(float)
    samples = (await say("webrtc", 48_000, sweep())).astype(float)
    parts = samples[: len(samples) // 120 * 120].reshape(-1, 120)  # of 2.5 ms
    samples = parts[np.abs(parts).max(axis=1) > 6000].reshape(-1)  # the codec rings on
    size, places = 4800, []
    for start in range(0, len(story) - size, size):
        wanted = story[start : start + size]
        found = np.correlate(samples, wanted, "valid")
        places.append(int(np.argmax(found)) - start)
    steps = np.diff(places)
    assert np.abs(steps).max() < 720, places  # a frame has 960
    assert abs(places[-1] - places[0]) < 960
