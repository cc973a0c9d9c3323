"""A handler pauses its audio and resumes it: the client hears all of it, and nothing twice."""

import asyncio
from typing import Any

import numpy as np

from fastrtc import AsyncStreamHandler
from fastrtc.handlers.link import link_of
from fastrtc.testing import Call

from .programs import audio_stream

RATE = 48_000
STORY_S = 2.0
PAUSES = ((0.5, 0.8), (1.0, 0.05), (0.2, 0.3))
"""How long after the last one, and for how long, in seconds."""


def story() -> Any:
    """Samples that say where they are from, none of them 0."""
    return (np.arange(round(STORY_S * RATE)) % 30_000 + 1).astype(np.int16)


class Storyteller(AsyncStreamHandler):
    """Tells its story once, and pauses."""

    def __init__(self) -> None:
        super().__init__(output_sample_rate=RATE)
        self.pauses = PAUSES
        self.left = [story()]

    async def start_up(self) -> None:
        link = link_of(self)
        for after_s, seconds in self.pauses:
            await asyncio.sleep(after_s)
            link.pause()
            await asyncio.sleep(seconds)
            link.resume()

    async def receive(self, frame: Any) -> None:
        pass

    async def emit(self) -> Any:
        return (RATE, self.left.pop()) if self.left else None

    def copy(self) -> "Storyteller":
        return Storyteller()


async def test_over_memory() -> None:
    async with Call(audio_stream(Storyteller())) as call:
        await call.wait(6)
    heard = call._caller.heard.samples
    assert np.array_equal(heard[heard != 0], story())
    gaps_s = np.diff(np.flatnonzero(heard)) / RATE
    assert gaps_s[gaps_s > 0.1].round(1).tolist() == [0.8, 0.3]
