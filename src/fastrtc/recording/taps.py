"""The taps of a recording: note what happens on the event loop, at little cost."""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..pacing.taps import Source
from .baseline import DelayBaseline
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
    Side,
    TakenBack,
)

__all__ = ["DelayTap", "PictureTaps", "Taps"]

MAX_EVENTS = 10_000
"""Events between two batches, beyond which further ones are dropped: 50 times as many as audio in
packets of 2.5 ms has."""

_new = tuple.__new__
"""Creates an event in half the time that the call of its class takes."""


class DelayTap:
    """Follow the delay of the client's audio, also while it is not recorded.

    Args:
        clock: Returns the time of the event loop.
        delays: The delays of audio with RTP times.
    """

    def __init__(self, clock: Callable[[], float], delays: DelayBaseline) -> None:
        self._clock = clock
        self._delays = delays

    def received(self, rate: int, samples: NDArray[np.int16], source: Source | None) -> None:
        """Note when audio has arrived."""
        if source is not None:
            self._delays.add(source.media_s + samples.shape[1] / rate, self._clock())

    def skipped(self, seconds: float) -> None:
        """Ignore what the client did not send."""


class Taps:
    """Collect the events of a connection. See ``pacing.taps``.

    Args:
        clock: Returns the time of the event loop.
        delays: The delays of audio with RTP times.
    """

    def __init__(self, clock: Callable[[], float], delays: DelayBaseline) -> None:
        self._clock = clock
        self._delays = delays
        self._events: list[Event] = []
        self._media_s = 0.0
        self._least_s = inf  # the least delay since ``take``, in seconds

    def take(self) -> list[Event]:
        """Return the events since the last call, and note the least delay among them."""
        events, self._events = self._events, []
        if self._least_s < inf:
            now = self._clock()
            self._delays.add(now - self._least_s, now)
            self.forget_delay()
        return events

    def forget_delay(self) -> None:
        """Forget the delay since ``take``: what follows has another clock."""
        self._least_s = inf

    def add(self, event: Event) -> None:
        """Note an event."""
        if len(self._events) < MAX_EVENTS:
            self._events.append(event)

    # Audio of the client

    def received(self, rate: int, samples: NDArray[np.int16], source: Source | None) -> None:
        """Note audio; without RTP time it follows what came before without one."""
        events, now = self._events, self._clock()
        if source is None:
            media_s, packet, timed = self._media_s, b"", False
            self._media_s += samples.shape[1] / rate
        else:
            (media_s, packet), timed = source, True
            self._least_s = min(self._least_s, now - media_s - samples.shape[1] / rate)
        if len(events) < MAX_EVENTS:
            events.append(_new(Received, (media_s, timed, now, rate, samples, packet)))

    def skipped(self, seconds: float) -> None:
        """Note that the client did not send so much audio."""
        self._media_s += seconds

    # Audio to the client

    def played(
        self, due_s: float, rate: int, samples: NDArray[np.int16], *, catches_up: bool
    ) -> None:
        """Note audio that is sent."""
        self.add(_new(Played, (due_s, self._clock(), catches_up, rate, samples, b"")))

    def encoded(self, packet: bytes) -> None:
        """Note the packet that carries the audio which was sent last."""
        events = self._events
        if events and isinstance(last := events[-1], Played) and not last.packet:
            events[-1] = _new(Played, (*last[:5], packet))

    def confirmed(self, unplayed_s: float) -> None:
        """Note a mark that the client has echoed."""
        self.add(Confirmed(unplayed_s))

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

    def picture(self, frame: Any, media_s: float | None, audio_s: float | None = None) -> None:
        """Note a picture."""
        now = self._clock()
        media_s = now if media_s is None else media_s
        self._taps.add(Picture(self._side, media_s, now, frame, audio_s))
