"""The bit rate of sent video: what the client can receive, less what it loses. No clock."""

from __future__ import annotations

__all__ = ["VideoRate"]

LOW_LOSS, HIGH_LOSS = 0.02, 0.1
"""With less loss than the first, the bit rate rises; with more than the second, it falls. These and
the next are of Google's congestion control (draft-ietf-rmcat-gcc-02 section 6)."""

INCREASE = 1.05
"""Factor of the bit rate per report with little loss, which come once a second or so."""

MIN_BIT_RATE = 250_000
"""The lowest bit rate per second, that of aiortc's VP8 encoder."""


class VideoRate:
    """The bit rate that follows estimates of the client (REMB) and its reported loss.

    Args:
        available: The bit rate per second without loss, until the client sends an estimate.
    """

    def __init__(self, available: float) -> None:
        self._available = available
        self._bound: float | None = None  # by loss

    @property
    def bit_rate(self) -> int:
        """The bit rate per second."""
        rate = self._available if self._bound is None else min(self._available, self._bound)
        return max(MIN_BIT_RATE, round(rate))

    def estimate(self, available: float) -> int:
        """Take an estimate of what the client can receive (REMB), and return the bit rate."""
        self._available = available
        return self.bit_rate

    def report(self, loss: float) -> int:
        """Take a fraction of lost packets, 0 to 1, and return the bit rate."""
        if loss > HIGH_LOSS:
            self._bound = self.bit_rate * (1 - 0.5 * min(loss, 1.0))
        elif loss < LOW_LOSS and self._bound is not None:
            self._bound = INCREASE * max(self._bound, MIN_BIT_RATE)
            if self._bound >= self._available:
                self._bound = None
        return self.bit_rate
