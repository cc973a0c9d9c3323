"""The ears of services that take turns: where somebody begins and ends to speak, by loudness."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Ear", "Heard"]

LOUD = 400.0  # of 32767; the fake microphone's silence has next to nothing
ONSET = 4  # loud frames that begin a speech
FRAME_MS = 20


class Heard(NamedTuple):
    """Somebody has begun or ended to speak, so many ms after the first sample."""

    what: Literal["started", "stopped"]
    at_ms: int


class Ear:
    """Hears turns in audio that comes in pieces of any size.

    Args:
        rate: Samples per second.
        silence_ms: How much silence ends a turn.

    Attributes:
        samples: All that was heard, mono.
        speaking: Whether somebody speaks.
    """

    def __init__(self, rate: int, silence_ms: int = 500) -> None:
        self.silence_ms = silence_ms
        self.samples: NDArray[np.int16] = np.zeros(0, np.int16)
        self.speaking = False
        self._frame = rate * FRAME_MS // 1000
        self._frames = 0  # looked at
        self._loud = self._quiet = 0  # of the last ones

    def hear(self, samples: NDArray[np.int16]) -> list[Heard]:
        """Take more audio; gives what has happened in it."""
        self.samples = np.concatenate((self.samples, samples))
        events = []
        while (self._frames + 1) * self._frame <= self.samples.size:
            begin = self._frames * self._frame
            frame = self.samples[begin : begin + self._frame].astype(np.float64)
            self._frames += 1
            loud = bool(np.sqrt(np.mean(frame**2)) > LOUD)
            self._loud = self._loud + 1 if loud else 0
            self._quiet = 0 if loud else self._quiet + 1
            if not self.speaking and self._loud >= ONSET:
                self.speaking = True
                events.append(Heard("started", (self._frames - ONSET) * FRAME_MS))
            elif self.speaking and self._quiet * FRAME_MS >= self.silence_ms:
                self.speaking = False
                events.append(Heard("stopped", self._frames * FRAME_MS))
        return events
