"""Both sides of a recording on one timeline. No I/O, no clock."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .events import Cut, Event, Held, Picture, Played, Received, Released, Restored, TakenBack
from .pictures import Pictures
from .played import PlayedAudio
from .received import ReceivedAudio
from .track import RATE, Block, SampleTrack

__all__ = ["HELD_BACK_S", "Timeline"]

HELD_BACK_S = 0.4
"""How long audio is kept before it is written, in seconds: what an interruption cuts, the late
packets of a jittering network and the start of a stretch must have arrived. It is the greatest part
of what is lost if the process is killed."""

GRID = 6
"""Blocks end at multiples of this, in samples at ``RATE``: they do so at lower rates, too."""

BLOCK_S = 1.0
"""How much audio is written at once at most, in seconds, after a stop or a stall."""


class Timeline:
    """Take what the taps tell, and return both sides in step.

    Args:
        pictures: The pictures, if there is video.
        consent: Whether the first stretch begins with the speaker's consent, as later ones do.
        rates: The sample rates of what is received and played, in Hz: 16,000, 24,000 or ``RATE``.
            That of what is played is raised to ``RATE`` when there is audio of a higher one.

    Attributes:
        written: The number of samples at ``RATE`` that were returned.
    """

    def __init__(
        self,
        pictures: Pictures | None = None,
        *,
        consent: bool = False,
        rates: tuple[int, int] = (RATE, RATE),
    ) -> None:
        self._left, self._right = map(SampleTrack, rates)
        self._pictures = pictures
        self._consent = consent
        self._began_s: float | None = None
        self._stopped_at_s = 0.0
        self.written = 0

    @property
    def written_s(self) -> float:
        """How much was returned, in seconds."""
        return self.written / RATE

    def start(self, at_s: float) -> Iterator[Block]:
        """Begin a stretch at a time on the clock of the event loop; the first one is position 0.

        Yields:
            The silence since the stretch before, in blocks: nothing can be placed there any more.
        """
        if self._began_s is None:
            self._began_s = at_s
        consent_s = at_s if self._consent else None
        self._consent = True  # the next start is by the program
        self._received = ReceivedAudio(self._left, self._began_s, consent_s)
        self._played = PlayedAudio(self._right, self._began_s)
        if self._pictures is not None:
            self._pictures.start(self._began_s)
        yield from self._until(at_s)

    def add(self, events: Sequence[Event]) -> None:
        """Place what has happened."""
        for event in events:
            if isinstance(event, Received):
                self._received.add(event)
            elif isinstance(event, Played):
                self._played.add(event)
            elif isinstance(event, Picture):
                if self._pictures is not None:
                    self._pictures.add(event)
            else:
                self._change(event)
        self._received.settle()
        self._played.settle()

    def _change(self, event: Cut | TakenBack | Restored | Held | Released) -> None:
        if isinstance(event, Cut):
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
        yield from self._until(now_s - HELD_BACK_S)

    def stop(self, at_s: float) -> Iterator[Block]:
        """End a stretch; yield the rest of it up to that time."""
        self._received.finish()
        self._played.finish()
        end = self._position(at_s)
        for track in (self._left, self._right):
            track.cut(end * track.rate // RATE)
        if self._pictures is not None:
            self._pictures.stop(at_s)
        yield from self._until(at_s)

    def _until(self, time_s: float) -> Iterator[Block]:
        end = self._position(time_s)
        while self.written < end:
            self.written = min(end, self.written + round(BLOCK_S * RATE))
            rates = self._left.rate, self._right.rate
            left, right = (
                track.read(self.written * track.rate // RATE) for track in (self._left, self._right)
            )
            yield Block(left, right, rates)

    def position_s(self, time_s: float) -> float:
        """Return the position of a time in the recording, in seconds."""
        return self._position(time_s) / RATE

    def _position(self, time_s: float) -> int:
        assert self._began_s is not None
        return GRID * round((time_s - self._began_s) * RATE / GRID)
