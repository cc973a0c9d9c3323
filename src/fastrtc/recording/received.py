"""The audio of the client, placed by its own clock. No I/O, no clock."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from operator import sub

import numpy as np
from numpy.typing import NDArray

from ..audio.converter import AudioConverter
from .baseline import DelayBaseline
from .consent import ENCODED_FIRST, MARGIN_S, HeldAudio, consented_offset, cut_before
from .correction import PositionCorrection
from .events import Received
from .joined import JoinedAudio
from .packet_track import PACKET_S, PacketTrack
from .track import HELD_BACK_S, NOWHERE, SampleTrack

__all__ = ["HOLD_S", "ReceivedAudio"]

HOLD_S = 0.25
"""How much of a new stretch of audio is held before it is placed, in seconds: among so many packets
one comes without delay, and a burst after a stall of the network is complete."""

GAP_S = 0.3
"""After how long a delay audio without times, as over a WebSocket, begins a new stretch, in
seconds: the client sent none, or its network stalled and the rest comes in a burst."""

PAUSE_S = 5.0
"""After how long without audio a new stretch begins, in seconds: the clocks may have drifted."""

RESTART_S = 1.0
"""The same for audio with RTP times, whose pauses are known: the peer has started a new clock."""

BEFORE_S = 0.5
"""How much of the first audio may be from before the recording began, in seconds, and is left out:
it was on its way. More is of a client that sends ahead of real time, such as a file, unless the
recording began with the speaker's consent."""

CONTIGUOUS_S = 0.005
"""Up to this distance, in seconds, audio follows what came before without a gap."""

KEPT_PAUSE_S = 0.2
"""How much of a pause is kept when a delay is made up in it, in seconds."""

CHUNK_JITTER_S = 0.05
"""How late a chunk that is longer than audio is held back may be without a gap, in seconds."""

CHUNK_WINDOW_S = 10.0
"""For how long the longest chunk counts, in seconds."""


STEP_FROM_S = 0.6 * PACKET_S
"""From which error on the position of audio whose packets are written as they are is corrected by
the length of a packet, in seconds."""


class ReceivedAudio:
    """Place the client's audio by its media time, and never by when each packet arrived.

    The media time is that of RTP, or the number of samples since the beginning. Its offset to our
    clock is the smallest delay of the latest packets, which follows the client's clock: the small
    correction is spread over pauses, or stretches the audio by up to 0.5%. Audio that arrives after
    a stall of the network is placed as early as possible, and nothing of it is lost. Audio in
    chunks that are longer than it is held back is placed so much later, as its place is written
    when a chunk arrives.

    Audio comes in the order in which the client sent it. If its clock jumps, it goes on where it
    was; nothing that was placed is overwritten.

    If packets are to be written as they are, the positions of all are a multiple of 20 ms apart,
    and the client's clock is followed in such steps.

    Args:
        track: The track to place it on.
        began_s: When the recording began.
        consent_s: When the speaker consented; what was said before, and until ``MARGIN_S`` later,
            is left out, however late it arrives. None if there is no such time.
        packets: Where to place packets; None if they are not used.
        known_offset_s: See ``consented_offset``.
    """

    def __init__(
        self,
        track: SampleTrack,
        began_s: float,
        consent_s: float | None = None,
        packets: PacketTrack | None = None,
        known_offset_s: float = inf,
    ) -> None:
        self._track = track
        self._packets = packets
        self._on_grid = False  # there have been packets
        self._step_s = 0.0  # what is left to correct of a step
        self._rate = track.rate
        self._began_s = began_s
        self._consent_s = consent_s
        self._known_offset_s = known_offset_s
        self._encoded_first = 0 if consent_s is None else ENCODED_FIRST  # chunks left to encode
        self._baseline = DelayBaseline()
        self._anchor_s = 0.0  # what to add to media time
        self._held: list[HeldAudio] | None = None
        self._held_since = -inf
        self._arrival_s = inf  # of what came last
        self._started = False
        self._chunk_s = 0.0  # the longest of the latest chunks without RTP times
        self._chunk_until_s = -inf
        self._converter = AudioConverter(track.rate, 1)
        self._next = NOWHERE  # the position after what was placed last
        self._correction = PositionCorrection(track.rate, KEPT_PAUSE_S)
        self._joined = JoinedAudio()

    def add_all(self, events: Sequence[Received]) -> None:
        """Place audio, or hold it if it begins a new stretch."""
        if not self._append_packets(events):
            for event in events:
                self.add(event)
            self.settle()

    def _append_packets(self, events: Sequence[Received]) -> bool:
        """Place audio that follows what came before, packet by packet, as most does.

        Returns:
            Whether it does; otherwise nothing is placed.
        """
        track = self._packets
        if track is None or self._converter.source_rate != self._rate or self._held is not None:
            return False
        if self._step_s or self._encoded_first:
            return False
        media, timed, arrivals, rates, samples, packets = zip(*events, strict=True)
        if not (
            all(timed)
            and track.accepts_all(rates, samples, packets, media)
            and arrivals[-1] - self._arrival_s <= PAUSE_S
        ):
            return False
        delays = list(map(sub, arrivals, media))
        least_s, known_s = min(delays), self._baseline.offset + PACKET_S
        if max(delays) - known_s > RESTART_S or least_s - known_s < -RESTART_S:
            return False
        first = delays.index(least_s)
        self._baseline.add(media[first] + PACKET_S, arrivals[first])
        position = self._position(media[0])
        if (
            abs(self._error_s()) > STEP_FROM_S
            or abs(position - self._next) > CONTIGUOUS_S * self._rate
            or min(position, self._next) < self._track.read_to
            or not track.is_aligned(self._next)
        ):
            return False
        self._arrival_s = arrivals[-1]
        self._on_grid = True
        self._correction.begin()  # there is nothing to correct
        size = len(samples) * track.length
        if not self._track.place_all(self._next, samples, size):
            return False
        track.place_run(self._next, packets)
        self._next += size
        return True

    def add(self, event: Received) -> None:
        """Place audio by the next ``settle``, or hold it if it begins a new stretch."""
        media_s, timed, arrival_s, rate, samples, packet = event  # as 50 times a second
        track = self._packets
        channels, size = samples.shape
        if channels > 1 or track is None or not track.accepts(rate, size, packet):
            packet = b""
        if self._held is not None:
            self.advance(arrival_s)
        chunk_s = size / rate
        if not timed and (chunk_s >= self._chunk_s or arrival_s > self._chunk_until_s):
            self._chunk_s, self._chunk_until_s = chunk_s, arrival_s + CHUNK_WINDOW_S
        end_s = media_s + chunk_s  # it is sent at its end
        if self._held is not None and timed:
            self._end_hold_of_another_clock(arrival_s - end_s)
        if self._held is None and self._is_restart(timed, arrival_s, arrival_s - end_s):
            self.settle()
            self._flush()
            self._baseline = DelayBaseline()
            self._held, self._held_since = [], arrival_s
        self._baseline.add(end_s, arrival_s)
        self._arrival_s = arrival_s
        if self._held is not None:
            self._held.append(HeldAudio(media_s, rate, samples, packet))
            return
        if self._encoded_first:
            self._encoded_first -= 1
            packet = b""
        if not self._joined.add(media_s, rate, samples, packet):
            self.settle()
            self._joined.add(media_s, rate, samples, packet)

    def settle(self) -> None:
        """Place all audio that was added and is not held."""
        samples = self._joined.take()
        if samples is not None:
            joined = self._joined
            self._place(joined.start_s, joined.rate, samples, joined.packets)

    def _end_hold_of_another_clock(self, offset_s: float) -> None:
        """Place what is held if the client's clock has jumped since; what comes is held anew."""
        if abs(offset_s - self._baseline.offset) <= RESTART_S:
            return
        if self._consent_s is not None and not self._started:
            self._held = None  # it may be from before the consent: when it was said is not known
        else:
            self._release()

    def _consented(self, held: list[HeldAudio]) -> list[HeldAudio]:
        """Return what was said after the consent, by the smallest delay of what is known."""
        if self._consent_s is not None and not self._started:
            offset_s = consented_offset(self._baseline.offset, self._known_offset_s)
            held = cut_before(held, self._consent_s + MARGIN_S - offset_s)
        first, rest = held[: self._encoded_first], held[self._encoded_first :]
        self._encoded_first -= len(first)
        return [part._replace(packet=b"") for part in first] + rest

    def _is_restart(self, timed: bool, arrival_s: float, offset_s: float) -> bool:
        if not self._started or arrival_s - self._arrival_s > PAUSE_S:
            return True
        late_s = offset_s - self._baseline.offset
        return late_s > (RESTART_S if timed else GAP_S) or late_s < -RESTART_S

    def advance(self, now_s: float) -> None:
        """Place what was held for long enough."""
        if self._held is not None and now_s >= self._held_since + HOLD_S:
            self._release()

    def offset_s(self, now_s: float) -> float | None:
        """Return what to add to the media time of audio for the time at which it was placed.

        Returns:
            None while no audio has been placed for long.
        """
        recent = self._started and now_s - self._arrival_s <= PAUSE_S
        return self._anchor_s if recent else None

    @property
    def lag_s(self) -> float:
        """How much later than its time audio is placed, in seconds: 10 ms either way at most.

        More than that is late audio, which is made up for.
        """
        if not self._started:
            return 0.0
        return max(-PACKET_S / 2, min(-self._error_s(), PACKET_S / 2))

    def finish(self) -> None:
        """Place all that is left."""
        self.settle()
        if self._held is not None:
            self._release()
        self._flush()

    def _release(self) -> None:
        held, self._held = self._consented(self._held or []), None
        if not held:
            return
        self._anchor_s = self._baseline.offset + self._behind_s()
        earliest_s = self._began_s + max(self._track.read_to, self._next) / self._rate
        start_s = held[0].media_s + self._anchor_s
        exact = self._started or self._consent_s is not None
        if not exact and start_s >= self._began_s - BEFORE_S:
            start_s = max(start_s, self._began_s)
        if start_s < earliest_s:  # nothing that was placed is overwritten, nothing is lost
            self._anchor_s += earliest_s - start_s
        self._started = True
        self._correction.begin()
        self._align(held)
        for media_s, rate, samples, packet in held:
            end_s = media_s + samples.shape[1] / rate
            if self._next == NOWHERE and self._position(end_s) <= self._track.read_to:
                continue  # it is from before the recording began
            self._place(media_s, rate, samples, [(0, packet)] if packet else [])

    def _align(self, held: list[HeldAudio]) -> None:
        """Let the first packet be at one of the positions of all."""
        first = next((part for part in held if part.packet), None)
        if self._packets is None or first is None:
            return
        start, position = (self._position(part.media_s) for part in (held[0], first))
        lowest = NOWHERE  # of the first audio, up to 10 ms are left out
        if self._next != NOWHERE:
            lowest = min(position, max(self._track.read_to, self._next) + position - start)
        aligned = self._packets.align(position, lowest)
        self._anchor_s += (aligned - position) / self._rate

    def _behind_s(self) -> float:
        """Return how late long chunks are placed, so that the start of none is written before."""
        return max(0.0, self._chunk_s + CHUNK_JITTER_S - HELD_BACK_S)

    def _place(
        self,
        media_s: float,
        rate: int,
        samples: NDArray[np.int16],
        packets: Sequence[tuple[int, bytes]],
    ) -> None:
        position = self._position(media_s)
        late = self._next != NOWHERE and position < self._track.read_to
        if late or abs(position - self._next) > CONTIGUOUS_S * self._rate:
            self._flush()
            start = position
            if self._next != NOWHERE:  # nothing is lost, and a gap makes up for a delay
                start += round(min(0.0, self._error_s()) * self._rate)
                start = max(start, self._next, self._track.read_to)
            self._next = self._aligned_start(start, packets)
            self._anchor_s += (self._next - position) / self._rate
            self._step_s = 0.0
        converted = self._converter.convert(rate, samples)[0]
        corrected = self._correct(converted, packets)
        start = self._next
        if self._put(corrected) and self._packets is not None and corrected is converted:
            self._packets.place(start, packets, self._track.read_to)

    def _aligned_start(self, position: int, packets: Sequence[tuple[int, bytes]]) -> int:
        """Return where to begin a piece of audio, so that its packets can be written as they are.

        Args:
            position: The right position.
            packets: The packets, with the position of each in the piece.
        """
        if self._packets is None:
            return position
        self._packets.cut(position)
        if not packets:
            return position
        lowest = max(self._next, self._track.read_to)
        return self._packets.align_audio(position, lowest, packets[0][0])

    def _correct(
        self, samples: NDArray[np.int16], packets: Sequence[tuple[int, bytes]]
    ) -> NDArray[np.int16]:
        """Correct the position of the audio that is placed next."""
        error_s = self._error_s()
        if packets or self._on_grid:
            self._on_grid = True
            self._step_s = error_s = self._step_s or self._next_step_s(error_s, packets)
        corrected = self._correction.correct(samples, error_s, exactly=self._on_grid)
        moved_s = (len(corrected) - len(samples)) / self._rate
        self._anchor_s += moved_s
        if self._step_s:
            self._step_s -= moved_s
            if abs(self._step_s) < 0.5 / self._rate:
                self._step_s = 0.0
        return corrected

    def _error_s(self) -> float:
        """Return by how much audio should move, in seconds."""
        error_s = self._baseline.offset - self._anchor_s
        return min(0.0, error_s + self._behind_s()) if error_s < 0 else error_s

    def _next_step_s(self, error_s: float, packets: Sequence[tuple[int, bytes]]) -> float:
        """Return by how much to move audio so that its packets can be written as they are.

        Args:
            error_s: By how much it should move, in seconds.
            packets: The packets, with the position of each in the audio.
        """
        assert self._packets is not None
        off = 0
        if packets:
            position = self._next + packets[0][0]
            off = self._packets.align(position, NOWHERE) - position
        if not off and abs(error_s) <= STEP_FROM_S:
            return 0.0
        length = self._packets.length
        return (off + length * round((error_s * self._rate - off) / length)) / self._rate

    def _position(self, media_s: float) -> int:
        return round((media_s + self._anchor_s - self._began_s) * self._rate)

    def _put(self, samples: NDArray[np.int16]) -> bool:
        """Place audio. What is too far ahead is dropped, and what follows takes its place.

        Returns:
            Whether all of it was placed, and some of it is to be read.
        """
        placed, dropped = self._track.place_fitting(self._next, samples)
        self._next += len(samples) - dropped
        self._anchor_s -= dropped / self._rate
        return placed

    def _flush(self) -> None:
        """Place what is left in the resampler; what follows is another stretch."""
        rest = self._converter.flush()[0]
        if self._next != NOWHERE and len(rest):
            self._put(rest)
