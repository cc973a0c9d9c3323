"""Samples of one side by position. No I/O, no clock."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["NOWHERE", "RATE", "Block", "SampleTrack"]

RATE = 48_000
"""Sample rate of a recording in Hz: that of Opus, which needs no resampling of lower ones."""


class Block(NamedTuple):
    """Audio of both sides.

    Attributes:
        received: What was received, shape ``(n,)``.
        played: What was played.
        rates: The sample rates of both, in Hz; they divide ``RATE``.
    """

    received: NDArray[np.int16]
    played: NDArray[np.int16]
    rates: tuple[int, int] = (RATE, RATE)


NOWHERE = -(1 << 60)
"""A position before all others."""

MAX_AHEAD_S = 120.0
"""How far ahead of what was read samples may be, in seconds; what is further ahead is dropped."""


class SampleTrack:
    """Mono samples, placed at positions and read from the beginning to the end.

    Positions are samples since the recording began. What was not placed is silence.

    Args:
        rate: The sample rate in Hz.

    Attributes:
        rate: The present rate.
        read_to: The position up to which samples were read; none can be placed before it.
        end: The position after the last sample that was placed.
    """

    def __init__(self, rate: int = RATE) -> None:
        self.rate = rate
        self._most_ahead = round(MAX_AHEAD_S * rate)
        self._samples = np.zeros(2 * rate, np.int16)
        self.read_to = 0
        self.end = 0

    def place(self, position: int, samples: NDArray[np.int16]) -> None:
        """Place samples, shape ``(n,)``; those before ``read_to`` are dropped."""
        if position < self.read_to:
            samples, position = samples[self.read_to - position :], self.read_to
        start = position - self.read_to
        stop = start + len(samples)
        if not len(samples) or stop > self._most_ahead:
            return
        if stop > len(self._samples):
            grown = np.zeros(max(stop, 2 * len(self._samples)), np.int16)
            grown[: len(self._samples)] = self._samples
            self._samples = grown
        self._samples[start:stop] = samples
        self.end = max(self.end, position + len(samples))

    def raise_rate(self, rate: int) -> None:
        """Change the rate, and all positions, to a multiple of it."""
        factor = rate // self.rate
        self.rate, self._most_ahead = rate, self._most_ahead * factor
        self.read_to, self.end = self.read_to * factor, self.end * factor
        self._samples = np.repeat(self._samples, factor)

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
        if not held:
            self.read_to += n
            return samples
        samples[:held] = self._samples[:held]
        rest = max(0, self.end - self.read_to - held)
        self._samples[:rest] = self._samples[held : held + rest]
        self._samples[rest : rest + held] = 0
        self.read_to += n
        return samples
