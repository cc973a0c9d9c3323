"""Interface of text-to-speech models."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

__all__ = ["TTSModel", "TTSOptions", "check_text"]


class TTSOptions:
    """Options of a text-to-speech model; each model has its own subclass."""


T = TypeVar("T", bound=TTSOptions, contravariant=True)


class TTSModel(Protocol[T]):
    """A model that synthesizes speech, at once or as a stream."""

    def tts(
        self, text: str, options: T | None = None
    ) -> tuple[int, NDArray[np.int16 | np.float32]]:
        """Synthesize text.

        Args:
            text: The text.
            options: Options of the model; None for the defaults.

        Returns:
            A sample rate in Hz, and mono samples of shape ``(n,)``.
        """
        ...

    def stream_tts(
        self, text: str, options: T | None = None
    ) -> AsyncGenerator[tuple[int, NDArray[np.int16 | np.float32]], None]:
        """Synthesize text piece by piece, without blocking the event loop.

        Args:
            text: The text.
            options: Options of the model; None for the defaults.

        Returns:
            The pieces in order, each as returned by ``tts``.
        """
        ...

    def stream_tts_sync(
        self, text: str, options: T | None = None
    ) -> Generator[tuple[int, NDArray[np.int16 | np.float32]], None, None]:
        """Synthesize text piece by piece, in sync code.

        Args:
            text: The text.
            options: Options of the model; None for the defaults.

        Returns:
            The pieces in order, each as returned by ``tts``.
        """
        ...


def check_text(text: object) -> str:
    """Return the text for a model if it is a string.

    Raises:
        TypeError: If it is not a string.
    """
    if isinstance(text, str):
        return text
    hint = ""
    if text is None:
        hint = "; did the function that makes the text return nothing?"
    elif isinstance(text, bytes | bytearray | memoryview):
        hint = '; decode it: data.decode("utf-8")'
    raise TypeError(f"The text to synthesize must be a string, not {type(text).__name__}{hint}")
