"""A handler pauses its audio and resumes it: the caller hears all of it, and nothing twice."""

import asyncio
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastrtc import AsyncStreamHandler
from fastrtc.audio.g711 import decode_mulaw
from fastrtc.handlers.link import link_of
from fastrtc.testing import Call

from .programs import audio_stream

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
    chunks: list[NDArray[np.int16]] = []
    stream = audio_stream(Storyteller(rate, story))
    stream.server_rtc_configuration = {"iceServers": []}
    async with Call(stream, over) as call:
        line = call._line
        play = line.on_audio

        def record(when_s: float, rate: int, samples: NDArray[np.int16]) -> None:
            chunks.append(samples)
            play(when_s, rate, samples)

        line.on_audio = record
        await call.wait(BEFORE_S + STORY_S + sum(seconds for _, seconds in PAUSES) + 1)
    samples = np.concatenate(chunks)
    return samples[samples != 0]


async def test_over_memory() -> None:
    assert np.array_equal(await heard("memory", 48_000, counted()), counted())


async def test_over_a_websocket() -> None:
    assert np.array_equal(await heard("websocket", 48_000, counted()), counted())


async def test_over_the_telephone() -> None:
    """On a busy machine frames are repeated; none without delay: see ``test_taking_back.py``."""
    story = phone_noise()
    frames = [chunk.tobytes() for chunk in story.reshape(-1, 160)]
    samples = await heard("twilio", 8000, story)
    said = [frames.index(chunk.tobytes()) for chunk in samples.reshape(-1, 160)]
    assert sorted(set(said)) == list(range(len(frames)))
    back = [step for step in np.diff(said) if step != 1]
    assert len(back) <= len(PAUSES) and min(back, default=0) >= -5, said


async def test_over_webrtc() -> None:
    story = sweep().astype(float)
    samples = (await heard("webrtc", 48_000, sweep())).astype(float)
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
