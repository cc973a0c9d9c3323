"""A bounded buffer of recent audio, from which utterances are cut."""

from __future__ import annotations

import logging
from collections import deque

import numpy as np
from numpy.typing import NDArray

__all__ = ["SpeechBuffer"]

logger = logging.getLogger(__name__)

MAX_KEPT_S = 600.0
"""Capacity in seconds. 10 minutes of 48 kHz mono are 58 MB."""


class SpeechBuffer:
    """Buffer the audio that may still be part of an utterance.

    Times are seconds since the beginning of the stream and are not affected by dropped audio.
    Call ``keep_from`` with the detector's ``needed_from_s`` between utterances, and ``forget``
    with the end of an utterance. The cost of ``push`` does not depend on the amount of buffered
    audio; only ``utterance`` copies.

    Args:
        rate: Sample rate in Hz.
        pre_roll_s: Audio before an onset that belongs to the utterance, in seconds.
        channels: The number of interleaved channels; samples of one instant stay together.
        max_kept_s: Capacity in seconds. The oldest audio is dropped beyond it.

    Raises:
        ValueError: If the rate, the number of channels or the capacity is not positive.
    """

    def __init__(
        self, rate: int, pre_roll_s: float = 0.3, channels: int = 1, max_kept_s: float = MAX_KEPT_S
    ) -> None:
        if rate <= 0 or channels <= 0 or max_kept_s <= 0:
            raise ValueError(f"Cannot buffer {channels} channels at {rate} Hz for {max_kept_s} s")
        self.rate = rate
        self.pre_roll_s = pre_roll_s
        self.channels = channels
        self._capacity = max(1, round(max_kept_s * rate)) * channels
        self._chunks: deque[NDArray[np.int16]] = deque()
        self._first = 0  # position of the first sample of the first chunk
        self._start = 0  # what is before is forgotten; positions count the samples of all channels
        self._end = 0
        self._warned = False

    @property
    def start_s(self) -> float:
        """Start of the buffered audio, in seconds."""
        return self._start / self.channels / self.rate

    @property
    def end_s(self) -> float:
        """End of the buffered audio, in seconds: the duration pushed so far."""
        return self._end / self.channels / self.rate

    def __len__(self) -> int:
        """Return the number of buffered samples per channel."""
        return (self._end - self._start) // self.channels

    def push(self, samples: NDArray[np.int16]) -> None:
        """Append audio. The samples are copied, so the array may be reused.

        Args:
            samples: Shape ``(n,)`` or ``(1, n)``.

        Raises:
            ValueError: If the shape or the dtype is wrong.
        """
        if samples.dtype != np.int16 or samples.ndim not in (1, 2) or samples.size % self.channels:
            raise ValueError(self._complaint(samples))
        if samples.ndim == 2 and samples.shape[0] != 1:
            raise ValueError(self._complaint(samples))
        if samples.size == 0:
            return
        self._chunks.append(samples.reshape(-1).copy())
        self._end += samples.size
        if self._end - self._start > self._capacity:
            if not self._warned:
                self._warned = True
                logger.warning(
                    "An utterance is longer than %.0f s; its beginning is dropped",
                    self._capacity / self.channels / self.rate,
                )
            self._forget(self._end - self._capacity)

    def utterance(self, onset_s: float, end_s: float | None = None) -> NDArray[np.int16]:
        """Copy an utterance, with as much of its pre-roll as is buffered.

        Args:
            onset_s: Start of its speech, in seconds.
            end_s: Its end, in seconds; by default the end of the buffered audio.

        Returns:
            Shape ``(1, n)``.
        """
        start = max(self._position(onset_s - self.pre_roll_s), self._start)
        end = self._end if end_s is None else self._position(end_s)
        parts = []
        position = self._first
        for chunk in self._chunks:
            if position >= end:
                break
            if position + chunk.size > start:
                parts.append(chunk[max(0, start - position) : end - position])
            position += chunk.size
        if not parts:
            return np.zeros((1, 0), np.int16)
        return np.concatenate(parts).reshape(1, -1)

    def keep_from(self, onset_s: float) -> None:
        """Drop audio that no utterance with an onset at *onset_s* (seconds) or later needs."""
        self._forget(self._position(onset_s - self.pre_roll_s))

    def forget(self, until_s: float) -> None:
        """Drop audio before *until_s* (seconds), the end of an utterance."""
        self._forget(self._position(until_s))

    def clear(self) -> None:
        """Drop all audio; times continue from here."""
        self._forget(self._end)

    def _position(self, time_s: float) -> int:
        return round(time_s * self.rate) * self.channels

    def _forget(self, until: int) -> None:
        self._start = min(max(self._start, until), self._end)
        while self._chunks and self._first + self._chunks[0].size <= self._start:
            self._first += self._chunks.popleft().size

    def _complaint(self, samples: NDArray[np.int16]) -> str:
        shape = "(n,) or (1, n)" if self.channels == 1 else f"(1, {self.channels} n)"
        return f"Audio must be int16 of shape {shape}, not {samples.dtype} of shape {samples.shape}"
