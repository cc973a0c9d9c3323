"""What demos say, with espeak or from a recording, known when it is heard in a browser."""

import asyncio

import numpy as np
from numpy.typing import NDArray

from fastrtc import get_tts_model
from fastrtc.audio.resample import StreamResampler
from tests.demos.running import PATIENCE, DemoTab
from tests.support.speech import find_in, trimmed

__all__ = ["espeak", "hears", "hears_sound"]

PIECE = 9_600  # samples: 200 ms. The browser stretches and shortens speech here and there
LIKENESS = 0.75  # of a piece; of 200 ms of another sentence at most 0.63 was seen
SHARE = 1 / 3  # of the pieces: a busy machine spoils many, and of another sentence none is heard
LAST_S = 10.0  # s of what was heard that are looked at


def espeak(text: str) -> NDArray[np.int16]:
    """The text as it is spoken: mono, 48 kHz, shape `(n,)`."""
    rate, samples = get_tts_model("espeak").tts(text)
    resampler = StreamResampler(rate, 48_000)
    planar = samples.reshape(1, -1)
    return np.concatenate((resampler.process(planar), resampler.flush()), axis=1)[0]


async def hears(page: DemoTab, text: str) -> None:
    """Wait until a text was heard."""
    await hears_sound(page, espeak(text), repr(text))


async def hears_sound(page: DemoTab, spoken: NDArray[np.int16], name: str = "it") -> None:
    """Wait until a sound (48 kHz) that no microphone has changed was heard."""
    spoken = trimmed(spoken)
    pieces = [spoken[at : at + PIECE] for at in range(0, spoken.size - PIECE + 1, PIECE)]
    missing = pieces
    for _ in range(PATIENCE // 1000):
        heard = await page.heard(LAST_S)
        missing = [one for one in missing if find_in(heard, one).likeness < LIKENESS]
        if len(missing) <= (1 - SHARE) * len(pieces):
            return
        await asyncio.sleep(1.0)
    raise AssertionError(f"{len(missing)} of {len(pieces)} pieces of {name} were not heard")
