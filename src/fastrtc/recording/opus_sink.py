"""Ogg files with a stream of Opus for each side, of which silence costs nothing."""

from __future__ import annotations

import secrets
from typing import BinaryIO

import numpy as np
from av import VideoFrame
from numpy.typing import NDArray

from .._version import __version__
from ..audio.libopus import LOW_DELAY_S, Libopus, LibopusEncoder
from .ogg import OggPages, join_streams, opus_head, opus_tags
from .track import RATE, Block
from .wav import write_all

__all__ = ["OpusSink"]

BIT_RATE = 32_000
"""Of each side, in bit/s: what Opus needs for speech in mono."""

COMPLEXITY = 0
"""Of 10. A side costs 0.6 ms per second of speech; 1.3 with that of calls, 5."""

PACKET_MS = 60
"""The length of a packet, in milliseconds: three frames, which are encoded by one call."""

QUIET_RMS = 16.0
"""Up to this level of ``int16`` a packet is quiet: -66 dB of full scale, which rooms have."""

HANGOVER = 2
"""How many quiet packets are encoded before silence takes their place: speech dies away."""

SETTLING = 2
"""After how many packets of silence neither the state of the encoder nor that of a decoder changes
any more: from then on the encoder need not be called."""

MAX_PACKETS = 100
"""Packets that wait for ``flush``; more are the silence since a stop."""

STEP = RATE * PACKET_MS // 1000
"""The length of a packet, in samples at 48 kHz."""


class _Side:
    """Encode one side, and leave out what is quiet.

    Args:
        library: The library.
        rate: Sample rate in Hz.
    """

    def __init__(self, library: Libopus, rate: int = RATE) -> None:
        self._library = library
        self._rest = np.zeros(0, np.int16)  # less than a packet
        self._quiet = HANGOVER  # packets in a row
        self._settled = SETTLING  # packets of silence in a row
        self._last = self._rest  # the last packet
        self._use_rate(rate)

    def _use_rate(self, rate: int) -> None:
        """Create an encoder, whose state is that after silence."""
        self._rate = rate
        self._encoder = LibopusEncoder(self._library, 1, rate, BIT_RATE, COMPLEXITY, low_delay=True)
        self._size = rate * PACKET_MS // 1000
        self._zeros = np.zeros((1, self._size), np.int16)
        for _ in range(SETTLING):
            self._silence = self._encoder.encode(self._zeros)

    def push(self, samples: NDArray[np.int16], rate: int) -> list[bytes]:
        """Return the packets that audio of shape ``(n,)`` completes.

        Args:
            samples: The audio.
            rate: Its sample rate in Hz, a multiple of that before.
        """
        if rate != self._rate:
            factor = max(1, rate // self._rate)
            self._rest = np.repeat(self._rest, factor)
            self._use_rate(rate)
            if not self._settled:  # the encoder before kept the end of it for its next packet
                self._encoder.encode(np.repeat(self._last, factor)[np.newaxis])
        if len(self._rest):
            samples = np.concatenate((self._rest, samples))
        whole = len(samples) - len(samples) % self._size
        self._rest = samples[whole:]
        return self._encode(np.ascontiguousarray(samples[:whole])) if whole else []

    def _encode(self, samples: NDArray[np.int16]) -> list[bytes]:
        """Return the packets of audio that fills them."""
        if self._settled >= SETTLING and not samples.any():  # as while nothing is played
            return [self._silence] * (len(samples) // self._size)
        frames = samples.reshape(-1, self._size).astype(np.float32)
        energies = np.einsum("ij,ij->i", frames, frames)
        are_quiet = (energies <= QUIET_RMS * QUIET_RMS * self._size).tolist()
        address, packets = samples.ctypes.data, []
        for n, is_quiet in enumerate(are_quiet):
            self._quiet = self._quiet + 1 if is_quiet else 0
            if self._quiet <= HANGOVER:
                self._settled = 0
                at = address + n * self._size * samples.itemsize
                packets.append(self._encoder.encode_at(at, self._size))
            elif self._settled < SETTLING:
                packets.append(self._encoder.encode(self._zeros))
                self._settled = self._settled + 1 if packets[-1] == self._silence else 0
            else:
                packets.append(self._silence)
        self._last = samples[-self._size :].copy()
        return packets


class OpusSink:
    """Write both sides into an Ogg file, each as a stream of its own.

    Args:
        file: The file, unbuffered.
        library: The library.
    """

    def __init__(self, file: BinaryIO, library: Libopus) -> None:
        self._file = file
        self._sides = _Side(library), _Side(library)
        self._samples = 0  # at RATE
        self._rates = RATE, RATE
        self._count = 0
        self._packets: list[bytes] = []
        self._pages = OggPages(secrets.randbits(32))
        self._delay = round(LOW_DELAY_S * RATE)
        self._bytes = 0
        self._append(self._pages.pages([opus_head(RATE, self._delay)], 0))
        self._append(self._pages.pages([opus_tags(f"fastrtc {__version__}")], 0))

    def write(self, block: Block) -> None:
        """Append audio; it is written by ``flush``, or if it is much."""
        self._rates = block.rates
        self._samples += len(block.received) * RATE // block.rates[0]
        self._encode(block)
        if len(self._packets) >= MAX_PACKETS:
            self.flush()

    def _encode(self, block: Block) -> None:
        left, right = self._sides
        received = left.push(block.received, block.rates[0])
        self._packets += map(join_streams, received, right.push(block.played, block.rates[1]))
        self._count += len(received)

    def write_picture(self, frame: VideoFrame) -> None:
        """Do nothing: there is no video."""

    def flush(self) -> None:
        """Write what is complete, as a page."""
        if self._packets:
            self._write_pages(None)

    def _write_pages(self, cut: int | None) -> None:
        packets, self._packets = self._packets, []
        self._append(self._pages.pages(packets, self._count * STEP, step=STEP, cut=cut))

    def size(self) -> int:
        """Return the size of the file in bytes, with what is to be written by ``flush``."""
        return self._bytes + sum(map(len, self._packets))

    def close(self) -> None:
        """Write the rest, and close the file."""
        try:
            left_out = self._delay + (-self._samples - self._delay) % STEP  # of the last packet
            left, right = (np.zeros(left_out * r // RATE, np.int16) for r in self._rates)
            self._encode(Block(left, right, self._rates))
            self._write_pages(self._delay + self._samples)
        finally:
            self._file.close()

    def _append(self, data: bytes) -> None:
        try:
            write_all(self._file, data)
        finally:
            self._bytes = self._file.tell()  # a full disk may have taken a part
