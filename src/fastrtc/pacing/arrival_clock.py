"""When the positions of the client's audio were spoken, by their arrivals. No I/O, no clock."""

from __future__ import annotations

import math

__all__ = ["ArrivalClock"]

WINDOW_S = 1.0
"""How long the shortest delay counts, in seconds, and up to as long again: longer than the usual
stalls of a network or a process, and short enough for clocks to drift less than a millisecond."""

GAP_S = 0.4
"""After such a time without audio, in seconds, its positions have another relation to the time: the
client has sent none. A stall as long looks the same, but ends in a burst, which corrects it."""


class ArrivalClock:
    """Relate positions in audio to the times at which the network delivers them without a delay.

    Audio arrives late and in bursts; positions advance as evenly as it was spoken. So the shortest
    delay of the last second or two counts. Times are in seconds of any monotonic clock.

    Attributes:
        codec_s: The delay of the codec, in seconds, by which all audio is late.
    """

    def __init__(self) -> None:
        self.codec_s = 0.0
        self._last = -math.inf
        self.reset()

    def reset(self) -> None:
        """Forget the relation: positions have changed."""
        self._since = -math.inf
        self._offset = self._offset_before = math.inf

    def push(self, position_s: float, now: float) -> None:
        """Record that all audio up to a position has arrived."""
        if now - self._last > GAP_S:
            self.reset()
        self._last = now
        if now - self._since > WINDOW_S:
            self._since = now
            self._offset_before, self._offset = self._offset, math.inf
        self._offset = min(self._offset, now - position_s)

    def time_of(self, position_s: float) -> float:
        """Return the time of a position; of the last audio at the latest.

        Args:
            position_s: A position that has arrived.
        """
        offset = min(self._offset, self._offset_before)
        if offset == math.inf:
            return self._last - self.codec_s
        return position_s + offset - self.codec_s
