"""Detection of clients that do nothing. No I/O and no clock."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

__all__ = ["IdleDetector"]

SOUND_RMS = 184.0
"""Level above which audio counts as speech: -45 dB of full scale (``int16``). A muted microphone is
far below, and so is the noise of a quiet room."""

RESOLUTION_S = 0.5
"""Audio is not measured for so long after the client did something, in seconds."""


class IdleDetector:
    """Record what the client does, and tell when it has done nothing for too long.

    Args:
        timeout_s: The time without speech, messages, inputs and replies, in seconds.
        now: The time; all times are in seconds of one clock.
        busy: Returns whether a reply is being played or made.
    """

    def __init__(self, timeout_s: float, now: float, busy: Callable[[], bool]) -> None:
        self._timeout_s = timeout_s
        self._busy = busy
        self._last = now

    @property
    def deadline(self) -> float:
        """When the client counts as idle, unless it does something before."""
        return self._last + self._timeout_s

    def active(self, now: float) -> None:
        """Record that the client did something."""
        self._last = max(self._last, now)

    def heard(self, samples: NDArray[np.int16], now: float) -> None:
        """Record audio of the client; only speech counts.

        Args:
            samples: ``int16`` samples of any shape.
            now: The time.
        """
        if now < self._last + RESOLUTION_S or not samples.size:
            return
        values = samples.astype(np.float32)
        if float(np.mean(values * values)) > SOUND_RMS**2:
            self.active(now)

    def is_idle(self, now: float) -> bool:
        """Return whether the client has done nothing until its deadline."""
        if now < self.deadline:
            return False
        if self._busy():
            self.active(now)
        return now >= self.deadline
