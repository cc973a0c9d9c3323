"""What a voice is."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator
from typing import Protocol, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

__all__ = ["Speech", "TTSModel", "TTSOptions", "check_text"]

Speech: TypeAlias = tuple[int, NDArray[np.float32] | NDArray[np.int16]]
"""A sample rate in Hz, and mono samples of shape ``(n,)``."""


class TTSOptions:
    """How something is said; each model has its own."""


T = TypeVar("T", bound=TTSOptions, contravariant=True)


class TTSModel(Protocol[T]):
    """Turns text into speech: all at once, or as it is made."""

    def tts(
        self, text: str, options: T | None = None
    ) -> tuple[int, NDArray[np.int16 | np.float32]]:
        """Say a text.

        Args:
            text: What to say.
            options: How.

        Returns:
            A sample rate in Hz, and mono samples of shape ``(n,)``.
        """
        ...

    def stream_tts(
        self, text: str, options: T | None = None
    ) -> AsyncGenerator[tuple[int, NDArray[np.int16 | np.float32]], None]:
        """Say a text piece by piece, without blocking the event loop.

        Args:
            text: What to say.
            options: How.

        Returns:
            The pieces, each as ``tts`` gives it, in order.
        """
        ...

    def stream_tts_sync(
        self, text: str, options: T | None = None
    ) -> Generator[tuple[int, NDArray[np.int16 | np.float32]], None, None]:
        """Say a text piece by piece, in code that is not async.

        Args:
            text: What to say.
            options: How.

        Returns:
            The pieces, each as ``tts`` gives it, in order.
        """
        ...


def check_text(text: object) -> str:
    """Return a text that a voice was given, if it is one.

    Raises:
        TypeError: If it is not a string.
    """
    if isinstance(text, str):
        return text
    hint = ""
    if text is None:
        hint = "; has what makes the text returned nothing?"
    elif isinstance(text, bytes | bytearray | memoryview):
        hint = '; decode them: data.decode("utf-8")'
    raise TypeError(f"The text for a voice must be a string, not {type(text).__name__}{hint}")
