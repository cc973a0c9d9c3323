"""Opus packets of one side by position, to be written as they were sent. No I/O, no clock."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from operator import itemgetter, sub

import numpy as np
from numpy.typing import NDArray

from ..audio.libopus import LOW_DELAY_S
from .joined import ROUNDING_S
from .track import GRID, NO_PACKETS, RATE

__all__ = ["PACKET_LENGTH", "PACKET_S", "PacketGrid", "PacketTrack", "can_be_written"]

PACKET_S = 0.02
"""The length of the packets that are written as they are, in seconds: what WebRTC sends."""

PACKET_LENGTH = round(PACKET_S * RATE)
"""The same in samples at ``RATE``."""

_CONFIGURATIONS = (5, 9, 13, 15, 19, 23, 27, 31)
"""Those of frames of 20 ms (RFC 6716 section 3.1, table 2), without 1, the narrowband of SILK: each
time it begins after silence, FFmpeg's decoder loses 0.5 ms of both sides."""

_FIRST_BYTES = frozenset(n << 3 | stereo << 2 for n in _CONFIGURATIONS for stereo in (0, 1))
"""The first byte of a packet with one such frame."""

_first_byte = itemgetter(0)

MAX_PACKET_BYTES = 640
"""The longest packet that is written: 256 kbit/s."""

MIN_PACKET_BYTES = 3
"""Shorter packets are for silence that was not sent (DTX)."""


def can_be_written(*packets: bytes) -> bool:
    """Return whether each of some packets has one frame of 20 ms, and is not too long."""
    sizes = list(map(len, packets))
    if min(sizes) < MIN_PACKET_BYTES or max(sizes) > MAX_PACKET_BYTES:
        return False
    return _FIRST_BYTES.issuperset(map(_first_byte, packets))


class PacketGrid:
    """Where the packets of both sides begin: a multiple of 20 ms apart.

    Attributes:
        phase: The position of each, modulo their length, in samples at ``RATE``; None before the
            first one.
    """

    def __init__(self) -> None:
        self.phase: int | None = None

    def fix_phase(self, position: int = -round(LOW_DELAY_S * RATE)) -> int:
        """Return the phase; if there is none yet, it is determined by the position of a packet.

        Args:
            position: The position, in samples at ``RATE``; by default that with which the file
                needs no silence before the audio.
        """
        if self.phase is None:
            self.phase = -(-position // GRID) * GRID % PACKET_LENGTH
        return self.phase


class PacketTrack:
    """Packets of 20 ms, placed at positions, and read from the beginning to the end.

    Positions are samples since the recording began. All are a multiple of 20 ms apart, however long
    the recording is, as the packets of the file are.

    Args:
        rate: The sample rate of the positions in Hz.
        grid: That of both sides.

    Attributes:
        length: The length of a packet, in samples.
    """

    def __init__(self, rate: int, grid: PacketGrid) -> None:
        self._grid = grid
        self._packets: dict[int, bytes] = {}
        self._use_rate(rate)

    def _use_rate(self, rate: int) -> None:
        self._rate = rate
        self.length = round(PACKET_S * rate)

    def raise_rate(self, rate: int) -> None:
        """Change the rate, and all positions, to a multiple of it."""
        factor = rate // self._rate
        self._packets = {at * factor: packet for at, packet in self._packets.items()}
        self._use_rate(rate)

    def align(self, position: int, lowest: int) -> int:
        """Return the nearest position of a packet; the first call determines all others.

        Args:
            position: The wanted position.
            lowest: The first one that is possible.
        """
        self._grid.fix_phase(max(position, lowest) * RATE // self._rate)
        aligned = position - self._off(position)
        if position - aligned > self.length // 2:
            aligned += self.length
        return aligned if aligned >= lowest else aligned + self.length

    def align_audio(self, position: int, lowest: int, at: int) -> int:
        """Return the nearest position at which audio may begin so that its packets are aligned.

        Args:
            position: The wanted position.
            lowest: The first one that is possible; the wanted one always is.
            at: The position of its first packet in it.
        """
        return self.align(position + at, min(position, lowest) + at) - at

    def accepts(self, rate: int, size: int, packet: bytes) -> bool:
        """Return whether a packet can be written as it is.

        Args:
            rate: The sample rate of its audio in Hz.
            size: The number of samples of each channel.
            packet: The packet; it may be empty.
        """
        return rate == self._rate and size == self.length and can_be_written(packet)

    def accepts_all(
        self,
        rates: Sequence[int],
        samples: Sequence[NDArray[np.int16]],
        packets: Sequence[bytes],
        times_s: Sequence[float],
    ) -> bool:
        """Return whether mono packets follow each other, and can be written as they are.

        Args:
            rates: The sample rate of each in Hz.
            samples: The audio of each.
            packets: The packets; some may be empty.
            times_s: When each begins, in seconds.
        """
        shape = 1, self.length
        return (
            rates.count(self._rate) == len(rates)
            and all([part.shape == shape for part in samples])
            and can_be_written(*packets)
            and _are_evenly_spaced(times_s)
        )

    def is_aligned(self, position: int) -> bool:
        """Return whether a packet may begin at a position."""
        return self._grid.phase is not None and not self._off(position)

    def _off(self, position: int) -> int:
        """Return how far after the beginning of a packet a position is."""
        phase = self._grid.phase or 0
        return (position - phase * self._rate // RATE) % self.length

    def place(self, position: int, packets: Iterable[tuple[int, bytes]], lowest: int) -> None:
        """Place packets; those are dropped that do not begin where packets may.

        Args:
            position: The position of audio.
            packets: Its packets, with the position of each in it.
            lowest: The first position that is possible.
        """
        if self._grid.phase is not None:
            off, length = self._off(position), self.length
            lowest -= position
            for at, packet in packets:
                if at >= lowest and not (off + at) % length:
                    self._packets[position + at] = packet

    def place_run(self, position: int, packets: Sequence[bytes]) -> None:
        """Place packets that follow each other.

        Args:
            position: The position of the first one, which is aligned and was not read yet.
            packets: The packets.
        """
        end = position + len(packets) * self.length
        self._packets.update(zip(range(position, end, self.length), packets, strict=True))

    def cut(self, position: int) -> None:
        """Remove all packets with audio from a position on."""
        for begin in [at for at in self._packets if at + self.length > position]:
            del self._packets[begin]

    def read(self, position: int, origin: int = 0) -> Mapping[int, bytes]:
        """Return the packets that end up to a position, by their distance to another; forget them.

        Args:
            position: The position.
            origin: The other one.
        """
        packets, last = self._packets, position - self.length
        if not packets:
            return NO_PACKETS
        ended = [at for at in packets if at <= last]
        return {at - origin: packets.pop(at) for at in ended}


def _are_evenly_spaced(times_s: Sequence[float]) -> bool:
    """Return whether all times are the length of a packet apart."""
    if abs(times_s[-1] - times_s[0] - (len(times_s) - 1) * PACKET_S) > ROUNDING_S:
        return False
    apart_s: list[float] = list(map(sub, times_s[1:], times_s)) or [PACKET_S]
    return max(abs(min(apart_s) - PACKET_S), abs(max(apart_s) - PACKET_S)) <= ROUNDING_S
