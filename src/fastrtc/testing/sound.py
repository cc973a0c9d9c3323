"""When there is sound in audio: by its level, to the sample. No I/O, no clock."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["MIN_LEVEL", "PAUSE_S", "Sound", "SoundDetector", "find_sounds"]

MIN_LEVEL = 200
"""Samples of at least this absolute value are sound: -44 dB below full scale, more than the noise
that a codec adds, and less than any phone of speech at its loudest."""

PAUSE_S = 0.4
"""Pauses shorter than this, in seconds, are part of a sound: those of speech between words. A
program needs longer to answer, as its turn detection waits for a pause, too."""


class Sound(NamedTuple):
    """A stretch of sound.

    Attributes:
        start: The index of its first sample.
        end: The index after its last sample.
    """

    start: int
    end: int


class SoundDetector:
    """Find the stretches of sound in audio that arrives in chunks.

    Args:
        rate: Sample rate in Hz.
        pause_s: How long a pause separates two stretches, in seconds.

    Attributes:
        sounds: Those found so far, in order; the last one may still grow.
    """

    def __init__(self, rate: int, pause_s: float = PAUSE_S) -> None:
        self._pause = pause_s * rate
        self.sounds: list[Sound] = []

    def push(self, start: int, samples: NDArray[np.int16]) -> None:
        """Add a chunk.

        Args:
            start: The index of its first sample; after those of the chunk before.
            samples: Shape ``(n,)``.
        """
        if not samples.size or (samples.max() < MIN_LEVEL and samples.min() > -MIN_LEVEL):
            return
        loud = start + np.flatnonzero((samples >= MIN_LEVEL) | (samples <= -MIN_LEVEL))
        breaks = np.flatnonzero(np.diff(loud) > self._pause)
        starts = loud[np.concatenate(([0], breaks + 1))]
        ends = loud[np.concatenate((breaks, [loud.size - 1]))] + 1
        for first, end in zip(starts.tolist(), ends.tolist(), strict=True):
            if self.sounds and first - self.sounds[-1].end <= self._pause:
                self.sounds[-1] = Sound(self.sounds[-1].start, end)
            else:
                self.sounds.append(Sound(first, end))


def find_sounds(samples: NDArray[np.int16], rate: int, pause_s: float = PAUSE_S) -> list[Sound]:
    """Return the stretches of sound in audio; see ``SoundDetector``.

    Args:
        samples: Shape ``(n,)``.
        rate: Sample rate in Hz.
        pause_s: How long a pause separates two of them, in seconds.
    """
    detector = SoundDetector(rate, pause_s)
    detector.push(0, samples)
    return detector.sounds
