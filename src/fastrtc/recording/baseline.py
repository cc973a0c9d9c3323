"""Where the media time of a peer lies on our clock. No I/O, no clock."""

from __future__ import annotations

from math import inf

__all__ = ["DelayBaseline"]

WINDOW_S = 10.0
"""The offset is the smallest of the latest 10 to 20 s: long enough to contain a packet without
delay, short enough to follow the drift of the peer's clock, 0.1 ms/s at most."""


class DelayBaseline:
    """The offset from the media time of a peer to the time at which it arrives without delay.

    Networks only ever delay a packet, so the smallest offset of many is that of the clocks, plus a
    constant. It follows two clocks that run at different speeds.

    Attributes:
        offset: The offset in seconds; infinity before the first packet.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget all packets: others have another clock."""
        self.offset = inf
        self._current = inf  # the smallest of this window
        self._before = inf  # that of the window before
        self._until = -inf

    def add(self, media_s: float, arrival_s: float) -> None:
        """Record when media have arrived.

        Args:
            media_s: Their time on the clock of the peer.
            arrival_s: The time of arrival.
        """
        offset = arrival_s - media_s
        if arrival_s >= self._until:
            late = arrival_s >= self._until + WINDOW_S  # nothing has come for a whole window
            self._before = inf if late else self._current
            self._current, self._until = inf, arrival_s + WINDOW_S
        elif offset >= self._current:
            return
        self._current = min(self._current, offset)
        self.offset = min(self._before, self._current)

    def recent(self, now_s: float) -> float:
        """Return the offset; infinity if nothing has come for a whole window."""
        return self.offset if now_s < self._until + WINDOW_S else inf
