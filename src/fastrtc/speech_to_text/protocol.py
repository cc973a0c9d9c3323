"""Interfaces of speech recognizers."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from ..audio.converter import AudioConverter

__all__ = ["RATE", "STTModel", "TimedSTTModel", "Word", "check_audio", "to_recognizer"]

RATE = 16_000
"""Input sample rate of recognizers, in Hz."""


class STTModel(Protocol):
    """A model that transcribes speech."""

    def stt(self, audio: tuple[int, NDArray[np.int16 | np.float32]]) -> str:
        """Transcribe audio.

        Args:
            audio: A sample rate in Hz, and samples.

        Returns:
            The text; empty if nothing was recognized.
        """
        ...


class Word(NamedTuple):
    """A recognized word and its time.

    Attributes:
        text: The word.
        start_s: Its start, in seconds.
        end_s: Its end, in seconds.
    """

    text: str
    start_s: float
    end_s: float


class TimedSTTModel(STTModel, Protocol):
    """A recognizer that also returns the time of each word."""

    def stt_words(self, audio: tuple[int, NDArray[np.int16 | np.float32]]) -> list[Word]:
        """Transcribe audio, with the time of each word.

        Args:
            audio: A sample rate in Hz, and samples.
        """
        ...


def check_audio(audio: object) -> tuple[int, NDArray[Any]]:
    """Return audio if it is a pair of a rate and samples.

    Returns:
        The rate unchanged, and the samples as an array.

    Raises:
        TypeError: If it is not a pair, or its samples are not an array or a list of real numbers.
    """
    if not isinstance(audio, tuple | list) or len(audio) != 2:
        raise TypeError(
            "Audio must be a tuple of a sample rate in Hz and an array of samples, "
            f"not {type(audio).__name__}" + (_HINT if isinstance(audio, _BYTES) else "")
        )
    rate, samples = audio
    if isinstance(samples, _BYTES):
        raise TypeError(f"Samples must be an array, not {type(samples).__name__}{_HINT}")
    array = np.asarray(samples)
    if array.dtype.kind not in "iuf":
        what = f"an array of {array.dtype}" if array.ndim else type(samples).__name__
        raise TypeError(
            "Samples must be an array of integers, or of floats from -1 to 1, "
            f"of shape (n,) or (channels, n), not {what}"
        )
    return rate, array


_BYTES = (bytes, bytearray, memoryview)
_HINT = "; for 16-bit PCM use (rate, np.frombuffer(data, np.int16))"


def to_recognizer(audio: tuple[int, NDArray[Any]]) -> NDArray[np.int16]:
    """Convert audio to the format of recognizers.

    Args:
        audio: A sample rate in Hz, and mono or stereo samples of any real dtype and shape.

    Returns:
        16 kHz mono, shape ``(n,)``.

    Raises:
        ValueError: If the rate is not a positive integer, or the shape is not supported.
        TypeError: If it is not a pair of a rate and samples, or the dtype is not a real number.
    """
    rate, samples = check_audio(audio)
    converter = AudioConverter(RATE, 1)
    parts = (converter.convert(rate, samples), converter.flush())
    joined: NDArray[np.int16] = np.concatenate(parts, axis=1)[0]
    return joined
