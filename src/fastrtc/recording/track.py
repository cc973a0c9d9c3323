"""Samples of one side by position. No I/O, no clock."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["NOWHERE", "RATE", "SampleTrack"]

RATE = 48_000
"""Sample rate of a recording in Hz: that of Opus."""

NOWHERE = -(1 << 60)
"""A position before all others."""

MAX_AHEAD = 120 * RATE
"""How far ahead of what was read samples may be, in samples; what is further ahead is dropped."""


class SampleTrack:
    """Mono samples at ``RATE``, placed at positions and read from the beginning to the end.

    Positions are samples since the recording began. What was not placed is silence.

    Attributes:
        read_to: The position up to which samples were read; none can be placed before it.
        end: The position after the last sample that was placed.
    """

    def __init__(self) -> None:
        self._samples = np.zeros(2 * RATE, np.int16)
        self.read_to = 0
        self.end = 0

    def place(self, position: int, samples: NDArray[np.int16]) -> None:
        """Place samples, shape ``(n,)``; those before ``read_to`` are dropped."""
        if position < self.read_to:
            samples, position = samples[self.read_to - position :], self.read_to
        start = position - self.read_to
        stop = start + len(samples)
        if not len(samples) or stop > MAX_AHEAD:
            return
        if stop > len(self._samples):
            grown = np.zeros(max(stop, 2 * len(self._samples)), np.int16)
            grown[: len(self._samples)] = self._samples
            self._samples = grown
        self._samples[start:stop] = samples
        self.end = max(self.end, position + len(samples))

    def cut(self, position: int) -> NDArray[np.int16]:
        """Remove all samples from a position on, and return them."""
        position = max(position, self.read_to)
        start, stop = position - self.read_to, self.end - self.read_to
        if stop <= start:
            return np.zeros(0, np.int16)
        removed = self._samples[start:stop].copy()
        self._samples[start:stop] = 0
        self.end = position
        return removed

    def read(self, position: int) -> NDArray[np.int16]:
        """Return the samples up to a position, shape ``(n,)``, and forget them."""
        n = max(0, position - self.read_to)
        samples = np.zeros(n, np.int16)
        held = min(n, len(self._samples), max(0, self.end - self.read_to))
        samples[:held] = self._samples[:held]
        rest = max(0, self.end - self.read_to - held)
        self._samples[:rest] = self._samples[held : held + rest]
        self._samples[rest : rest + held] = 0
        self.read_to += n
        return samples
