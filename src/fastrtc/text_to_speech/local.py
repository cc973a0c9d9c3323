"""What the voices that run on this machine have in common: they say one sentence at a time."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import AsyncGenerator, Generator, Iterator
from functools import partial
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from ..core.tasks import run_in_thread
from .protocol import TTSModel, TTSOptions, check_text
from .sentences import split_text

__all__ = ["LocalTTS"]

LONGEST = 200
"""Characters in a piece, some 12 s of speech: a longer sentence is begun before it is all made."""

T = TypeVar("T", bound=TTSOptions)


class LocalTTS(TTSModel[T], Generic[T]):
    """A voice that runs on this machine.

    Subclasses say one piece of text in ``_say``; it may be called in several threads at once.
    """

    _options: type[T]
    """What the options are made from if there are none."""

    _rate: int
    """Of what it says, in Hz."""

    def tts(
        self, text: str, options: T | None = None
    ) -> tuple[int, NDArray[np.int16 | np.float32]]:
        """Say a text.

        Args:
            text: What to say.
            options: How.

        Returns:
            A sample rate in Hz, and mono samples of shape ``(n,)``.

        Raises:
            TypeError: If the text is not a string, or the options are those of another model.
            ValueError: If an option has an impossible value.
            ModelError: If the model fails.
        """
        pieces = [samples for _, samples in self.stream_tts_sync(text, options)]
        return self._rate, np.concatenate(pieces) if pieces else np.zeros(0, np.float32)

    async def stream_tts(
        self, text: str, options: T | None = None
    ) -> AsyncGenerator[tuple[int, NDArray[np.int16 | np.float32]], None]:
        """Say a text sentence by sentence, in threads of its own.

        Args:
            text: What to say.
            options: How.

        Yields:
            The pieces, each as ``tts`` gives it.

        Raises:
            TypeError: If the text is not a string, or the options are those of another model.
            ValueError: If an option has an impossible value.
            ModelError: If the model fails.
        """
        options = self._checked(options)
        for piece in self._pieces(check_text(text)):
            for samples in await run_in_thread(partial(self._said, piece, options)):
                yield self._rate, samples

    def stream_tts_sync(
        self, text: str, options: T | None = None
    ) -> Generator[tuple[int, NDArray[np.int16 | np.float32]], None, None]:
        """Say a text sentence by sentence.

        Args:
            text: What to say.
            options: How.

        Returns:
            The pieces, each as ``tts`` gives it.

        Raises:
            TypeError: If the text is not a string, or the options are those of another model.
            ValueError: If an option has an impossible value.
            ModelError: If the model fails.
        """
        return self._in_turn(check_text(text), self._checked(options))

    def warmup(self) -> None:
        """Say a word, so that the first real one does not take longer than others."""
        self.tts("Hello.")

    def _in_turn(
        self, text: str, options: T
    ) -> Generator[tuple[int, NDArray[np.int16 | np.float32]], None, None]:
        for piece in self._pieces(text):
            for samples in self._say(piece, options):
                yield self._rate, samples

    def _pieces(self, text: str) -> Iterator[str]:
        return split_text(text, LONGEST)

    def _said(self, piece: str, options: T) -> list[NDArray[np.int16 | np.float32]]:
        return list(self._say(piece, options))

    @abstractmethod
    def _say(self, piece: str, options: T) -> Iterator[NDArray[np.int16 | np.float32]]:
        """Say a piece of text; give nothing if there is nothing in it to say."""

    def _checked(self, options: T | None) -> T:
        if options is None:
            return self._options()
        if not isinstance(options, self._options):
            raise TypeError(f"The options are {self._options.__name__}, not {options!r}")
        return options
