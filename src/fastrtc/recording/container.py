"""Ogg, MP4 and WebM files, written so that they are readable at any time."""

from __future__ import annotations

from fractions import Fraction
from typing import Any, BinaryIO

import av
import numpy as np
from av import VideoFrame

from .pictures import Pictures
from .track import RATE, Block
from .wav import write_all

__all__ = ["ContainerSink"]

BIT_RATE = 64_000
"""Of both channels, in bit/s: more than the 24 to 32 kbit/s that Opus needs for speech in mono."""

COMPLEXITY = 0
"""Of 10. At this bit rate, a second of a conversation costs 2.9 ms; 4.9 with that of calls, 5."""

PAGE_US = 200_000
"""Audio in a page of Ogg, a fragment of MP4 or a cluster of WebM, in microseconds: what is lost if
the process is killed, besides what is held back."""

_FORMATS = {".ogg": "ogg", ".opus": "ogg", ".mp4": "mp4", ".webm": "webm"}

_OPTIONS = {
    "ogg": {"page_duration": str(PAGE_US)},
    "mp4": {"movflags": "+empty_moov+default_base_moof", "frag_duration": str(PAGE_US)},
    "webm": {"cluster_time_limit": str(PAGE_US // 1000)},
}


class _File:
    """The file as FFmpeg uses it, which crashes neither on an error nor after one.

    Attributes:
        error: The first error.
        size: The size in bytes.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.error: OSError | None = None
        self.size = 0

    def write(self, data: bytes) -> int:
        if self.error is None:
            try:
                write_all(self._file, data)
            except OSError as error:
                self.error = error
            self.size = max(self.size, self._file.tell()) if self.error is None else self.size
        return len(data)

    def seek(self, offset: int, whence: int = 0) -> int:
        if self.error is not None:
            return offset
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def close(self) -> None:
        self._file.close()


class ContainerSink:
    """Write Opus, and H.264 or VP9, into a container.

    Args:
        file: The file, unbuffered.
        suffix: ``".ogg"``, ``".opus"``, ``".mp4"`` or ``".webm"``.
        audio: Whether there is audio.
        pictures: The pictures, if there is video.
    """

    def __init__(
        self, file: BinaryIO, suffix: str, *, audio: bool, pictures: Pictures | None
    ) -> None:
        self._file = _File(file)
        format = _FORMATS[suffix]
        options = {"flush_packets": "1", **_OPTIONS[format]}
        self._container: Any = av.open(self._file, "w", format=format, options=options)
        self._audio: Any = self._add_audio() if audio else None
        self._video: Any = None if pictures is None else self._add_video(format, pictures)
        self._samples = 0

    def _add_audio(self) -> Any:
        stream: Any = self._container.add_stream(
            "libopus", rate=RATE, options={"compression_level": str(COMPLEXITY)}
        )
        stream.bit_rate = BIT_RATE
        stream.layout = "stereo"
        stream.format = "s16"
        return stream

    def _add_video(self, format: str, pictures: Pictures) -> Any:
        if format == "mp4":
            options = {"preset": "ultrafast", "tune": "zerolatency", "crf": "28"}
            stream: Any = self._container.add_stream("libx264", pictures.fps, options=options)
        else:
            # VP9: VP8 takes five times as long
            options = {"deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0"}
            stream = self._container.add_stream("libvpx-vp9", pictures.fps, options=options)
            stream.bit_rate = 1_000_000
        stream.width, stream.height, stream.pix_fmt = pictures.width, pictures.height, "yuv420p"
        stream.codec_context.time_base = Fraction(1, pictures.fps)
        stream.codec_context.gop_size = 2 * pictures.fps
        return stream

    def write(self, block: Block) -> None:
        """Append audio, at ``RATE``."""
        count = len(block.received)
        if self._audio is None or not count:
            return
        sides = block.received.samples, block.played.samples
        packed = np.stack(sides, axis=1).reshape(1, -1)
        frame: Any = av.AudioFrame.from_ndarray(packed, format="s16", layout="stereo")
        frame.sample_rate = RATE
        frame.pts = self._samples
        frame.time_base = Fraction(1, RATE)
        self._samples += count
        self._container.mux(self._audio.encode(frame))
        self._check()

    def write_picture(self, frame: VideoFrame) -> None:
        """Append a frame of video."""
        if self._video is not None:
            self._container.mux(self._video.encode(frame))
            self._check()

    def flush(self) -> None:
        """Do nothing: each page is written as it is complete."""

    def size(self) -> int:
        """Return the size of the file in bytes."""
        return self._file.size

    def close(self) -> None:
        """Write the rest, and close the file."""
        try:
            for stream in (self._audio, self._video):
                if stream is not None:
                    self._container.mux(stream.encode(None))
        finally:
            try:
                self._container.close()
            finally:
                self._file.close()
        self._check()

    def _check(self) -> None:
        if self._file.error is not None:
            raise self._file.error
