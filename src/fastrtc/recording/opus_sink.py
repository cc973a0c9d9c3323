"""Ogg files with a stream of Opus for each side, of which silence costs nothing."""

from __future__ import annotations

import secrets
from typing import BinaryIO

from av import VideoFrame

from .._version import __version__
from ..audio.libopus import LOW_DELAY_S, Libopus
from .ogg import OggPages, join_streams, opus_head, opus_tags
from .opus_side import OpusSide
from .packet_track import PACKET_LENGTH
from .track import RATE, Block, Span
from .wav import write_all

__all__ = ["OpusSink"]

MAX_PACKETS = 300
"""Packets that wait for ``flush``; more are the silence since a stop."""

LOOK_AHEAD = round(LOW_DELAY_S * RATE)
"""By how much the encoder delays audio, in samples at 48 kHz."""


class OpusSink:
    """Write both sides into an Ogg file, each as a stream of its own.

    Args:
        file: The file, unbuffered.
        library: The library.
    """

    def __init__(self, file: BinaryIO, library: Libopus) -> None:
        self._file = file
        self._sides = OpusSide(library), OpusSide(library)
        self._samples = 0  # at RATE
        self._rates = RATE, RATE
        self._count = 0
        self._packets: list[bytes] = []
        self._serial = secrets.randbits(32)
        self._pages = OggPages(self._serial)
        self._delay = LOOK_AHEAD
        self._bytes = 0
        self._append(self._pages.pages([opus_head(RATE, self._delay)], 0))
        self._append(self._pages.pages([opus_tags(f"fastrtc {__version__}")], 0))

    def write(self, block: Block) -> None:
        """Append audio; it is written by ``flush``, or if it is much."""
        if not self._samples:
            self._begin(block)
        self._rates = block.rates
        self._samples += len(block.received) * RATE // block.rates[0]
        self._encode(block)
        if len(self._packets) >= MAX_PACKETS:
            self.flush()

    def _begin(self, block: Block) -> None:
        """Begin so that packets that were sent are at the borders of those of the file."""
        more = 0 if block.phase is None else -(block.phase + self._delay) % PACKET_LENGTH
        if more:
            self._delay += more
            self._encode(_silence(more, block.rates))
            self._rewrite_head()

    def _rewrite_head(self) -> None:
        """Write the first page again, with another delay."""
        page = OggPages(self._serial).pages([opus_head(RATE, self._delay)], 0)
        try:
            self._file.seek(0)
            write_all(self._file, page)
        finally:
            self._file.seek(self._bytes)

    def _encode(self, block: Block) -> None:
        left, right = self._sides
        received = left.push(block.received, block.rates[0], block.packets[0])
        played = right.push(block.played, block.rates[1], block.packets[1])
        self._packets += join_streams(received, played)
        self._count += len(received)

    def write_picture(self, frame: VideoFrame) -> None:
        """Do nothing: there is no video."""

    def flush(self) -> None:
        """Write what is complete, as a page."""
        if self._packets:
            self._write_pages(None)

    def _write_pages(self, cut: int | None) -> None:
        packets, self._packets = self._packets, []
        self._append(
            self._pages.pages(packets, self._count * PACKET_LENGTH, step=PACKET_LENGTH, cut=cut)
        )

    def size(self) -> int:
        """Return the size of the file in bytes, with what is to be written by ``flush``."""
        return self._bytes + sum(map(len, self._packets))

    def close(self) -> None:
        """Write the rest, and close the file."""
        try:
            end = self._delay + self._samples
            left_out = -end % PACKET_LENGTH  # of the last packet
            self._encode(_silence(LOOK_AHEAD + left_out, self._rates))
            self._write_pages(end)
        finally:
            self._file.close()

    def _append(self, data: bytes) -> None:
        try:
            write_all(self._file, data)
        except OSError:
            self._bytes = self._file.tell()  # a full disk may have taken a part
            raise
        self._bytes += len(data)


def _silence(samples: int, rates: tuple[int, int]) -> Block:
    """Return silence on both sides, of a length at ``RATE``."""
    received, played = (Span(0, samples * rate // RATE, []) for rate in rates)
    return Block(received, played, rates)
