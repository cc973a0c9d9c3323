"""Audio in steps of 0.1 s, each with a frequency of its own, to see what of it was heard."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["STEP_S", "assert_whole", "steps_in", "stepped"]

STEP_S = 0.1
LOWEST_HZ, APART_HZ = 400.0, 40.0
MAX_STEPS = 100
WINDOW_S = 0.04
LOUD = 1000


def stepped(rate: int, count: int) -> NDArray[np.int16]:
    """Return audio of *count* steps, shape ``(n,)``; frequencies repeat after 100 steps."""
    steps = np.arange(round(count * STEP_S * rate)) // round(STEP_S * rate)
    hertz = LOWEST_HZ + APART_HZ * (steps % MAX_STEPS)
    phase = 2 * np.pi * np.cumsum(hertz) / rate
    return (8000 * np.sin(phase)).astype(np.int16)


def steps_in(rate: int, samples: NDArray[np.int16]) -> list[int]:
    """Return the steps that are heard, in order, without repetitions of the same one."""
    size = round(WINDOW_S * rate)
    found: list[int] = []
    candidates: list[int] = []
    for start in range(0, len(samples) - size, size // 4):
        window = samples[start : start + size].astype(np.float64)
        if np.abs(window).max() < LOUD:
            candidates = []
            continue
        spectrum = np.abs(np.fft.rfft(window * np.hanning(size), 8 * size))
        hertz = np.argmax(spectrum) * rate / (8 * size)
        step, off = divmod((hertz - LOWEST_HZ) / APART_HZ + 0.5, 1)
        if abs(off - 0.5) > 0.3 or step < 0:
            continue
        candidates.append(int(step))
        sure = len(candidates) > 1 and candidates[-1] == candidates[-2]
        if sure and (not found or found[-1] % MAX_STEPS != int(step)):
            found.append(int(step))
    return found


def assert_whole(steps: list[int]) -> None:
    """Check that steps follow each other; a machine that stalls may cost one of them."""
    jumps = np.diff(steps)
    assert set(jumps) <= {1, 2} and (jumps == 2).sum() <= 1, steps
