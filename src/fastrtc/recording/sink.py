"""The file formats of recordings."""

from __future__ import annotations

import os
from typing import Protocol

import numpy as np
from av import VideoFrame
from numpy.typing import NDArray

from .container import ContainerSink
from .pictures import Pictures
from .wav import WavSink

__all__ = ["AUDIO_SUFFIXES", "SUFFIXES", "VIDEO_SUFFIXES", "Sink", "open_sink"]

AUDIO_SUFFIXES = (".ogg", ".opus", ".wav")
VIDEO_SUFFIXES = (".mp4", ".webm")
SUFFIXES = AUDIO_SUFFIXES + VIDEO_SUFFIXES


class Sink(Protocol):
    """Write audio and video to a file."""

    def write(self, samples: NDArray[np.int16]) -> None:
        """Append audio, shape ``(2, n)``, at ``RATE``.

        Raises:
            OSError: If the file cannot be written.
        """
        ...

    def write_picture(self, frame: VideoFrame) -> None:
        """Append a frame of video.

        Raises:
            OSError: If the file cannot be written.
        """
        ...

    def flush(self) -> None:
        """Make what was written readable."""
        ...

    def size(self) -> int:
        """Return the size of the file in bytes."""
        ...

    def close(self) -> None:
        """Complete the file.

        Raises:
            OSError: If it cannot be written.
        """
        ...


def open_sink(descriptor: int, suffix: str, *, audio: bool, pictures: Pictures | None) -> Sink:
    """Return what writes a file.

    Args:
        descriptor: The open file, empty.
        suffix: One of ``SUFFIXES``: the format.
        audio: Whether there is audio.
        pictures: The pictures, if there is video.
    """
    file = os.fdopen(descriptor, "w+b", buffering=0)
    if suffix == ".wav":
        return WavSink(file)
    return ContainerSink(file, suffix, audio=audio, pictures=pictures)
