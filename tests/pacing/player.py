"""A sender that polls a playout, in times of its own, and samples that say where they are from."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from fastrtc.pacing.playout import Playout, PlayoutFrame

FRAME = 960


class Player:
    """Polls a playout as a sender does, with pushes at given times, and keeps what it sent."""

    def __init__(self, playout: Playout | None = None) -> None:
        self.playout = playout or Playout()
        self.now = 100.0
        self.sent: list[tuple[float, PlayoutFrame]] = []
        self.idle = True

    def run(self, until: float, pushes: Iterable[tuple[float, tuple]] = ()) -> None:
        """Play until a time; ``pushes`` are times and what to push then."""
        waiting = sorted(pushes, key=lambda push: push[0])
        while True:
            while waiting and waiting[0][0] <= self.now:
                self.playout.push(*waiting.pop(0)[1])
            action = self.playout.poll(self.now)
            self.idle = action is None
            if isinstance(action, PlayoutFrame):
                self.sent.append((self.now, action))
                continue
            assert action is None or action > self.now
            times = [until if action is None else action]
            if waiting:
                times.append(waiting[0][0])
            if min(times) > until or (action is None and not waiting):
                self.now = until
                return
            self.now = min(times)

    def finish(self) -> None:
        """Play until there is nothing more to be sent."""
        self.playout.end()
        self.run(self.now + 1000)
        assert self.idle

    @property
    def times(self) -> list[float]:
        return [time for time, _ in self.sent]

    @property
    def pts(self) -> list[int]:
        return [frame.pts for _, frame in self.sent]

    @property
    def samples(self) -> np.ndarray:
        if not self.sent:
            return np.zeros((1, 0), np.int16)
        return np.concatenate([frame.samples for _, frame in self.sent], axis=1)

    @property
    def loud(self) -> list[bool]:
        return [bool(frame.samples.any()) for _, frame in self.sent]


def ramp(n: int, start: int = 1) -> np.ndarray:
    """Samples that say where they come from; none is 0."""
    return ((np.arange(start - 1, start - 1 + n) % 32767) + 1).astype(np.int16)


def tone(rate: int, seconds: float, hertz: float = 1000) -> np.ndarray:
    k = np.arange(round(rate * seconds))
    return np.rint(16000 * np.sin(2 * np.pi * hertz * k / rate)).astype(np.int16)


def voiced(samples: np.ndarray) -> np.ndarray:
    """Without the silence before and after."""
    heard = np.flatnonzero(samples)
    return samples[heard[0] : heard[-1] + 1] if heard.size else samples[:0]
