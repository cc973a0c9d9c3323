"""How much packet loss to protect sent audio against, from the reports of the client. No clock."""

from __future__ import annotations

__all__ = ["ExpectedLoss"]

MAX_PERCENT = 30
"""The highest expected loss. libopus makes the copies hardly better above it."""

BACK_OFF = 0.7
"""Factor of the expected loss per report without as much loss: from 30% to none in ten reports,
which come once a second (aiortc) or every 5 s (browsers)."""


class ExpectedLoss:
    """The packet loss to expect: rises at once with a report, and falls slowly."""

    def __init__(self) -> None:
        self._loss = 0.0

    @property
    def percent(self) -> int:
        """The expected loss in percent; 0 for no FEC, which costs bit rate."""
        return min(MAX_PERCENT, round(100 * self._loss))

    def report(self, fraction: float) -> int:
        """Take a receiver report (RFC 3550 section 6.4.1).

        Args:
            fraction: The fraction of packets lost since the previous report, 0 to 1.

        Returns:
            The expected loss in percent.
        """
        self._loss = max(min(fraction, 1.0), BACK_OFF * self._loss)
        return self.percent
