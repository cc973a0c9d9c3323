"""Samples of one side by position. No I/O, no clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["GRID", "HELD_BACK_S", "NOWHERE", "NO_PACKETS", "RATE", "Block", "SampleTrack", "Span"]

RATE = 48_000
"""Sample rate of a recording in Hz: that of Opus, which needs no resampling of lower ones."""

GRID = 6
"""Blocks end at multiples of this, in samples at ``RATE``: they do so at lower rates, too."""

HELD_BACK_S = 0.4
"""How long audio is kept before it is written, in seconds: what an interruption cuts, the late
packets of a jittering network and the start of a stretch must have arrived. It is the greatest part
of what is lost if the process is killed. With video that comes later than its audio, it is so much
longer."""

NO_PACKETS: Mapping[int, bytes] = {}

NOWHERE = -(1 << 60)
"""A position before all others."""

MAX_AHEAD_S = 120.0
"""How far ahead of what was read samples may be, in seconds; what is further ahead is dropped."""


class _Piece(NamedTuple):
    begin: int
    end: int
    chunks: Sequence[NDArray[np.int16]]  # of shape (n,) or (1, n)


class Span:
    """Audio between two positions. Its samples are put together when they are needed.

    Args:
        begin: The position of the first sample.
        end: The position after the last one.
        pieces: What was placed there, in the order in which it was.
    """

    def __init__(self, begin: int, end: int, pieces: Sequence[_Piece]) -> None:
        self._begin = begin
        self._length = end - begin
        self._pieces = pieces
        self._samples: NDArray[np.int16] | None = None

    @classmethod
    def from_samples(cls, samples: NDArray[np.int16]) -> Span:
        """Return a span with samples of shape ``(n,)``; silence is empty."""
        pieces = [_Piece(0, len(samples), [samples])] if samples.any() else []
        return cls(0, len(samples), pieces)

    def __len__(self) -> int:
        """Return the number of samples."""
        return self._length

    @property
    def stretches(self) -> list[tuple[int, int]]:
        """Where audio was placed in it, from its beginning; elsewhere it is silence."""
        begin, length = self._begin, self._length
        return [
            (max(0, piece.begin - begin), min(length, piece.end - begin)) for piece in self._pieces
        ]

    @property
    def samples(self) -> NDArray[np.int16]:
        """The samples, shape ``(n,)``; not to be modified."""
        if self._samples is None:
            self._samples = self.part(0, self._length)
        return self._samples

    def part(self, begin: int, end: int) -> NDArray[np.int16]:
        """Return the samples between two positions in it, shape ``(n,)``; not to be modified."""
        if self._samples is not None:
            return self._samples[begin:end]
        samples, offset = np.zeros(end - begin, np.int16), self._begin + begin
        for piece in self._pieces:
            at = piece.begin - offset
            for chunk in piece.chunks:
                first, at = at, at + chunk.size
                if first >= len(samples):
                    break
                if at > 0:
                    flat = chunk.reshape(-1)
                    samples[max(0, first) : at] = flat[max(0, -first) : len(samples) - first]
        return samples


class Block(NamedTuple):
    """Audio of both sides.

    Attributes:
        received: What was received.
        played: What was played.
        rates: The sample rates of both, in Hz; they divide ``RATE``.
        packets: Packets of both sides, by the position in ``received`` or ``played`` at which they
            begin. They end in it, and may begin up to a packet before it; it has their audio, too.
        phase: The position of all packets of the file modulo their length, in samples at ``RATE``;
            None if packets are not used.
    """

    received: Span
    played: Span
    rates: tuple[int, int] = (RATE, RATE)
    packets: tuple[Mapping[int, bytes], Mapping[int, bytes]] = (NO_PACKETS, NO_PACKETS)
    phase: int | None = None


class SampleTrack:
    """Mono samples, placed at positions and read from the beginning to the end.

    Positions are samples since the recording began. What was not placed is silence. Arrays are kept
    as they are, until their samples are needed: that costs nothing where they are not.

    Args:
        rate: The sample rate in Hz.

    Attributes:
        rate: The present rate.
        read_to: The position up to which samples were read; none can be placed before it.
        end: The position after the last sample that was placed.
    """

    def __init__(self, rate: int = RATE) -> None:
        self.rate = rate
        self._max_ahead = round(MAX_AHEAD_S * rate)
        self._pieces: list[_Piece] = []
        self.read_to = 0
        self.end = 0

    def place(self, position: int, samples: NDArray[np.int16]) -> bool:
        """Place samples, shape ``(n,)``; see ``place_all``."""
        return self.place_all(position, [samples], len(samples))

    def place_all(self, position: int, chunks: Sequence[NDArray[np.int16]], size: int) -> bool:
        """Place samples; those before ``read_to`` are dropped.

        Args:
            position: The position of the first one.
            chunks: The samples, one array after the other, of shape ``(n,)`` or ``(1, n)``. They
                are kept, and must not be modified. Silence has none.
            size: The number of samples of all arrays.

        Returns:
            Whether any of them is to be read; none is if they are too far ahead.
        """
        end = position + size
        if end <= max(position, self.read_to) or end > self.read_to + self._max_ahead:
            return False
        if chunks:
            self._pieces.append(_Piece(position, end, chunks))
        self.end = max(self.end, end)
        return True

    def place_fitting(
        self, position: int, samples: NDArray[np.int16], *, silent: bool = False
    ) -> tuple[bool, int]:
        """Place samples, shape ``(n,)``, without those that are too far ahead.

        Args:
            position: The position of the first one.
            samples: The samples.
            silent: Whether they are silence, of which nothing is kept.

        Returns:
            Whether all were placed, and some of them are to be read; and how many were dropped.
        """
        kept = samples[: self.room(position)]
        dropped = len(samples) - len(kept)
        placed = self.place_all(position, () if silent else (kept,), len(kept))
        return placed and not dropped, dropped

    def room(self, position: int) -> int:
        """Return how many samples can be placed at a position; further ones are too far ahead."""
        return max(0, self.read_to + self._max_ahead - position)

    def raise_rate(self, rate: int) -> None:
        """Change the rate, and all positions, to a multiple of it."""
        factor = rate // self.rate
        self.rate, self._max_ahead = rate, self._max_ahead * factor
        self.read_to, self.end = self.read_to * factor, self.end * factor
        self._pieces = [
            _Piece(begin * factor, end * factor, [np.repeat(chunk, factor) for chunk in chunks])
            for begin, end, chunks in self._pieces
        ]

    def cut(self, position: int) -> NDArray[np.int16]:
        """Remove all samples from a position on, and return them."""
        position = max(position, self.read_to)
        if position >= self.end:
            return np.zeros(0, np.int16)
        removed = Span(position, self.end, self._pieces).samples
        kept = Span(self.read_to, position, self._pieces).samples
        self._pieces, self.end = [], position
        self.place(self.read_to, kept)
        return removed

    def read(self, position: int) -> Span:
        """Return the audio up to a position, and forget it."""
        begin, end = self.read_to, max(position, self.read_to)
        pieces = [piece for piece in self._pieces if piece.begin < end]
        if pieces:
            self._pieces = [piece for piece in self._pieces if piece.end > end]
        self.read_to = end
        return Span(begin, end, pieces)
