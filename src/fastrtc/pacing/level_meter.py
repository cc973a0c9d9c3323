"""The level of audio, for people who look at it."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

__all__ = ["LevelMeter"]

FULL_SCALE = 32768


class LevelMeter:
    """Measure the peak level of audio between two readings."""

    def __init__(self) -> None:
        self._peak: int | None = None

    def push(self, samples: NDArray[np.int16]) -> None:
        """Measure audio of any shape."""
        if samples.size:
            peak = max(int(samples.max()), -int(samples.min()))
            self._peak = peak if self._peak is None else max(self._peak, peak)

    def read(self) -> float | None:
        """Return the peak since the last reading in dB of full scale; None without audio.

        Digital silence is -90.3 dB, the level of the smallest sample.
        """
        peak, self._peak = self._peak, None
        return None if peak is None else 20 * math.log10(max(peak, 1) / FULL_SCALE)
