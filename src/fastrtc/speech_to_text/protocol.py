"""What a speech recogniser is."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from ..audio.converter import AudioConverter

__all__ = ["RATE", "STTModel", "TimedSTTModel", "Word", "check_audio", "to_recogniser"]

RATE = 16_000
"""The rate in Hz that recognisers work at."""


class STTModel(Protocol):
    """Turns speech into text."""

    def stt(self, audio: tuple[int, NDArray[np.int16 | np.float32]]) -> str:
        """Recognise what is said.

        Args:
            audio: A sample rate in Hz, and samples.

        Returns:
            The text; empty if nothing was understood.
        """
        ...


class Word(NamedTuple):
    """A recognised word, and where it is.

    Attributes:
        text: The word.
        start_s: Where it begins, in seconds.
        end_s: Where it ends, in seconds.
    """

    text: str
    start_s: float
    end_s: float


class TimedSTTModel(STTModel, Protocol):
    """A recogniser that also tells where each word is."""

    def stt_words(self, audio: tuple[int, NDArray[np.int16 | np.float32]]) -> list[Word]:
        """Recognise what is said, word by word.

        Args:
            audio: A sample rate in Hz, and samples.
        """
        ...


def check_audio(audio: object) -> tuple[int, NDArray[Any]]:
    """Return audio that a recogniser was given, if it is a rate and samples.

    Returns:
        The rate as it is, and the samples as an array.

    Raises:
        TypeError: If it is not a pair, or its samples are not an array of real numbers or a list
            of them.
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


def to_recogniser(audio: tuple[int, NDArray[Any]]) -> NDArray[np.int16]:
    """Bring audio into the form that recognisers take.

    Args:
        audio: A sample rate in Hz, and mono or stereo samples of any real dtype and shape.

    Returns:
        16 kHz mono, shape ``(n,)``.

    Raises:
        ValueError: If the rate is not a positive integer, or the shape is not understood.
        TypeError: If it is not a pair of a rate and samples, or the dtype is not a real number.
    """
    rate, samples = check_audio(audio)
    converter = AudioConverter(RATE, 1)
    parts = (converter.convert(rate, samples), converter.flush())
    joined: NDArray[np.int16] = np.concatenate(parts, axis=1)[0]
    return joined
