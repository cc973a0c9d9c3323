"""The audio of a turn whose beginning and end the client decides about. No I/O, no clock."""

from __future__ import annotations

from collections import deque

import numpy as np
from numpy.typing import NDArray

from .speech_buffer import MAX_KEPT_S

__all__ = ["ManualTurn"]

MIN_S = 0.1
"""A turn must have this much audio, in seconds: less is a button that was pressed by mistake."""

WITHOUT_BEGIN_S = 60.0
"""The most audio of a turn whose beginning is not known, in seconds; the latest is kept."""


class ManualTurn:
    """Collect the audio of a turn.

    If ``begin`` is never called, all audio since the last turn belongs to the next, but no more
    than the last minute. From the first ``begin`` on, only audio between ``begin`` and the end of a
    turn does.
    """

    def __init__(self) -> None:
        self._active = False
        self._only_active = False
        self._frames: deque[tuple[float, NDArray[np.int16]]] = deque()  # with their lengths
        self._length_s = 0.0

    def begin(self) -> None:
        """Begin a turn; earlier audio does not belong to it."""
        self.drop()
        self._active = self._only_active = True

    def push(
        self, rate: int, samples: NDArray[np.int16], channels: int, max_s: float
    ) -> NDArray[np.int16] | None:
        """Add audio, if it belongs to a turn.

        Args:
            rate: Sample rate in Hz.
            samples: Shape ``(n,)`` or ``(1, n)``, interleaved; they are copied.
            channels: The number of channels.
            max_s: The maximum length of a turn in seconds; it is no longer than 10 minutes.

        Returns:
            The audio of a turn that has begun and ends because it is this long, shape ``(n,)``.
        """
        if self._only_active and not self._active:
            return None
        seconds = samples.size / channels / rate
        self._frames.append((seconds, samples.reshape(-1).copy()))
        self._length_s += seconds
        max_s = min(max_s, MAX_KEPT_S if self._active else WITHOUT_BEGIN_S)
        if self._active and self._length_s >= max_s:
            return self.take()
        while self._length_s > max_s:
            self._length_s -= self._frames.popleft()[0]
        return None

    def take(self) -> NDArray[np.int16] | None:
        """End the turn and return its audio, shape ``(n,)``; None if there is too little."""
        frames = [samples for _, samples in self._frames]
        enough = self._length_s >= MIN_S
        self.drop()
        return np.concatenate(frames) if enough else None

    def drop(self) -> None:
        """End the turn and discard its audio."""
        self._frames.clear()
        self._length_s = 0.0
        self._active = False
