"""Where packets of the client are placed."""

import numpy as np
import pytest

from fastrtc.recording.packet_track import PacketGrid, PacketTrack, can_be_written

RATES = [16_000, 24_000, 48_000]


def grid() -> PacketGrid:
    """One with a packet at the beginning of the recording."""
    chosen = PacketGrid()
    chosen.phase = 0
    return chosen


@pytest.mark.parametrize("rate", RATES)
def test_all_positions_are_a_whole_number_of_packets_apart(rate: int) -> None:
    packets, length = PacketTrack(rate, PacketGrid()), rate // 50
    first = packets.align(1001, 0)
    assert 0 <= first - 1001 < 6  # a position that all rates have
    assert first * 48_000 // rate % 6 == 0
    for position in range(5000, 5000 + length, 7):
        at = packets.align(position, 0)
        assert abs(at - position) <= length // 2 and (at - first) % length == 0
        later = packets.align(position, position)
        assert 0 <= later - position < length and (later - first) % length == 0


def test_packets_are_read_when_they_have_ended() -> None:
    packets = PacketTrack(48_000, grid())
    for at in (-960, 0, 960, 1920):
        packets.place(at, [(0, bytes([at // 960 + 1]))], -9999)
    assert packets.read(1919) == {-960: b"\0", 0: b"\1"}
    assert packets.read(1920) == {960: b"\2"}
    assert packets.read(1920) == {}


def test_a_cut_removes_packets_of_which_it_removes_audio() -> None:
    packets = PacketTrack(48_000, grid())
    for at in (0, 960, 1920):
        packets.place(0, [(at, b"x"), (at + 1, b"y"), (-960, b"z")], 0)
    packets.cut(1919)
    assert packets.read(9999) == {0: b"x"}


@pytest.mark.parametrize(
    ("packet", "can"),
    [
        (b"\x78" + bytes(80), True),  # hybrid, 20 ms, mono
        (b"\xfc" + bytes(200), True),  # CELT, 20 ms, stereo
        (b"\x48" + bytes(40), True),  # SILK, 20 ms
        (b"\x08" + bytes(20), False),  # SILK in narrowband
        (b"\x78\0", False),  # silence that was not sent
        (b"", False),
        (b"\xf0" + bytes(80), False),  # 10 ms
        (b"\x50" + bytes(80), False),  # 40 ms
        (b"\x79" + bytes(80), False),  # two frames
        (b"\x7b\x03" + bytes(80), False),  # three frames
        (b"\xfc" + bytes(1275), False),  # 510 kbit/s
    ],
)
def test_packets_of_one_frame_of_20_ms_can_be_written(packet: bytes, can: bool) -> None:
    assert can_be_written(packet) is can


PACKET = b"\x78" + bytes(80)
MONO = np.zeros((1, 480), np.int16)


def test_packets_that_follow_each_other() -> None:
    packets = PacketTrack(24_000, grid())
    times = [5.0, 5.02, 5.0405]
    assert packets.accepts(24_000, 480, PACKET) and packets.accepts_all(
        [24_000] * 3, [MONO] * 3, [PACKET] * 3, times
    )
    assert packets.accepts_all([24_000], [MONO], [PACKET], [5.0])
    stereo, short = np.zeros((2, 480), np.int16), MONO[:, :240]
    for rates, samples, sent, at in (
        ([24_000, 48_000, 24_000], [MONO] * 3, [PACKET] * 3, times),
        ([24_000] * 3, [MONO, stereo, MONO], [PACKET] * 3, times),
        ([24_000] * 3, [MONO, MONO, short], [PACKET] * 3, times),
        ([24_000] * 3, [MONO] * 3, [PACKET, b"", PACKET], times),
        ([24_000] * 3, [MONO] * 3, [PACKET] * 3, [5.0, 5.02, 5.06]),
        ([24_000] * 3, [MONO] * 3, [PACKET] * 3, [5.0, 5.02, 5.02]),
    ):
        assert not packets.accepts_all(rates, samples, sent, at)
    assert not packets.accepts(24_000, stereo.size, PACKET)
    assert not packets.accepts(24_000, short.size, PACKET)
    assert not packets.accepts(48_000, 480, PACKET)


def test_packets_in_a_row_are_placed_one_after_the_other() -> None:
    packets = PacketTrack(48_000, grid())
    packets.place_run(1920, [b"one", b"two", b"three"])
    assert packets.read(3840, 960) == {960: b"one", 1920: b"two"}
    assert packets.read(4800) == {3840: b"three"}
