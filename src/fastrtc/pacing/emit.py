"""When an ``emit`` that had nothing to give is asked again."""

from __future__ import annotations

import math

__all__ = ["INTERVAL_S", "SLACK_S", "EmitClock"]

INTERVAL_S = 0.02
"""How often at most, in seconds: the length of a frame."""

FED_WITHIN_S = 0.1
"""For how long after it got something a handler counts as being fed."""

SLACK_S = 0.002
"""How much too early it may be asked, in seconds: a timer of its own would cost more than the
call. It is made up for, so that the average stays."""


class EmitClock:
    """Says when an ``emit`` that had nothing to give is asked again.

    At most 50 times a second on average. A handler that is fed is asked when it has got
    something, so that an echo does not wait for the next tick; one that is not, by the
    clock. Times are in seconds, of any clock that does not jump.
    """

    def __init__(self) -> None:
        self._due = -math.inf
        self._fed_at = -math.inf

    def fed(self, now: float) -> None:
        """Learn that ``receive`` has taken something."""
        self._fed_at = now

    def window(self, asked_at: float) -> tuple[float, float]:
        """Learn that ``emit`` was asked and had nothing.

        Returns:
            From when it may be asked again if it is fed meanwhile, and when it is
            asked in any case.
        """
        # one early call may be made up for, so that jitter in what feeds it costs no delay
        self._due = max(self._due, asked_at - INTERVAL_S) + INTERVAL_S
        being_fed = asked_at - self._fed_at < FED_WITHIN_S
        latest = asked_at + (2 * INTERVAL_S if being_fed else INTERVAL_S)
        return self._due, max(self._due, latest)
