"""Packet loss concealment (PLC): fill gaps without clicks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["PacketLossConcealment"]

FADE_IN_S = 0.005
"""Length of the fade-in of the audio after a gap, in seconds."""


class PacketLossConcealment:
    """Fill the gaps of lost packets.

    A gap is filled with the preceding packet, reversed in time and faded out; the audio after the
    gap is faded in. Neither edge is a step, which would click, and a word with a gap of 20 ms
    remains intelligible.
    """

    def __init__(self) -> None:
        self._last: NDArray[np.int16] | None = None

    def fill(self, rate: int, samples: NDArray[np.int16], gap: int) -> NDArray[np.int16]:
        """Return the audio of the next packet, with the gap before it filled.

        Args:
            rate: Sample rate in Hz.
            samples: Shape ``(channels, n)``; kept until the next call.
            gap: The number of missing samples before it; with 0, ``samples`` is returned as it is.
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
