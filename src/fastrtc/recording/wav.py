"""WAV files that are readable at any time."""

from __future__ import annotations

import struct
from typing import BinaryIO

import numpy as np
from av import VideoFrame

from .track import RATE, Block

__all__ = ["MAX_WAV_BYTES", "WavSink"]

HEADER_BYTES = 44
FRAME_BYTES = 4

MAX_WAV_BYTES = (1 << 32) - 1 - HEADER_BYTES
"""Sizes in the header have 32 bits: 6.2 hours."""


class WavSink:
    """Write 16-bit stereo, and the sizes in the header with each ``flush``.

    Args:
        file: The file, unbuffered.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._size = 0
        write_all(file, self._header())

    def write(self, block: Block) -> None:
        """Append audio, at ``RATE``."""
        sides = block.received.samples, block.played.samples
        data = np.stack(sides, axis=1).astype("<i2", copy=False).tobytes()
        try:
            write_all(self._file, data)
        finally:
            self._size = self._file.tell()  # a full disk may have taken a part

    def write_picture(self, frame: VideoFrame) -> None:
        """Do nothing: there is no video."""

    def flush(self) -> None:
        """Write the sizes."""
        self._file.seek(0)
        write_all(self._file, self._header())
        self._file.seek(0, 2)

    def size(self) -> int:
        """Return the size of the file in bytes."""
        return max(HEADER_BYTES, self._size)

    def close(self) -> None:
        """Write the sizes, and close the file."""
        try:
            self.flush()
        finally:
            self._file.close()

    def _header(self) -> bytes:
        size = min(max(0, self._size - HEADER_BYTES), MAX_WAV_BYTES)
        size -= size % FRAME_BYTES
        return struct.pack(
            "<4sI8sIHHIIHH4sI",
            b"RIFF",
            36 + size,
            b"WAVEfmt ",
            16,
            1,
            2,
            RATE,
            FRAME_BYTES * RATE,
            FRAME_BYTES,
            16,
            b"data",
            size,
        )


def write_all(file: BinaryIO, data: bytes) -> None:
    """Write all bytes: an unbuffered file may accept fewer.

    Raises:
        OSError: If the disk is full; a part may have been written.
    """
    view = memoryview(data)
    while view:
        view = view[file.write(view) :]
