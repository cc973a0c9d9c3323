"""Base class of text-to-speech models that run locally, one sentence at a time."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import AsyncGenerator, Generator, Iterator
from functools import partial
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from ..core.speech import Speech
from ..core.tasks import run_in_thread
from .protocol import TTSModel, TTSOptions, check_text
from .sentences import split_text

__all__ = ["LocalTTS"]

MAX_PIECE = 200
"""Maximum length of a piece in characters, about 12 s of speech: longer sentences start to play
before all of their speech is ready."""

T = TypeVar("T", bound=TTSOptions)


class LocalTTS(TTSModel[T], Generic[T]):
    """A text-to-speech model that runs locally.

    Subclasses synthesize one piece of text in ``_say``; it may be called in several threads at
    once.
    """

    _options: type[T]
    """Creates the default options."""

    _rate: int
    """Output sample rate in Hz."""

    def tts(self, text: str, options: T | None = None) -> Speech:
        """Synthesize text.

        Args:
            text: The text.
            options: Options of the model; None for the defaults.

        Returns:
            A sample rate in Hz, and mono samples of shape ``(n,)``, with the text.

        Raises:
            TypeError: If the text is not a string, or the options belong to another model.
            ValueError: If an option has an invalid value.
            ModelError: If the model fails.
        """
        pieces = [samples for _, samples in self.stream_tts_sync(text, options)]
        samples = np.concatenate(pieces) if pieces else np.zeros(0, np.float32)
        return Speech(self._rate, samples, text)

    async def stream_tts(self, text: str, options: T | None = None) -> AsyncGenerator[Speech, None]:
        """Synthesize text sentence by sentence, in threads.

        Args:
            text: The text.
            options: Options of the model; None for the defaults.

        Yields:
            The pieces, each as returned by ``tts``, with its part of the text.

        Raises:
            TypeError: If the text is not a string, or the options belong to another model.
            ValueError: If an option has an invalid value.
            ModelError: If the model fails.
        """
        options = self._checked(options)
        for piece in self._pieces(check_text(text)):
            said = await run_in_thread(partial(self._said, piece, options))
            for index, samples in enumerate(said):
                yield Speech(self._rate, samples, "" if index else piece)

    def stream_tts_sync(self, text: str, options: T | None = None) -> Generator[Speech, None, None]:
        """Synthesize text sentence by sentence.

        Args:
            text: The text.
            options: Options of the model; None for the defaults.

        Returns:
            The pieces, each as returned by ``tts``, with its part of the text.

        Raises:
            TypeError: If the text is not a string, or the options belong to another model.
            ValueError: If an option has an invalid value.
            ModelError: If the model fails.
        """
        return self._in_turn(check_text(text), self._checked(options))

    def warmup(self) -> None:
        """Synthesize a word, so that the first use is not slower than later ones."""
        self.tts("Hello.")

    def _in_turn(self, text: str, options: T) -> Generator[Speech, None, None]:
        for piece in self._pieces(text):
            for index, samples in enumerate(self._say(piece, options)):
                yield Speech(self._rate, samples, "" if index else piece)

    def _pieces(self, text: str) -> Iterator[str]:
        return split_text(text, MAX_PIECE)

    def _said(self, piece: str, options: T) -> list[NDArray[np.int16 | np.float32]]:
        return list(self._say(piece, options))

    @abstractmethod
    def _say(self, piece: str, options: T) -> Iterator[NDArray[np.int16 | np.float32]]:
        """Synthesize a piece of text; yield nothing if it contains nothing to say."""

    def _checked(self, options: T | None) -> T:
        if options is None:
            return self._options()
        if not isinstance(options, self._options):
            raise TypeError(f"The options must be {self._options.__name__}, not {options!r}")
        return options
