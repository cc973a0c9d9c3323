"""One side of an Ogg file, as a stream of Opus. No I/O."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from ..audio.libopus import LOW_DELAY_S, Libopus, LibopusEncoder
from .ogg import split_frames
from .packet_track import PACKET_S
from .track import NO_PACKETS, RATE, Span

__all__ = ["OpusSide"]

BIT_RATE = 32_000
"""Of each side, in bit/s: what Opus needs for speech in mono."""

COMPLEXITY = 0
"""Of 10. A side costs 0.6 ms per second of speech; 1.3 with that of calls, 5."""

MAX_FRAMES = 3
"""How many packets are encoded by one call, which costs less."""

QUIET_RMS = 16.0
"""Up to this level of ``int16`` a packet is quiet: -66 dB of full scale, which rooms have."""

COARSE = 16
"""Of so many samples one is looked at first: it mostly shows that a packet is not quiet."""

HANGOVER = 3
"""How many quiet packets are encoded before silence takes their place: the first one contains the
end of the speech before it, as the encoder looks ahead. It is the only one if nothing was placed in
those after it. Packets that were sent follow encoded speech only if more are between them: their
first ones depend on what was sent before."""

NEVER = 1 << 60
"""A position after all others."""

SETTLING = 6
"""After how many packets of silence the state of an encoder does not change any more."""

CONTINUES_AFTER = 50
"""Packets that were sent are written again when all have come for more than so many: 1 s."""

LOW_PEAK = 500
"""They are written again only from a packet on whose peak is below this level of ``int16``, -36 dB
of full scale: after a change within speech, a decoder needs about 0.1 s until it sounds right."""


class OpusSide:
    """Encode one side, and leave out what is quiet.

    Packets that were sent over WebRTC take the place of encoded audio: they cost nothing, and sound
    better.

    Args:
        library: The library.
        rate: Sample rate in Hz.
    """

    def __init__(self, library: Libopus, rate: int = RATE) -> None:
        self._library = library
        self._spans: list[Span] = []  # the last packet, and what waits to fill another one
        self._at = 0  # where in it the next packet begins
        self._quiet = HANGOVER + 1  # packets in a row
        self._is_silent = True  # the last packet is silence, which was not encoded
        self._has_end = False  # the last packet has audio, whose end is in the next one
        self._count = 0  # packets
        self._sent: dict[int, bytes] = {}  # packets that were sent, by their number
        self._complete = 0  # packets in a row for which one of these has come
        self._copied = False  # the last packet is one of them
        self._use_rate(rate)

    def _use_rate(self, rate: int) -> None:
        """Create an encoder, whose state is that after silence."""
        self._rate = rate
        self._encoder = LibopusEncoder(self._library, 1, rate, BIT_RATE, COMPLEXITY, low_delay=True)
        self._size = round(rate * PACKET_S)
        for _ in range(SETTLING):
            self._silence = self._encoder.encode(np.zeros((1, self._size), np.int16))
        self._settled = self._encoder.save()

    def push(
        self, audio: Span, rate: int, packets: Mapping[int, bytes] = NO_PACKETS
    ) -> list[bytes]:
        """Return the packets that audio completes.

        Args:
            audio: The audio.
            rate: Its sample rate in Hz, a multiple of that before.
            packets: Packets that were sent, by the position in the audio at which they begin. Only
                those are used that begin ``LOW_DELAY_S`` before a multiple of their length, counted
                from the first sample of all: encoded audio is late by that in the file, they are
                not.
        """
        if rate != self._rate:
            self._raise_rate(rate)
        waiting = sum(map(len, self._spans)) - self._at
        if packets:
            self._keep(packets, self._count * self._size + waiting)
        self._spans.append(audio)
        count = (waiting + len(audio)) // self._size
        made: list[bytes] = []
        while left := count - len(made):
            next_ones = self._copy(left) or self._leave_out(left) or self._encode(left)
            self._count += len(next_ones)
            made += next_ones
        return made

    def _audio_bounds(self) -> tuple[int, int]:
        """Return how many of the next packets are before all audio, and how many before its end."""
        first, last, at = NEVER, 0, -self._at
        for span in self._spans:
            for begin, end in span.stretches:
                if at + end > 0:
                    first, last = min(first, at + begin), max(last, at + end)
            at += len(span)
        return max(0, first) // self._size, -(-last // self._size)

    def _raise_rate(self, rate: int) -> None:
        """Use an encoder of a higher rate from now on."""
        factor = rate // self._rate
        samples = np.repeat(self._samples(sum(map(len, self._spans))), factor)
        self._spans, self._at = [Span.from_samples(samples)], min(self._at, self._size) * factor
        self._use_rate(rate)
        if not self._is_silent:  # the encoder before kept the end of it for its next packet
            self._encoder.encode(samples[np.newaxis, : self._size])

    def _samples(self, end: int) -> NDArray[np.int16]:
        """Return the samples from the beginning of the last packet, if there is one, to an end."""
        begin, at = max(0, self._at - self._size), 0
        parts = [np.zeros(0, np.int16)]
        for span in self._spans:
            first, last = max(begin - at, 0), min(end - at, len(span))
            if first < last:
                parts.append(span.part(first, last))
            at += len(span)
        return np.concatenate(parts)

    def _keep(self, packets: Mapping[int, bytes], position: int) -> None:
        """Keep packets that were sent until there is audio for all of each."""
        begin = position + round(LOW_DELAY_S * self._rate)
        size, lowest = self._size, self._count * self._size - begin
        if (begin + next(iter(packets))) % size == 0:  # so are all others
            self._sent.update(
                {(begin + at) // size: packet for at, packet in packets.items() if at >= lowest}
            )

    @property
    def _can_go_on(self) -> bool:
        """Whether a packet that was sent may follow the last packet, whatever it contains."""
        return self._copied or self._quiet > HANGOVER

    def _copy(self, count: int) -> list[bytes]:
        """Return the next packets that were sent, if they may take the place of encoded ones."""
        made: list[bytes] = []
        if self._sent and self._can_go_on:
            for number in range(self._count, self._count + count):
                if (packet := self._sent.pop(number, None)) is None:
                    break
                made.append(packet)
        if made:
            self._copied = self._has_end = True
            self._quiet, self._is_silent = 0, False
            self._complete += len(made)
            self._skip(len(made))
        return made

    def _leave_out(self, count: int) -> list[bytes]:
        """Return silence up to the next audio or sent packet, if the last packet is silence."""
        if not self._is_silent:
            return []
        count = min(count, self._audio_bounds()[0], min(self._sent, default=NEVER) - self._count)
        if count:
            self._complete, self._has_end = 0, False
            self._quiet += count
            self._skip(count)
        return [self._silence] * count

    def _skip(self, count: int) -> None:
        """Forget the audio of the next packets, but for that of the last one."""
        self._at += count * self._size
        while self._at - len(self._spans[0]) >= self._size:
            self._at -= len(self._spans.pop(0))

    def _encode(self, count: int) -> list[bytes]:
        """Return at least one and at most so many of the next packets, encoded where needed."""
        until = self._audio_bounds()[1]
        count = min(count, until + 2)  # the end of the audio, and silence
        first = self._count
        sent = [self._sent.pop(n, b"") for n in range(first, first + count)]
        frames = self._samples(self._at + count * self._size).reshape(-1, self._size)
        before = len(frames) - count  # 0 for the first packet of all
        self._skip(count)
        are_quiet = self._are_quiet(frames)
        made: list[bytes] = []
        run = 0  # packets to encode
        after_silence = after_copied = False
        for n, packet in enumerate(sent, start=before):
            silent, copied = self._is_silent, self._copied
            self._complete = self._complete + 1 if packet else 0
            self._copied = bool(packet) and (self._can_go_on or self._can_copy(frames[n]))
            if copied:  # its end is in the next packet at most
                self._quiet = HANGOVER if are_quiet[n - 1] else HANGOVER - 1
            self._quiet = self._quiet + 1 if are_quiet[n] and not self._copied else 0
            over = n >= before + until and not self._has_end
            self._is_silent = self._quiet > HANGOVER or (self._quiet > 0 and (silent or over))
            self._has_end = n < before + until or self._copied
            if self._copied or self._is_silent:
                if run:
                    made += self._encode_run(frames, range(n - run, n), after_silence, after_copied)
                made.append(packet if self._copied else self._silence)
                run = 0
                continue
            if not run:
                after_silence, after_copied = silent, copied
            run += 1
        if run:
            rest = range(len(frames) - run, len(frames))
            made += self._encode_run(frames, rest, after_silence, after_copied)
        return made

    def _can_copy(self, samples: NDArray[np.int16]) -> bool:
        """Return whether a packet that was sent may follow encoded speech."""
        quiet = np.abs(samples[::COARSE]).max() < LOW_PEAK
        return self._complete > CONTINUES_AFTER and bool(quiet)

    def _encode_run(
        self, frames: NDArray[np.int16], run: range, after_silence: bool, after_copied: bool
    ) -> list[bytes]:
        """Encode packets in a row, and what is before them if that was copied."""
        if after_silence or after_copied:
            self._encoder.restore(self._settled)
        if after_copied:  # for the overlap; the decoder has other memory than the encoder
            self._encoder.encode(frames[np.newaxis, run[0] - 1])
            self._encoder.predict(on=False)
        made: list[bytes] = []
        for n in run[::MAX_FRAMES]:
            count = min(MAX_FRAMES, run.stop - n)
            joined = self._encoder.encode_at(frames[n:].ctypes.data, count * self._size)
            made += split_frames(joined)
            if after_copied and n == run[0]:
                self._encoder.predict(on=True)
        return made

    def _are_quiet(self, frames: NDArray[np.int16]) -> list[bool]:
        """Return which packets are quiet."""
        energy = QUIET_RMS * QUIET_RMS * self._size
        if np.abs(frames[:, ::COARSE]).max(axis=1).min() > math.sqrt(energy):
            return [False] * len(frames)  # one sample of each is enough
        floats = frames.astype(np.float32)
        are_quiet: list[bool] = (np.einsum("ij,ij->i", floats, floats) <= energy).tolist()
        return are_quiet
