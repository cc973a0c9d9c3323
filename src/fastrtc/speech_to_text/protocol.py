"""What a speech recogniser is."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from ..audio.converter import AudioConverter

__all__ = ["RATE", "STTModel", "TimedSTTModel", "Word", "to_recogniser"]

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


def to_recogniser(audio: tuple[int, NDArray[Any]]) -> NDArray[np.int16]:
    """Bring audio into the form that recognisers take.

    Args:
        audio: A sample rate in Hz, and mono or stereo samples of any real dtype and shape.

    Returns:
        16 kHz mono, shape ``(n,)``.

    Raises:
        ValueError: If the rate is not a positive integer, or the shape is not understood.
        TypeError: If the dtype is not a real number.
    """
    rate, samples = audio
    converter = AudioConverter(RATE, 1)
    parts = (converter.convert(rate, samples), converter.flush())
    joined: NDArray[np.int16] = np.concatenate(parts, axis=1)[0]
    return joined
