"""The taps of a recording: note what happens on the event loop, at little cost."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .events import (
    Cut,
    Event,
    Held,
    Picture,
    Played,
    Received,
    Released,
    Restored,
    Side,
    TakenBack,
)

__all__ = ["PictureTaps", "Taps"]

MAX_EVENTS = 10_000
"""Events between two batches, beyond which further ones are dropped: 50 times as many as audio in
packets of 2.5 ms has."""


class Taps:
    """Collect the events of a connection. See ``pacing.taps``.

    Args:
        clock: Returns the time of the event loop.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._events: list[Event] = []
        self._media_s = 0.0
        self._timed = False

    def take(self) -> list[Event]:
        """Return the events since the last call."""
        events, self._events = self._events, []
        return events

    def add(self, event: Event) -> None:
        """Note an event."""
        if len(self._events) < MAX_EVENTS:
            self._events.append(event)

    # Audio of the client

    def at(self, media_s: float) -> None:
        """Set the RTP time of the audio that is received next."""
        self._media_s, self._timed = media_s, True

    def received(self, rate: int, samples: NDArray[np.int16]) -> None:
        """Note audio; without RTP time it follows what came before."""
        self.add(Received(self._media_s, self._timed, self._clock(), rate, samples))
        self._media_s += samples.shape[1] / rate

    def skipped(self, seconds: float) -> None:
        """Note that the client did not send so much audio."""
        self._media_s += seconds

    # Audio to the client

    def played(self, due_s: float, rate: int, samples: NDArray[np.int16]) -> None:
        """Note audio that was sent."""
        self.add(Played(due_s, rate, samples))

    def cut(self, unplayed_s: float) -> None:
        """Note that the client drops what it has not played."""
        self.add(Cut(self._clock(), unplayed_s))

    def taken_back(self, seconds: float) -> None:
        """Note that audio was taken back."""
        self.add(TakenBack(seconds))

    def restored(self, seconds: float) -> None:
        """Note that some of it had been played."""
        self.add(Restored(seconds))

    def held(self) -> None:
        """Note that the client pauses."""
        self.add(Held(self._clock()))

    def released(self) -> None:
        """Note that the client goes on."""
        self.add(Released(self._clock()))


class PictureTaps:
    """Collect the pictures of one side. See ``pacing.taps``.

    Args:
        taps: The taps of the connection.
        side: The side.
        clock: Returns the time of the event loop.
    """

    def __init__(self, taps: Taps, side: Side, clock: Callable[[], float]) -> None:
        self._taps = taps
        self._side: Side = side
        self._clock = clock

    def picture(self, frame: Any, media_s: float | None) -> None:
        """Note a picture."""
        now = self._clock()
        self._taps.add(Picture(self._side, now if media_s is None else media_s, now, frame))
