"""The audio that the client was sent, as far as it plays it. No I/O, no clock."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..audio.converter import AudioConverter
from .events import Cut, Held, Played, Released, Restored, TakenBack
from .joined import JoinedAudio
from .track import NOWHERE, RATE, SampleTrack

__all__ = ["PlayedAudio"]

CONTIGUOUS_S = 0.005
"""Up to this distance, in seconds, audio follows what came before without a gap."""


class PlayedAudio:
    """Place audio at the time at which the playout clock says that it is played.

    Args:
        track: The track to place it on.
        began_s: When the recording began.
    """

    def __init__(self, track: SampleTrack, began_s: float) -> None:
        self._track = track
        self._began_s = began_s
        self._converter = AudioConverter(track.rate, 1)
        self._next = NOWHERE
        self._joined = JoinedAudio()
        self._removed: NDArray[np.int16] = np.zeros(0, np.int16)  # by the last cut
        self._removed_at = 0

    def add(self, event: Played) -> None:
        """Place audio, by the next ``settle``."""
        if event.rate > self._track.rate:
            self._raise_rate()
        if not self._joined.add(*event):
            self.settle()
            self._joined.add(*event)

    def _raise_rate(self) -> None:
        """Keep all of a higher sample rate from now on."""
        before = self._track.rate
        if before == RATE:
            return
        self.finish()
        self._track.raise_rate(RATE)
        self._removed = np.repeat(self._removed, RATE // before)
        self._removed_at *= RATE // before
        self._converter = AudioConverter(RATE, 1)

    def settle(self) -> None:
        """Place all audio that was added."""
        samples = self._joined.take()
        if samples is None:
            return
        position = self._position(self._joined.start_s)
        if abs(position - self._next) > CONTIGUOUS_S * self._track.rate:
            self._flush()
            self._next = position
        self._put(self._converter.convert(self._joined.rate, samples)[0])

    def cut(self, event: Cut) -> None:
        """Remove what the client has dropped."""
        self.finish()
        end = self._track.end
        self._cut(min(self._position(event.at_s), end - round(event.unplayed_s * self._track.rate)))

    def take_back(self, event: TakenBack) -> None:
        """Remove what was taken back."""
        self.finish()
        self._cut(self._track.end - round(event.seconds * self._track.rate))

    def restore(self, event: Restored) -> None:
        """Put back what the client had played."""
        played = round(event.seconds * self._track.rate)
        self._track.place(self._removed_at, self._removed[:played])
        self._removed = self._removed[played:]

    def hold(self, event: Held) -> None:
        """Remove what the client keeps while it pauses."""
        self.finish()
        self._cut(self._position(event.at_s))

    def release(self, event: Released) -> None:
        """Place what it has kept."""
        self._track.place(self._position(event.at_s), self._removed)
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

    def _position(self, time_s: float) -> int:
        return round((time_s - self._began_s) * self._track.rate)

    def _put(self, samples: NDArray[np.int16]) -> None:
        self._track.place(self._next, samples)
        self._next += len(samples)
