"""What a voice activity detection model is: for whole pieces of audio, and for a stream of it."""

from __future__ import annotations

from typing import Any, Protocol, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from ..core.types import AudioChunk

__all__ = [
    "RATE",
    "WINDOW",
    "AudioChunk",
    "ModelOptions",
    "PauseDetectionModel",
    "SpeechStream",
    "StreamingModel",
    "has_speech_stream",
    "open_speech_stream",
]

RATE = 16_000
"""Samples per second (Hz) of the audio that a `SpeechStream` takes."""

WINDOW = 512
"""Samples, 32 ms, that a `SpeechStream` gives one probability for."""

ModelOptions: TypeAlias = Any
"""Options of a model; they are handed to it as they are."""


class PauseDetectionModel(Protocol):
    """A model that finds the speech in a piece of audio."""

    def vad(
        self, audio: tuple[int, NDArray[np.int16 | np.float32]], options: ModelOptions
    ) -> tuple[float, list[AudioChunk]]:
        """Find the speech in audio.

        Args:
            audio: A sample rate in Hz, and samples.
            options: Options of this model.

        Returns:
            How many seconds of speech there are, and where it is.
        """
        ...

    def warmup(self) -> None:
        """Run the model once, so that its first real use is not slower than others."""
        ...


class SpeechStream(Protocol):
    """Judges the audio of one connection as it comes; not for several threads at once."""

    def push(self, samples: NDArray[np.int16 | np.float32]) -> NDArray[np.float32]:
        """Take the next samples, in pieces of any length.

        Args:
            samples: Shape ``(n,)``, at 16 kHz.

        Returns:
            The probability of speech, 0 to 1, in each window of 512 samples (32 ms) that is now
            complete, shape ``(m,)``. What is left of the samples begins the next window.

        Raises:
            PauseDetectionError: If the model fails; the stream begins anew then.
        """
        ...

    def reset(self) -> None:
        """Forget what was heard, and begin anew."""
        ...


class StreamingModel(Protocol):
    """A model that can also follow audio as it comes, at a cost that grows with its length only."""

    def open_stream(self, options: ModelOptions) -> SpeechStream:
        """Begin with the audio of one more connection.

        Args:
            options: Options of this model.
        """
        ...


def has_speech_stream(model: PauseDetectionModel) -> bool:
    """Return whether a model can follow audio as it comes; otherwise it is asked through ``vad``.

    It cannot without ``open_stream``, and where ``vad`` was replaced by a program that may not know
    of it: in a subclass of the one that has ``open_stream``, or on the instance.

    Args:
        model: The model.
    """
    for names in (getattr(model, "__dict__", {}), *map(vars, type(model).__mro__)):
        if "open_stream" in names:
            return True
        if "vad" in names:
            return False
    return False


def open_speech_stream(model: PauseDetectionModel, options: ModelOptions) -> SpeechStream | None:
    """Open a stream of a model, if it has one; see ``has_speech_stream``.

    Args:
        model: The model.
        options: Its options.

    Returns:
        A stream, or None.
    """
    return cast(StreamingModel, model).open_stream(options) if has_speech_stream(model) else None
