"""The interface of models that judge whether a speaker has finished."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["MAX_AUDIO_S", "RATE", "TurnModel"]

RATE = 16_000
"""Sample rate of the audio that a `TurnModel` gets, in Hz."""

MAX_AUDIO_S = 8.0
"""Maximum length of the audio that a `TurnModel` gets, in seconds."""


class TurnModel(Protocol):
    """A model that judges, in a pause, whether the speaker has finished.

    One instance serves all connections. It is called in threads, several at a time.
    """

    def complete(self, audio_16k: NDArray[np.float32]) -> float:
        """Judge the turn so far.

        Args:
            audio_16k: The utterance, with its pre-roll and the silence at its end: mono at 16 kHz,
                from -1 to 1, shape ``(n,)``. Of a long utterance the last 8 s. If it continues a
                turn that was ended too early, it includes that turn.

        Returns:
            The probability that the turn is complete, 0 to 1. From 0.85 on, the turn ends. From
            0.2 on, the model is asked again when the pause has lasted for 0.4 s, and the turn ends
            from 0.95 on. Otherwise, the less likely it is, the longer the speaker is waited for.
        """
        ...
