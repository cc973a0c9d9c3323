"""The audio that the client was sent, as far as it plays it. No I/O, no clock."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from operator import sub

import numpy as np
from numpy.typing import NDArray

from ..audio.converter import AudioConverter
from ..audio.libopus import DELAY_S
from .correction import PositionCorrection
from .events import Confirmed, Cut, Held, Played, Released, Restored, TakenBack
from .joined import ROUNDING_S, JoinedAudio
from .packet_track import PACKET_S, PacketTrack
from .track import NOWHERE, RATE, SampleTrack

__all__ = ["PlayedAudio"]

CONTIGUOUS_S = 0.005
"""Up to this distance, in seconds, audio follows what came before without a gap."""

CLIENT_BUFFER_S = 0.06
"""How late audio may be sent without a gap in what the client plays, in seconds: what waits in its
jitter buffer. Browsers have 60 ms over a WebSocket, and about as much over WebRTC."""

ENCODED_FIRST = 2
"""How many frames are encoded, rather than written as they were sent, when audio begins that is not
after silence: a decoder has not decoded what the packets continue, and their beginning has 6.5 ms
of the frame before, and with FEC all of it, which may be from before the recording."""

KEPT_BUFFER_S = 0.03
"""How much the jitter buffer keeps when it makes up for a delay, in seconds: no more can be played
than has arrived, and what is sent late varies a little."""


class PlayedAudio:
    """Place audio where the client plays it, as far as the server can know that.

    That is the time of the playout clock. After a stall of the server it is when the audio was
    sent; a client plays one frame after the other, so that what follows is late, too: until there
    is a pause, or, over WebRTC, until the jitter buffer has made up for it.

    If it was sent as packets that are to be written as they were, each stretch of it is placed up
    to 10 ms from where it is in step with what was received, as the packets of the file are 20 ms
    apart: that is less than a server knows of when it is heard.

    Args:
        track: The track to place it on.
        began_s: When the recording began.
        packets: Where to place packets; None if they are not used.

    Attributes:
        lag_s: How much later than its time what was received is placed, in seconds.
        certain_s: Until when it is certain what a client that echoes marks has played: it may drop
            what comes after it. Infinity for other clients, and while nothing is missing.
    """

    def __init__(
        self, track: SampleTrack, began_s: float, packets: PacketTrack | None = None
    ) -> None:
        self._track = track
        self._packets = packets
        self._shift = 0  # by how much the stretch is placed later, in samples
        self._encoded_first = ENCODED_FIRST  # frames that are left to encode
        self._in_packets = False  # what was sent last was a packet that can be written as it is
        self._silent = False  # the stretch has begun with silence, of which nothing is written
        self._last: NDArray[np.int16] = np.zeros(0, np.int16)  # what was sent last
        self.lag_s = 0.0
        self._began_s = began_s
        self._converter = AudioConverter(track.rate, 1)
        self._correction = PositionCorrection(track.rate, 0.0)
        self._next = NOWHERE
        self._until_s = -inf  # when the client has played all of it
        self._late_s = 0.0  # how late the client is, if it makes up for it
        self._echoes_marks = False
        self.certain_s = inf
        self._joined = JoinedAudio()
        self._removed: NDArray[np.int16] = np.zeros(0, np.int16)  # by the last cut
        self._removed_at = 0

    def add_all(self, events: Sequence[Played]) -> None:
        """Place audio, at the latest by the next ``settle``."""
        if self._append_packets(events):
            return
        first, rest = events[0], events[1:]
        self.add(first)
        if rest and self._in_packets and not _is_late(events):  # mostly the beginning of a reply
            self.settle()
            if self._append_packets(rest):
                return
        for event in rest:
            self.add(event)

    def _append_packets(self, events: Sequence[Played]) -> bool:
        """Place audio that follows what came before, packet by packet, as most does.

        Returns:
            Whether it does; otherwise nothing is placed.
        """
        track = self._packets
        if track is None or self._converter.source_rate != self._track.rate:
            return False
        if self._encoded_first or self._late_s or self._silent or not self._joined.is_empty:
            return False
        due, sent, _, rates, samples, packets = zip(*events, strict=True)
        if not track.accepts_all(rates, samples, packets, due):
            return False
        start_s = max(due[0], self._until_s)
        begin, position = self._next - self._delay, self._position(start_s) + self._shift
        if (
            start_s - due[0] > ROUNDING_S
            or max(map(sub, sent, due)) > CLIENT_BUFFER_S
            or abs(position - self._next) > CONTIGUOUS_S * self._track.rate
            or begin < self._track.read_to
            or not track.is_aligned(begin)
        ):
            return False
        size = len(samples) * track.length
        if not self._track.place_all(self._next, samples, size):
            return False
        track.place_run(begin, packets)
        self._correction.begin()  # there is nothing to correct
        self._next += size
        self._until_s = max(start_s + size / self._track.rate, due[-1] + PACKET_S)
        if self._echoes_marks:
            self.certain_s = min(self.certain_s, start_s)
        self._in_packets, self._last = True, samples[-1]
        return True

    def add(self, event: Played) -> None:
        """Place audio, by the next ``settle``."""
        due_s, sent_s, catches_up, rate, samples, packet = event
        if rate > self._track.rate:
            self._raise_rate()
        start_s = max(due_s, self._until_s)
        if sent_s > start_s + CLIENT_BUFFER_S:  # the buffer is empty, and fills again
            start_s = sent_s
        size = samples.shape[1]
        if packet and (self._packets is None or not self._packets.accepts(rate, size, packet)):
            packet = b""
        self._in_packets = bool(packet)
        if start_s > self._until_s + CONTIGUOUS_S and self._last.any():
            self._encoded_first = ENCODED_FIRST
        self._last = samples
        if self._encoded_first:
            self._encoded_first -= 1
            packet = b""
        if not self._joined.add(start_s, rate, samples, packet):
            self.settle()
            self._joined.add(start_s, rate, samples, packet)
        self._until_s = start_s + size / rate
        if self._echoes_marks:
            self.certain_s = min(self.certain_s, start_s)
        late_s = start_s - max(due_s, sent_s - KEPT_BUFFER_S)
        if catches_up and late_s > ROUNDING_S:
            self._late_s = late_s
            self.settle()

    def _raise_rate(self) -> None:
        """Keep all of a higher sample rate from now on."""
        before = self._track.rate
        if before == RATE:
            return
        self.finish()
        self._track.raise_rate(RATE)
        if self._packets is not None:
            self._packets.raise_rate(RATE)
        self._removed = np.repeat(self._removed, RATE // before)
        self._removed_at *= RATE // before
        self._converter = AudioConverter(RATE, 1)
        self._correction = PositionCorrection(RATE, 0.0)

    def settle(self) -> None:
        """Place all audio that was added."""
        samples = self._joined.take()
        if samples is None:
            return
        position, packets = self._position(self._joined.start_s), self._joined.packets
        if abs(position + self._shift - self._next) > CONTIGUOUS_S * self._track.rate:
            self._flush()
            self._next = self._aligned_start(position, packets)
            self._shift = self._next - position
            self._silent = self._packets is not None
        converted = self._converter.convert(self._joined.rate, samples)[0]
        placed = self._correction.correct(converted, -self._late_s)
        self._until_s += (len(placed) - len(converted)) / self._track.rate
        self._late_s = 0.0
        start = self._next
        self._silent = self._silent and not placed.any()
        kept = self._put(placed, silent=self._silent) and not self._silent
        if kept and self._packets is not None and placed is converted:
            self._packets.place(start - self._delay, packets, self._track.read_to)

    @property
    def _delay(self) -> int:
        """By how much the encoder of packets delays audio, in samples."""
        return round(DELAY_S * self._track.rate)

    def _aligned_start(self, position: int, packets: Sequence[tuple[int, bytes]]) -> int:
        """Return where to begin a stretch, so that its packets can be written as they are.

        That is in step with what was received, which may be late or early for the same reason.

        Args:
            position: The right position.
            packets: The packets, with the position of each in the stretch.
        """
        if self._packets is None or not (packets or self._in_packets):
            return position
        position += round(self.lag_s * self._track.rate)
        lowest = max(self._track.read_to, self._track.end)
        at = packets[0][0] if packets else 0  # those that follow are whole frames later
        return self._packets.align_audio(position, lowest, at - self._delay)

    def confirm(self, event: Confirmed) -> None:
        """Record what the client has played for certain."""
        self._echoes_marks = True
        unplayed_s = event.unplayed_s
        self.certain_s = self._until_s - unplayed_s if unplayed_s > ROUNDING_S else inf

    def cut(self, event: Cut) -> None:
        """Remove what the client has dropped."""
        self.certain_s = inf
        self.finish()
        end = self._track.end
        self._cut(min(self._position(event.at_s), end - round(event.unplayed_s * self._track.rate)))

    def take_back(self, event: TakenBack) -> None:
        """Remove what was taken back."""
        self.finish()
        self._cut(self._track.end - round(event.seconds * self._track.rate))
        if self._echoes_marks:  # the last ones may come late
            self.certain_s = self._until_s

    def restore(self, event: Restored) -> None:
        """Put back what the client had played."""
        self.certain_s = inf
        played = round(event.seconds * self._track.rate)
        self._track.place(self._removed_at, self._removed[:played])
        self._removed = self._removed[played:]
        self._until_s = max(self._until_s, self._time(self._track.end))

    def hold(self, event: Held) -> None:
        """Remove what the client keeps while it pauses."""
        self.finish()
        self._cut(self._position(event.at_s))

    def release(self, event: Released) -> None:
        """Place what it has kept."""
        self._track.place(self._position(event.at_s), self._removed)
        self._until_s = event.at_s + len(self._removed) / self._track.rate
        self._removed = self._removed[:0]
        self._next = NOWHERE

    def finish(self) -> None:
        """Place all that is left; what follows is another stretch."""
        self.settle()
        self._flush()

    def _flush(self) -> None:
        rest = self._converter.flush()[0]
        if self._next != NOWHERE and len(rest):
            self._put(rest)
        self._next = NOWHERE

    def _cut(self, position: int) -> None:
        self._removed_at = max(position, self._track.read_to)
        self._removed = self._track.cut(position)
        if self._packets is not None:
            self._packets.cut(position)
        self._until_s = min(self._until_s, self._time(position))

    def _position(self, time_s: float) -> int:
        return round((time_s - self._began_s) * self._track.rate)

    def _time(self, position: int) -> float:
        return self._began_s + position / self._track.rate

    def _put(self, samples: NDArray[np.int16], *, silent: bool = False) -> bool:
        """Place audio. What is too far ahead is dropped, and what follows takes its place.

        Returns:
            Whether all of it was placed, and some of it is to be read.
        """
        placed, dropped = self._track.place_fitting(self._next, samples, silent=silent)
        self._next += len(samples) - dropped
        self._until_s -= dropped / self._track.rate
        return placed


def _is_late(events: Sequence[Played]) -> bool:
    """Return whether any audio was sent so late that the client plays it late."""
    return any(event.sent_s - event.due_s > KEPT_BUFFER_S for event in events)
