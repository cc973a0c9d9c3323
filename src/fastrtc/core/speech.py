"""Audio with the text that is spoken in it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Speech"]


class Speech(tuple[int, NDArray[np.int16 | np.float32]]):
    """Audio with the text that is spoken in it, to return or yield instead of ``(rate, samples)``.

    It is such a tuple, so that ``rate, samples = speech`` works, too. The texts of a reply are the
    base of ``Interruption.heard_text``.

    Attributes:
        rate: Sample rate in Hz.
        samples: Mono or stereo audio, as for any output.
        text: The text: a sentence, or any other part of a reply. A longer text may be spoken in
            several chunks: the first of them has the text, the others have ``""``. None for audio
            without words.

    Raises:
        TypeError: If the text is not a string.
    """

    text: str | None

    def __new__(
        cls, rate: int, samples: NDArray[np.int16 | np.float32], text: str | None = None
    ) -> Speech:
        """Create the pair of rate and samples, with a text."""
        if text is not None and not isinstance(text, str):
            raise TypeError(f"The text of Speech must be a string, not {type(text).__name__}")
        speech = super().__new__(cls, (rate, samples))
        speech.text = text
        return speech

    @property
    def rate(self) -> int:
        """The sample rate in Hz."""
        return self[0]

    @property
    def samples(self) -> NDArray[np.int16 | np.float32]:
        """The audio."""
        return self[1]

    def __getnewargs__(self) -> tuple[Any, ...]:
        """Return what copies and pickles are made of."""
        return self[0], self[1], self.text

    def __repr__(self) -> str:
        """Return a representation with the text."""
        return f"Speech({self[0]!r}, {self[1]!r}, text={self.text!r})"
