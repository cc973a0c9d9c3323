"""Lost audio, filled so that the gap does not click."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["PacketLossConcealment"]

FADE_IN_S = 0.005
"""How long the audio after a gap takes to its full level, in seconds."""


class PacketLossConcealment:
    """Fills the gaps that lost packets leave.

    A gap goes on as the audio before it ended, played backwards and fading into silence
    within one packet; the audio after it fades in. So neither end is a step, which would
    click, and a word that lost 20 ms is still understood.
    """

    def __init__(self) -> None:
        self._last: NDArray[np.int16] | None = None

    def fill(self, rate: int, samples: NDArray[np.int16], gap: int) -> NDArray[np.int16]:
        """Take the audio of a packet, and give it with the gap before it filled.

        Args:
            rate: The sample rate in Hz.
            samples: Shape ``(channels, n)``; kept until the next call.
            gap: How many samples are missing before it; without any it is given as it is.
        """
        last, self._last = self._last, samples
        if not gap:
            return samples
        filled = np.zeros((samples.shape[0], gap + samples.shape[1]), np.int16)
        if last is not None and last.shape[0] == samples.shape[0]:
            size = min(gap, last.shape[1])
            fading = np.linspace(1, 0, size, endpoint=False)
            filled[:, :size] = last[:, : -size - 1 : -1] * fading
        filled[:, gap:] = samples
        size = min(round(FADE_IN_S * rate), samples.shape[1])
        filled[:, gap : gap + size] = samples[:, :size] * np.linspace(0, 1, size, endpoint=False)
        return filled
