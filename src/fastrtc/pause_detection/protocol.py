"""Interfaces of voice activity detection models: for audio clips, and for streams."""

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
"""Sample rate of the audio that a `SpeechStream` accepts, in Hz."""

WINDOW = 512
"""Samples (32 ms) for which a `SpeechStream` returns one probability."""

ModelOptions: TypeAlias = Any
"""Options of a model, passed to it unchanged."""


class PauseDetectionModel(Protocol):
    """A model that finds the speech in an audio clip."""

    def vad(
        self, audio: tuple[int, NDArray[np.int16 | np.float32]], options: ModelOptions
    ) -> tuple[float, list[AudioChunk]]:
        """Find the speech in an audio clip.

        Args:
            audio: A sample rate in Hz, and samples.
            options: Options of the model.

        Returns:
            The total length of the speech in seconds, and where it is.
        """
        ...

    def warmup(self) -> None:
        """Run the model once, so that its first use is not slower than later ones."""
        ...


class SpeechStream(Protocol):
    """Detects speech in the audio of one connection as it arrives. Not thread-safe."""

    def push(self, samples: NDArray[np.int16 | np.float32]) -> NDArray[np.float32]:
        """Process the next samples.

        Args:
            samples: Shape ``(n,)``, any length, at 16 kHz.

        Returns:
            The probability of speech, 0 to 1, in each window of 512 samples (32 ms) that is now
            complete, shape ``(m,)``. Remaining samples are kept for the next window.

        Raises:
            PauseDetectionError: If the model fails; the stream is reset.
        """
        ...

    def reset(self) -> None:
        """Discard the state and buffered samples."""
        ...


class StreamingModel(Protocol):
    """A model that can also process a stream, at a cost linear in its length."""

    def open_stream(self, options: ModelOptions) -> SpeechStream:
        """Start a stream for one connection.

        Args:
            options: Options of the model.
        """
        ...


def has_speech_stream(model: PauseDetectionModel) -> bool:
    """Return whether a model can process streams; if not, ``vad`` is called.

    It cannot if it has no ``open_stream``, or if a program replaced ``vad`` but not
    ``open_stream``: in a subclass of the class that defines ``open_stream``, or on the instance.

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
    """Start a stream of a model that supports it; see ``has_speech_stream``.

    Args:
        model: The model.
        options: Options of the model.

    Returns:
        A stream, or None.
    """
    return cast(StreamingModel, model).open_stream(options) if has_speech_stream(model) else None
