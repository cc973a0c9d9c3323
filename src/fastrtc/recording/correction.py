"""Audio made shorter or longer, so that its position approaches the right one. No I/O, no clock."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["PositionCorrection"]

BLOCK_S = 0.02
"""How much is corrected at a time, in seconds."""

CORRECT_FROM_S, CORRECT_TO_S = 0.003, 0.0005
"""From which error on a position is corrected, and up to which, in seconds."""

MAX_STRETCH = 0.005
"""By how much audio that is not quiet is stretched or compressed to correct its position: not
audible, and 50 times as much as clocks differ."""

JUMP_S = 0.04
"""A larger error of audio that comes too early is corrected by silence, in seconds."""

QUIET = 100
"""Up to this level of ``int16`` audio may be dropped or silence inserted: -50 dB of full scale."""


class PositionCorrection:
    """Correct the position of one side: in its pauses, or by a stretch that is not audible.

    Args:
        rate: The sample rate in Hz.
        kept_pause_s: How much of a pause is kept when a delay is made up in it, in seconds.
    """

    def __init__(self, rate: int, kept_pause_s: float) -> None:
        self._rate = rate
        self._kept_pause = round(kept_pause_s * rate)
        self._block = round(BLOCK_S * rate)
        self._correcting = False
        self._quiet = 0  # samples

    def begin(self) -> None:
        """Begin a new stretch of audio, whose position is right."""
        self._correcting = False
        self._quiet = 0

    def correct(
        self, samples: NDArray[np.int16], error_s: float, *, exactly: bool = False
    ) -> NDArray[np.int16]:
        """Return audio, shape ``(n,)``, that is longer or shorter if its position is wrong.

        Args:
            samples: The audio, shape ``(n,)``.
            error_s: By how much it must move, in seconds; negative if it is placed too late.
            exactly: Whether to correct any error, to the sample.
        """
        limit_s = CORRECT_TO_S if self._correcting else CORRECT_FROM_S
        self._correcting = abs(error_s) > (0.5 / self._rate if exactly else limit_s)
        if not self._correcting:
            self._quiet = 0
            return samples
        blocks = []
        for start in range(0, len(samples), self._block):
            block = samples[start : start + self._block]
            blocks.append(self._corrected(block, error_s))
            error_s -= (len(blocks[-1]) - len(block)) / self._rate
        return np.concatenate(blocks) if blocks else samples

    def _corrected(self, samples: NDArray[np.int16], error_s: float) -> NDArray[np.int16]:
        n = len(samples)
        quiet = bool(np.abs(samples[::4]).max(initial=0) <= QUIET)
        self._quiet = self._quiet + n if quiet else 0
        due = round(error_s * self._rate)
        if not due or n < 2:
            return samples
        if quiet and (due > 0 or self._quiet > self._kept_pause):
            change = max(due, -n)
            return samples[: n + change] if change < 0 else np.pad(samples, (change, 0))
        if error_s > JUMP_S:
            return np.pad(samples, (due, 0))
        most = max(1, int(n * MAX_STRETCH))
        change = max(-most, min(due, most))
        at = np.linspace(0, n - 1, n + change)
        return np.interp(at, np.arange(n), samples).astype(np.int16)
