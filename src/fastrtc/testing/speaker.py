"""The loudspeaker of a caller: plays what arrives, in real time."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Speaker"]

AUDIBLE = 100
"""Audio whose samples are all smaller is silence, which may be skipped."""


@dataclass
class _Piece:
    """Audio that is due, or a callback after the audio before it."""

    when_s: float
    rate: int
    samples: NDArray[np.int16]
    call: Callable[[], None] | None = None


class Speaker:
    """Play audio one piece after the other, as a client with a small jitter buffer does.

    Args:
        play: Called when a piece is due: its time on the clock of the event loop, sample rate in
            Hz, and samples of shape ``(n,)``.
        delay_s: How long the first audio after silence waits for what follows it, in seconds.
        max_queued_s: With more audio queued than this, in seconds, silent pieces are skipped, so
            that the delay of a stall does not remain.
    """

    def __init__(
        self,
        play: Callable[[float, int, NDArray[np.int16]], None],
        delay_s: float,
        max_queued_s: float,
    ) -> None:
        self._play = play
        self._delay_s = delay_s
        self._max_queued_s = max_queued_s
        self._loop = asyncio.get_running_loop()
        self._queue: deque[_Piece] = deque()
        self._ends_s = 0.0  # of what is queued
        self._timer: asyncio.TimerHandle | None = None
        self._paused_at: float | None = None

    @property
    def waits_s(self) -> float:
        """How long audio that is pushed now waits until it is played, in seconds."""
        queued_s = self._ends_s - self._now
        return self._delay_s if queued_s < 0 else queued_s

    def push(self, rate: int, samples: NDArray[np.int16]) -> None:
        """Queue audio, shape ``(n,)``."""
        now = self._now
        if self._ends_s < now:
            self._ends_s = now + self._delay_s
        elif self._ends_s > now + self._max_queued_s and np.abs(samples).max(initial=0) < AUDIBLE:
            return
        self._queue.append(_Piece(self._ends_s, rate, samples))
        self._ends_s += len(samples) / rate
        self._wait()

    def after(self, call: Callable[[], None]) -> None:
        """Call a function when the audio so far has been played or cleared.

        A piece counts as played when it is given to ``play``: a telephone provider sends it to the
        caller then, and cannot drop the rest of it.
        """
        when_s = self._queue[-1].when_s if self._queue else self._loop.time()
        self._queue.append(_Piece(when_s, 1, np.zeros(0, np.int16), call))
        self._wait()

    def pause(self) -> None:
        """Hold the audio that has not been played, and what follows."""
        if self._paused_at is None:
            self._paused_at = self._loop.time()
            self._wait()

    def resume(self) -> None:
        """Continue after ``pause``."""
        if self._paused_at is None:
            return
        paused_s = self._loop.time() - self._paused_at
        self._paused_at = None
        self._ends_s += paused_s
        for piece in self._queue:
            piece.when_s += paused_s
        self._wait()

    def clear(self) -> None:
        """Drop the audio that has not been played; ends a pause."""
        self._paused_at = None
        calls = [piece.call for piece in self._queue if piece.call is not None]
        self._queue.clear()
        self._ends_s = 0.0
        self._wait()
        for call in calls:
            call()

    def stop(self) -> None:
        """Play nothing more."""
        self._queue.clear()
        self._wait()

    @property
    def _now(self) -> float:
        return self._loop.time() if self._paused_at is None else self._paused_at

    def _wait(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._queue and self._paused_at is None:
            self._timer = self._loop.call_at(self._queue[0].when_s, self._due)

    def _due(self) -> None:
        self._timer = None
        now = self._loop.time() + 0.001  # timers of uvloop fire up to 0.5 ms early
        while self._queue and self._queue[0].when_s <= now:
            piece = self._queue.popleft()
            if piece.call is not None:
                piece.call()
            else:
                self._play(piece.when_s, piece.rate, piece.samples)
        self._wait()
