"""Both sides of a recording on one timeline. No I/O, no clock."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import inf

from .events import (
    Confirmed,
    Cut,
    Event,
    Held,
    Picture,
    Played,
    Received,
    Released,
    Restored,
    TakenBack,
)
from .packet_track import PacketGrid, PacketTrack
from .pictures import Pictures
from .played import PlayedAudio
from .received import ReceivedAudio
from .track import GRID, HELD_BACK_S, NO_PACKETS, RATE, Block, SampleTrack

__all__ = ["Timeline"]

UNCONFIRMED_S = 1.0
"""How much longer audio is kept that a client which echoes marks has not confirmed, in seconds:
after that, it counts as played."""

FOREVER_S = 1e9
"""Longer than any recording, in seconds."""

BLOCK_S = 1.0
"""How much audio is written at once at most, in seconds, after a stop or a stall."""


class Timeline:
    """Take what the taps tell, and return both sides in step.

    Args:
        pictures: The pictures, if there is video.
        consent: Whether the first stretch begins with the speaker's consent, as later ones do.
        rates: The sample rates of what is received and played, in Hz: 16,000, 24,000 or ``RATE``.
            That of what is played is raised to ``RATE`` when there is audio of a higher one.
        packets: Whether packets that were sent can be written as they are.
        max_s: How much is returned at most, in seconds.

    Attributes:
        written: The number of samples at ``RATE`` that were returned.
    """

    def __init__(
        self,
        pictures: Pictures | None = None,
        *,
        consent: bool = False,
        rates: tuple[int, int] = (RATE, RATE),
        packets: bool = False,
        max_s: float = FOREVER_S,
    ) -> None:
        self._left, self._right = map(SampleTrack, rates)
        self._grid = PacketGrid() if packets else None
        self._packets = [
            None if self._grid is None else PacketTrack(rate, self._grid) for rate in rates
        ]
        self._pictures = pictures
        self._consent = consent
        self._began_s: float | None = None
        self._max = GRID * max(1, int(min(max_s, FOREVER_S) * RATE / GRID + 1e-6))
        self.written = 0

    @property
    def written_s(self) -> float:
        """How much was returned, in seconds."""
        return self.written / RATE

    @property
    def is_full(self) -> bool:
        """Whether all was returned that may be."""
        return self.written >= self._max

    def start(self, at_s: float, offset_s: float = inf) -> Iterator[Block]:
        """Begin a stretch at a time on the clock of the event loop; the first one is position 0.

        Args:
            at_s: That time.
            offset_s: What to add to RTP times of the client for the time at which audio without
                delay arrives, as known until then; infinity if it is not known.

        Yields:
            The silence since the stretch before, in blocks: nothing can be placed there any more.
        """
        if self._began_s is None:
            self._began_s = at_s
        consent_s = at_s if self._consent else None
        self._consent = True  # the next start is by the program
        received, played = self._packets
        self._received = ReceivedAudio(self._left, self._began_s, consent_s, received, offset_s)
        self._played = PlayedAudio(self._right, self._began_s, played)
        if self._pictures is not None:
            self._pictures.start(self._began_s, at_s)
        yield from self._until(at_s)

    def add(self, events: Sequence[Event]) -> None:
        """Place what has happened."""
        received = [event for event in events if isinstance(event, Received)]
        if received:
            self._received.add_all(received)
            self._played.lag_s = self._received.lag_s
        if len(received) < len(events):
            self._add_others(events)
        self._played.settle()

    def _add_others(self, events: Sequence[Event]) -> None:
        played: list[Played] = []  # one after the other
        for event in events:
            if isinstance(event, Played):
                played.append(event)
            elif isinstance(event, Picture):
                if self._pictures is not None:
                    self._pictures.add(event)
            elif not isinstance(event, Received):
                if played:
                    self._played.add_all(played)
                    played = []
                self._change(event)
        if played:
            self._played.add_all(played)

    def _change(self, event: Confirmed | Cut | TakenBack | Restored | Held | Released) -> None:
        if isinstance(event, Confirmed):
            self._played.confirm(event)
        elif isinstance(event, Cut):
            self._played.cut(event)
        elif isinstance(event, TakenBack):
            self._played.take_back(event)
        elif isinstance(event, Restored):
            self._played.restore(event)
        elif isinstance(event, Held):
            self._played.hold(event)
        else:
            self._played.release(event)

    def read(self, now_s: float) -> Iterator[Block]:
        """Yield what is certain by now, in blocks."""
        self._received.advance(now_s)
        end_s = now_s - HELD_BACK_S - self._align_pictures(now_s)
        yield from self._until(min(end_s, max(self._played.certain_s, end_s - UNCONFIRMED_S)))

    def stop(self, at_s: float) -> Iterator[Block]:
        """End a stretch; yield the rest of it up to that time."""
        self._received.finish()
        self._played.finish()
        self._align_pictures(at_s)
        end = self._position(at_s)
        for track, packets in zip((self._left, self._right), self._packets, strict=True):
            track.cut(end * track.rate // RATE)
            if packets is not None:
                packets.cut(end * track.rate // RATE)
        if self._pictures is not None:
            self._pictures.stop(at_s)
        yield from self._until(at_s)

    def _align_pictures(self, now_s: float) -> float:
        """Place pictures by the audio; return how much later than it they come, in seconds."""
        if self._pictures is None:
            return 0.0
        self._pictures.align(self._received.offset_s(now_s))
        return self._pictures.late_s(now_s)

    def _until(self, time_s: float) -> Iterator[Block]:
        end = min(self._position(time_s), self._max)
        while self.written < end:
            self.written = min(end, self.written + round(BLOCK_S * RATE))
            rates = self._left.rate, self._right.rate
            left_packets, right_packets = self._packets
            packets = (
                self._read_packets(left_packets, self._left),
                self._read_packets(right_packets, self._right),
            )
            left, right = (
                track.read(self.written * track.rate // RATE) for track in (self._left, self._right)
            )
            phase = None if self._grid is None else self._grid.fix_phase()
            yield Block(left, right, rates, packets, phase)

    def _read_packets(
        self, packets: PacketTrack | None, samples: SampleTrack
    ) -> Mapping[int, bytes]:
        """Return the packets of the next block of a side."""
        if packets is None:
            return NO_PACKETS
        return packets.read(self.written * samples.rate // RATE, samples.read_to)

    def position_s(self, time_s: float) -> float:
        """Return the position of a time in the recording, in seconds."""
        return self._position(time_s) / RATE

    def _position(self, time_s: float) -> int:
        assert self._began_s is not None
        return GRID * round((time_s - self._began_s) * RATE / GRID)
