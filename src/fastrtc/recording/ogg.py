"""Pages of Ogg with Opus (RFC 3533, RFC 7845). No I/O."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from functools import cache

__all__ = ["OggPages", "join_streams", "opus_head", "opus_tags", "split_frames"]

_PAGE = struct.Struct("<4sBBQIIIB")
_BEGIN, _END = 2, 4
"""The flags of the first and the last page."""

MAX_SEGMENTS = 255
"""The most segments of a page; a packet has one for each 255 bytes, and one for the rest."""

MAX_FRAME_BYTES = 1275
"""The longest frame (RFC 6716 section 3.2.1)."""

_DIFFERENT = 0x80
"""In the second byte of a packet in code 3: its frames have different lengths."""

_CHECKSUM_AT = 22
_REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))
"""Each byte with its bits in reverse order."""


class OggPages:
    """Lay packets out as the pages of a stream. Pages contain whole packets.

    Args:
        serial: The number of the stream, 32 bits.
    """

    def __init__(self, serial: int) -> None:
        self._serial = serial
        self._count = 0

    def pages(
        self, packets: Sequence[bytes], position: int, *, step: int = 0, cut: int | None = None
    ) -> bytes:
        """Return pages with the packets.

        Args:
            packets: The packets; at least one.
            position: The position of the end of the last one, in samples at 48 kHz.
            step: The length of a packet, in samples.
            cut: The position of the end of the stream, at which the last packet is cut; None if
                more follow.
        """
        sizes = list(map(len, packets))
        pages = []
        begin = segments = 0
        if len(sizes) + sum(sizes) // 255 > MAX_SEGMENTS:
            for n, size in enumerate(sizes):
                needed = size // 255 + 1
                if segments + needed > MAX_SEGMENTS:
                    at = position - (len(packets) - n) * step
                    pages.append(self._page(packets[begin:n], sizes[begin:n], at))
                    begin, segments = n, 0
                segments += needed
        end, last = (position, False) if cut is None else (cut, True)
        pages.append(self._page(packets[begin:], sizes[begin:], end, last=last))
        return b"".join(pages)

    def _page(
        self, packets: Sequence[bytes], sizes: Sequence[int], position: int, *, last: bool = False
    ) -> bytes:
        lengths = b"".join(map(_segments, sizes))
        flags = (0 if self._count else _BEGIN) | (_END if last else 0)
        head = _PAGE.pack(b"OggS", 0, flags, position, self._serial, self._count, 0, len(lengths))
        self._count += 1
        page = b"".join((head, lengths, *packets))
        checksum = _checksum(page).to_bytes(4, "little")
        return page[:_CHECKSUM_AT] + checksum + page[_CHECKSUM_AT + 4 :]


@cache  # sizes are at most those of two frames
def _segments(size: int) -> bytes:
    """Return the lengths of the segments of a packet."""
    return b"\xff" * (size // 255) + bytes((size % 255,))


def _checksum(page: bytes) -> int:
    """Return the CRC of Ogg: that of zlib with all bits in reverse order, and without inversion."""
    mirrored = zlib.crc32(page.translate(_REVERSED), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int.from_bytes(mirrored.to_bytes(4, "little").translate(_REVERSED), "big")


def opus_head(rate: int, delay: int) -> bytes:
    """Return the header of two channels that are a stream of Opus each (RFC 7845 section 5.1).

    Args:
        rate: The sample rate of the source in Hz.
        delay: The delay of the encoder, in samples at 48 kHz.
    """
    family, streams, coupled = 1, 2, 0
    head = struct.pack("<8sBBHIhB", b"OpusHead", 1, 2, delay, rate, 0, family)
    return head + bytes((streams, coupled, 0, 1))


def opus_tags(vendor: str) -> bytes:
    """Return the second header, without comments (RFC 7845 section 5.2)."""
    name = vendor.encode()
    return b"OpusTags" + struct.pack("<I", len(name)) + name + struct.pack("<I", 0)


def split_frames(packet: bytes) -> list[bytes]:
    """Return a packet for each frame of a packet (RFC 6716 section 3.2).

    Args:
        packet: A packet without padding, as libopus makes it.
    """
    code, at = packet[0] & 3, 1
    if code == 0:
        return [packet]
    count, lengths = 2, []
    if code == 3:
        count, at = packet[1] & 0x3F, 2
    if code == 2 or (code == 3 and packet[1] & _DIFFERENT):
        for _ in range(count - 1):
            size, used = packet[at], 1
            if size >= 252:
                size, used = size + 4 * packet[at + 1], 2
            lengths.append(size)
            at += used
    else:
        lengths = [(len(packet) - at) // count] * (count - 1)
    head, frames = bytes((packet[0] & ~3,)), []
    for length in lengths:
        frames.append(head + packet[at : at + length])
        at += length
    return [*frames, head + packet[at:]]


def join_streams(left: Sequence[bytes], right: Sequence[bytes]) -> list[bytes]:
    """Return packets of two streams (RFC 7845 section 3): the first one says its length.

    Args:
        left: The packets of the first stream, with one frame each (RFC 6716 appendix B).
        right: Those of the second.
    """
    lengths = _LENGTHS
    return [
        b"".join((one[:1], lengths[len(one) - 1], one[1:], other))
        for one, other in zip(left, right, strict=True)
    ]


def _length(size: int) -> bytes:
    """Return the length of a frame as in a packet (RFC 6716 section 3.2.1)."""
    if size < 252:
        return bytes((size,))
    low = 252 + (size & 3)
    return bytes((low, (size - low) >> 2))


_LENGTHS = [_length(size) for size in range(MAX_FRAME_BYTES + 1)]
"""Those of all frames."""
