"""The audio that an utterance is cut from."""

from __future__ import annotations

import logging
from collections import deque

import numpy as np
from numpy.typing import NDArray

__all__ = ["SpeechBuffer"]

logger = logging.getLogger(__name__)

MOST_S = 600.0
"""How much audio is kept at most, in seconds. 10 minutes of 48 kHz mono are 58 MB."""


class SpeechBuffer:
    """Keeps the latest audio of a stream, for as long as it may be part of an utterance.

    Times are seconds since the beginning of the stream, whatever was forgotten meanwhile.
    While nobody speaks, ``keep_from`` is to be called with the detector's ``needed_from_s``;
    when an utterance ends, ``forget`` with where it ended. Pushing costs the same however much
    there is; only ``utterance`` copies what it gives.

    Args:
        rate: Sample rate in Hz.
        pre_roll_s: How much audio before an onset belongs to an utterance, in seconds.
        channels: How many are interleaved, so that none is cut apart.
        most_s: How much is kept at most, in seconds. Then the oldest is dropped.

    Raises:
        ValueError: If the rate, the channels or the maximum is not positive.
    """

    def __init__(
        self, rate: int, pre_roll_s: float = 0.3, channels: int = 1, most_s: float = MOST_S
    ) -> None:
        if rate <= 0 or channels <= 0 or most_s <= 0:
            raise ValueError(
                f"Nothing can be kept of {channels} channels at {rate} Hz for {most_s} s"
            )
        self.rate = rate
        self.pre_roll_s = pre_roll_s
        self.channels = channels
        self._most = max(1, round(most_s * rate)) * channels
        self._chunks: deque[NDArray[np.int16]] = deque()
        self._first = 0  # position of the first sample of the first chunk
        self._start = 0  # what is before is forgotten; positions count the samples of all channels
        self._end = 0
        self._warned = False

    @property
    def start_s(self) -> float:
        """Where the audio begins that is kept, in seconds."""
        return self._start / self.channels / self.rate

    @property
    def end_s(self) -> float:
        """How much audio was pushed, in seconds."""
        return self._end / self.channels / self.rate

    def __len__(self) -> int:
        """How many samples are kept, in each channel."""
        return (self._end - self._start) // self.channels

    def push(self, samples: NDArray[np.int16]) -> None:
        """Add audio. It is copied: the array may be used again.

        Args:
            samples: Shape ``(n,)`` or ``(1, n)``.

        Raises:
            ValueError: If the shape or the dtype is another.
        """
        if samples.dtype != np.int16 or samples.ndim not in (1, 2) or samples.size % self.channels:
            raise ValueError(self._complaint(samples))
        if samples.ndim == 2 and samples.shape[0] != 1:
            raise ValueError(self._complaint(samples))
        if samples.size == 0:
            return
        self._chunks.append(samples.reshape(-1).copy())
        self._end += samples.size
        if self._end - self._start > self._most:
            if not self._warned:
                self._warned = True
                logger.warning(
                    "An utterance is longer than %.0f s: its beginning is dropped",
                    self._most / self.channels / self.rate,
                )
            self._forget(self._end - self._most)

    def utterance(self, onset_s: float, end_s: float | None = None) -> NDArray[np.int16]:
        """Copy an utterance, with its pre-roll as far as that is kept.

        Args:
            onset_s: Where its speech begins, in seconds.
            end_s: Where it ends, in seconds; by default with the latest audio.

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
        """Forget what cannot belong to an utterance whose onset is there, in seconds, or later."""
        self._forget(self._position(onset_s - self.pre_roll_s))

    def forget(self, until_s: float) -> None:
        """Forget what is before a time, in seconds: it belonged to an utterance that has ended."""
        self._forget(self._position(until_s))

    def clear(self) -> None:
        """Forget everything; time goes on."""
        self._forget(self._end)

    def _position(self, time_s: float) -> int:
        return round(time_s * self.rate) * self.channels

    def _forget(self, until: int) -> None:
        self._start = min(max(self._start, until), self._end)
        while self._chunks and self._first + self._chunks[0].size <= self._start:
            self._first += self._chunks.popleft().size

    def _complaint(self, samples: NDArray[np.int16]) -> str:
        shape = "(n,) or (1, n)" if self.channels == 1 else f"(1, {self.channels} n)"
        return (
            f"Audio is int16 of the shape {shape}, not {samples.dtype} of the shape {samples.shape}"
        )
