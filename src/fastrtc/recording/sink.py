"""The file formats of recordings."""

from __future__ import annotations

import os
from typing import NamedTuple, Protocol

from av import VideoFrame

from ..audio.libopus import libopus
from .container import ContainerSink
from .opus_sink import OpusSink
from .pictures import Pictures
from .track import RATE, Block
from .wav import WavSink

__all__ = [
    "AUDIO_SUFFIXES",
    "SUFFIXES",
    "VIDEO_SUFFIXES",
    "Format",
    "Sink",
    "format_of",
    "open_sink",
]

OGG_SUFFIXES = (".ogg", ".opus")
AUDIO_SUFFIXES = (*OGG_SUFFIXES, ".wav")
VIDEO_SUFFIXES = (".mp4", ".webm")
SUFFIXES = AUDIO_SUFFIXES + VIDEO_SUFFIXES


OPUS_RATES = (16_000, 24_000, RATE)
"""Sample rates that Opus encodes, in Hz; at lower ones, audio cannot be corrected finely."""

BATCH_S = 0.4
"""How often what has happened is written, in seconds, if all of it is in the file at once: each
time, a thread wakes."""

PAGE_BATCH_S = 0.2
"""The same if FFmpeg writes the file, which keeps what does not fill a page."""


class Format(NamedTuple):
    """How a file is written.

    Attributes:
        rates: The sample rates of what is received and played, in Hz.
        batch_s: How often it is written, in seconds.
        packets: Whether packets can be written as they were sent.
    """

    rates: tuple[int, int]
    batch_s: float
    packets: bool = False


def format_of(suffix: str, sources: tuple[int, int] = (RATE, RATE)) -> Format:
    """Return how a file is written.

    Args:
        suffix: One of ``SUFFIXES``.
        sources: The sample rates of the audio that is received and played, in Hz.
    """
    if suffix == ".wav":
        return Format((RATE, RATE), BATCH_S)
    if suffix not in OGG_SUFFIXES or libopus() is None:
        return Format((RATE, RATE), PAGE_BATCH_S)
    return Format((_opus_rate(sources[0]), _opus_rate(sources[1])), BATCH_S, packets=True)


def _opus_rate(source: int) -> int:
    return next((rate for rate in OPUS_RATES if rate >= source), RATE)


class Sink(Protocol):
    """Write audio and video to a file."""

    def write(self, block: Block) -> None:
        """Append audio.

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

    Raises:
        OSError: If the file cannot be written.
    """
    file = os.fdopen(descriptor, "w+b", buffering=0)
    library = libopus()
    try:
        if suffix == ".wav":
            return WavSink(file)
        if suffix in OGG_SUFFIXES and library is not None:
            return OpusSink(file, library)
        return ContainerSink(file, suffix, audio=audio, pictures=pictures)
    except BaseException:
        file.close()
        raise
