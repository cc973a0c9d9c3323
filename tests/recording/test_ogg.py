"""Pages of Ogg, laid out as the standards say."""

import struct

import numpy as np
import pytest

from fastrtc.audio.libopus import LibopusDecoder, LibopusEncoder, libopus
from fastrtc.recording.ogg import OggPages, join_streams, opus_head, opus_tags, split_frames

from .sound import tone


def checksum(page: bytes) -> int:
    """The CRC of RFC 3533, bit by bit."""
    value = 0
    for byte in page[:22] + bytes(4) + page[26:]:
        value ^= byte << 24
        for _ in range(8):
            value = (value << 1) ^ (0x04C11DB7 if value & 0x80000000 else 0)
        value &= 0xFFFFFFFF
    return value


def pages_of(data: bytes) -> list[tuple[int, int, int, list[bytes]]]:
    """Flags, position, number and packets of each page."""
    pages = []
    while data:
        magic, version, flags, position, serial, number, crc, count = struct.unpack_from(
            "<4sBBQIIIB", data
        )
        assert (magic, version, serial) == (b"OggS", 0, 7)
        lengths, packets, at, size = data[27 : 27 + count], [], 27 + count, 0
        for length in lengths:
            size += length
            if length < 255:
                packets.append(data[at : at + size])
                at, size = at + size, 0
        assert not size and checksum(data[:at]) == crc
        pages.append((flags, position, number, packets))
        data = data[at:]
    return pages


def test_pages_have_whole_packets_and_checksums() -> None:
    ogg = OggPages(7)
    packets = [bytes([n % 256]) * n for n in (0, 1, 254, 255, 256, 510, 1000)]
    data = ogg.pages([b"first"], 0) + ogg.pages(packets, 7000, step=1000)
    data += ogg.pages([b"end"], 8000, step=1000, cut=7400)
    assert pages_of(data) == [
        (2, 0, 0, [b"first"]),
        (0, 7000, 1, packets),
        (4, 7400, 2, [b"end"]),
    ]


def test_more_than_a_page_holds() -> None:
    packets = [bytes([n % 256]) * 600 for n in range(200)]  # 3 segments each
    pages = pages_of(OggPages(7).pages(packets, 200 * 960, step=960, cut=200 * 960 - 5))
    assert [(page[0], page[1], len(page[3])) for page in pages] == [
        (2, 85 * 960, 85),
        (0, 170 * 960, 85),
        (4, 200 * 960 - 5, 30),
    ]
    assert [packet for page in pages for packet in page[3]] == packets


@pytest.mark.parametrize("size", [0, 1, 251, 252, 255, 256, 1274])
def test_the_first_stream_says_its_length(size: int) -> None:
    frame = bytes(range(256)) * 5
    (joined,) = join_streams([b"\xf8" + frame[:size]], [b"\xf8right"])
    assert joined[0] == 0xF8
    length, at = joined[1], 2
    if length >= 252:
        length, at = length + 4 * joined[2], 3
    assert length == size and joined[at : at + size] == frame[:size]
    assert joined[at + size :] == b"\xf8right"


@pytest.mark.parametrize(
    ("head", "sizes"),
    [
        (b"\x78", (80,)),
        (b"\x79", (80, 80)),
        (b"\x7a\x50", (80, 90)),
        (b"\x7a\xfd\x07", (281, 700)),  # 253 + 4 * 7
        (b"\x7b\x03", (60, 60, 60)),
        (b"\x7b\x83\x01\xfc\x0c", (1, 300, 20)),  # 252 + 4 * 12
    ],
)
def test_a_packet_of_several_frames_is_split(head: bytes, sizes: tuple[int, ...]) -> None:
    """RFC 6716 section 3.2."""
    frames = [bytes([n]) * size for n, size in enumerate(sizes)]
    packets = split_frames(head + b"".join(frames))
    assert packets == [b"\x78" + frame for frame in frames]


def test_what_libopus_makes_is_split_into_its_frames() -> None:
    library = libopus()
    assert library is not None
    encoder = LibopusEncoder(library, 1, 48_000, 32_000, 0, low_delay=True)
    whole, parts = LibopusDecoder(library, 1, 48_000), LibopusDecoder(library, 1, 48_000)
    for n in (960, 1920, 2880, 2880):
        packet = encoder.encode(tone(n / 48_000)[np.newaxis])
        frames = split_frames(packet)
        assert len(frames) == n // 960
        heard = np.concatenate([parts.decode(frame) for frame in frames], axis=1)
        assert np.array_equal(whole.decode(packet), heard)


def test_the_headers() -> None:
    assert opus_head(24_000, 120) == b"OpusHead\x01\x02\x78\0\xc0\x5d\0\0\0\0\x01\x02\0\0\x01"
    assert opus_tags("me") == b"OpusTags\x02\0\0\0me\0\0\0\0"
