"""The speech of the user that the function has not answered yet, or whose answer was not heard."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .face import Face, rate_of
from .speech_buffer import MAX_KEPT_S

__all__ = ["UnansweredSpeech"]


class UnansweredSpeech:
    """Keep speech for the next reply. All audio is ``int16`` of shape ``(1, n)``.

    Attributes:
        kept: Speech that was not passed to the function yet; None if there is none.
        answered: Speech that was passed to it, and whose reply was not heard; None if it is not
            needed.
    """

    def __init__(self) -> None:
        self.kept: NDArray[np.int16] | None = None
        self.answered: NDArray[np.int16] | None = None

    def take(self, face: Face) -> NDArray[np.int16]:
        """Take the utterance, with the speech that was kept in front of it."""
        said, face.state.stream = face.state.stream, None
        samples = np.zeros((1, 0), np.int16) if said is None else said.reshape(1, -1)
        if self.kept is None:
            return samples
        return np.hstack((self.kept, samples))[:, -round(MAX_KEPT_S * rate_of(face)) :]

    def keep(self, samples: NDArray[np.int16]) -> None:
        """Keep speech for the next reply."""
        self.kept = samples

    def keep_answered(self) -> None:
        """Keep the speech whose reply was not heard, if there is any."""
        if self.answered is not None:
            self.kept = self.answered

    def answer(self, samples: NDArray[np.int16] | None) -> None:
        """Record that all speech was passed to the function.

        Args:
            samples: The speech, to keep it until its reply is heard; None not to.
        """
        self.kept, self.answered = None, samples
