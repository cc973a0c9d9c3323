"""The audio of a call at the caller's end: what was spoken and heard, on one clock."""

from __future__ import annotations

import os
import wave

import numpy as np
from numpy.typing import NDArray

from ..audio.converter import AudioConverter
from .line import RATE
from .sound import Sound, SoundDetector

__all__ = ["Track", "save"]

MAX_SHIFT_S = 0.06
"""How far the time of arrival of audio may differ from where the audio before it ended, in seconds,
to follow it without a gap: the jitter of a real clock."""


class Track:
    """Audio of one direction, at 48 kHz, by position on the clock of the call."""

    def __init__(self) -> None:
        self._samples = np.zeros(10 * RATE, np.int16)
        self._end = 0
        self._converter: AudioConverter | None = None
        self._rate = RATE
        self._detector = SoundDetector(RATE)

    @property
    def sounds(self) -> list[Sound]:
        """The stretches of sound so far; the last one may still grow."""
        return self._detector.sounds

    @property
    def samples(self) -> NDArray[np.int16]:
        """All samples since the call began, shape ``(n,)``."""
        return self._samples[: self._end]

    def add(self, when_s: float, rate: int, samples: NDArray[np.int16]) -> None:
        """Add audio.

        Args:
            when_s: The time of its first sample, in seconds since the call began.
            rate: Sample rate in Hz.
            samples: Shape ``(n,)``.
        """
        start = round(when_s * RATE)
        if self._end and abs(start - self._end) <= MAX_SHIFT_S * RATE:
            start = self._end
        if rate != RATE:
            samples = self._converted(rate, samples, start > self._end)
        end = start + len(samples)
        while end > len(self._samples):
            self._samples = np.concatenate((self._samples, np.zeros_like(self._samples)))
        self._samples[start:end] = samples
        self._end = max(self._end, end)
        self._detector.push(start, samples)

    def _converted(
        self, rate: int, samples: NDArray[np.int16], after_a_gap: bool
    ) -> NDArray[np.int16]:
        if self._converter is None or rate != self._rate or after_a_gap:
            self._converter, self._rate = AudioConverter(RATE, 1), rate
        converted: NDArray[np.int16] = self._converter.convert(rate, samples[np.newaxis])[0]
        return converted


def save(path: str | os.PathLike[str], left: NDArray[np.int16], right: NDArray[np.int16]) -> None:
    """Write a stereo WAV file.

    Args:
        path: The file.
        left: The left channel at 48 kHz, shape ``(n,)``.
        right: The right channel; the shorter one is padded with silence.

    Raises:
        OSError: If the file cannot be written.
    """
    stereo = np.zeros((max(len(left), len(right)), 2), "<i2")
    stereo[: len(left), 0] = left
    stereo[: len(right), 1] = right
    with open(path, "wb") as out, wave.open(out, "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(stereo.tobytes())
