"""Gradual changes of volume. No I/O, no clock."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["Fader"]

RAMP_S = 0.02
"""How long a change between silence and full volume takes, in seconds: shorter is a click."""


class Fader:
    """Scale a stream of audio; a new volume is reached in a ramp.

    Attributes:
        idle: Whether samples are not changed.
    """

    def __init__(self) -> None:
        self._gain = self._target = 1.0
        self.idle = True

    def lower_by(self, db: float) -> None:
        """Change the volume of the samples that follow.

        Args:
            db: By how many decibels it is lower than that of the input; 0 for no change.
        """
        self._target = 10 ** (-db / 20)
        self.idle = self._gain == self._target == 1.0

    def reset(self) -> None:
        """Return to the volume of the input at once: other audio follows."""
        self._gain = self._target = 1.0
        self.idle = True

    def apply(self, samples: NDArray[np.int16], rate: int) -> NDArray[np.int16]:
        """Return the next samples, scaled; unchanged ones are not copied.

        Args:
            samples: Shape ``(channels, n)``.
            rate: Sample rate in Hz.
        """
        gain, target = self._gain, self._target
        if self.idle:
            return samples
        if gain == target:
            return _scaled(samples, gain)
        step = 1 / (RAMP_S * rate)
        ramp = gain + np.copysign(step, target - gain) * np.arange(1, samples.shape[1] + 1)
        gains = np.clip(ramp, min(gain, target), max(gain, target))
        self._gain = float(gains[-1]) if gains.size else gain
        self.idle = self._gain == target == 1.0
        return _scaled(samples, gains)


def _scaled(samples: NDArray[np.int16], gains: float | NDArray[np.float64]) -> NDArray[np.int16]:
    scaled: NDArray[np.int16] = np.rint(samples * gains).astype(np.int16)
    return scaled
