"""Chunks of audio that follow each other, joined: resampling one array costs less than ten."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["ROUNDING_S", "JoinedAudio"]

ROUNDING_S = 0.001
"""Chunks this far apart follow each other, in seconds."""


class JoinedAudio:
    """Collect chunks of one rate that follow each other.

    Attributes:
        start_s: The time of the first sample, in seconds.
        rate: Sample rate in Hz.
        packets: The packets of the chunks, with the position of their first sample among all.
    """

    def __init__(self) -> None:
        self.packets: list[tuple[int, bytes]] = []
        self._size = 0
        self._chunks: list[NDArray[np.int16]] = []
        self._end_s = 0.0
        self.start_s = 0.0
        self.rate = 0

    @property
    def is_empty(self) -> bool:
        """Whether no chunk waits."""
        return not self._chunks

    def add(
        self, start_s: float, rate: int, samples: NDArray[np.int16], packet: bytes = b""
    ) -> bool:
        """Add a chunk of shape ``(channels, n)``; return False if it does not follow the last."""
        if not self._chunks:
            self.start_s, self.rate = start_s, rate
            self.packets, self._size = [], 0
        elif (
            rate != self.rate
            or abs(start_s - self._end_s) > ROUNDING_S
            or samples.shape[0] != self._chunks[0].shape[0]
        ):
            return False
        self._chunks.append(samples)
        if packet:
            self.packets.append((self._size, packet))
        self._size += samples.shape[1]
        self._end_s = start_s + samples.shape[1] / rate
        return True

    def take(self) -> NDArray[np.int16] | None:
        """Return all chunks as one, and forget them; None if there is none."""
        chunks, self._chunks = self._chunks, []
        if len(chunks) > 1:
            return np.concatenate(chunks, axis=1)
        return chunks[0] if chunks else None
