"""Pacing of calls of ``emit`` while it returns nothing, or what no client receives."""

from __future__ import annotations

import math

from ..core.rates import FRAME_S

__all__ = ["INTERVAL_S", "SLACK_S", "DroppedAudio", "EmitClock"]

INTERVAL_S = FRAME_S
"""Minimum average interval of such calls, in seconds: the length of a frame."""

FED_TIMEOUT_S = 0.1
"""How long after its last input a handler counts as being fed, in seconds."""

SLACK_S = 0.002
"""How much too early a call may be, in seconds, as a separate timer would cost more than the call.
The next call is later by as much, so the average interval stays."""

DROPPED_AHEAD_S = 60.0
"""How far ahead of real time a handler may produce audio that no client receives, in seconds. As
much as a queue would hold: later audio must be on time, but an ``emit`` that always has some must
not run without end."""


class EmitClock:
    """Decide when an ``emit`` that returned nothing is called again.

    At most 50 times a second on average. A handler that receives input is called right after it, so
    that an echo does not wait for the next tick; otherwise the clock decides. Times are in seconds
    of any monotonic clock.
    """

    def __init__(self) -> None:
        self._due = -math.inf
        self._fed_at = -math.inf

    def fed(self, now: float) -> None:
        """Record that ``receive`` has processed input."""
        self._fed_at = now

    def window(self, asked_at: float) -> tuple[float, float]:
        """Record that ``emit`` returned nothing.

        Returns:
            The earliest time of the next call if there is input meanwhile, and the latest time.
        """
        # one early call may be made up for, so that jitter in what feeds it costs no delay
        self._due = max(self._due, asked_at - INTERVAL_S) + INTERVAL_S
        being_fed = asked_at - self._fed_at < FED_TIMEOUT_S
        latest = asked_at + (2 * INTERVAL_S if being_fed else INTERVAL_S)
        return self._due, max(self._due, latest)


class DroppedAudio:
    """Decide when an ``emit`` whose audio no client receives is called again. No clock.

    Attributes:
        room_at: The earliest time, in seconds of any monotonic clock.
    """

    def __init__(self) -> None:
        self.room_at = -math.inf

    def add(self, seconds: float, now: float) -> None:
        """Record dropped audio, which would have been played by then."""
        seconds = min(seconds, DROPPED_AHEAD_S)  # the next audio hardly waits
        self.room_at = max(now - DROPPED_AHEAD_S, self.room_at) + seconds

    def clear(self) -> None:
        """Record that queued audio was cleared."""
        self.room_at = -math.inf
