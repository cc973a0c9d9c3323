"""When a client tries to resume its session. No I/O and no clock."""

from __future__ import annotations

import math

__all__ = ["Reconnection"]

FIRST_DELAY_S = 0.0
"""The first attempt follows at once: the address may have changed only."""

DELAY_S, MAX_DELAY_S = 0.25, 4.0
"""The pause before the second attempt, which doubles with each, and the longest one, in seconds."""

JITTER = 0.25
"""How much pauses vary, so that the clients of a server that was away do not return together."""

MARGIN_S = 15.0
"""How much longer than the server waits the client tries, in seconds: the server notices up to so
much later that the network is lost."""

FINAL = frozenset({"resume_refused", "not_supported", "bad_configuration"})
"""Codes of refusals after which no attempt can succeed. ``not_found`` is none: the session was at
this address, and a proxy whose server restarts, or a login page of a Wi-Fi, answers the same."""


class Reconnection:
    """Decide when to try again, and when to give up.

    Args:
        within_s: How long the server keeps the session, in seconds.
        now: The time at which the network was lost, in seconds of any monotonic clock.

    Attributes:
        attempts: Number of attempts so far.
    """

    def __init__(self, within_s: float, now: float) -> None:
        self.attempts = 0
        self._deadline = now + within_s + MARGIN_S
        self._refused = False

    def next_attempt_at(self, now: float, random: float = 0.5) -> float | None:
        """Return when to try next; None to give up.

        Args:
            now: The time.
            random: A random number from 0 to 1.
        """
        if self.attempts == 0:
            delay_s = FIRST_DELAY_S
        else:
            delay_s = min(MAX_DELAY_S, DELAY_S * math.pow(2, min(self.attempts - 1, 16)))
            delay_s *= 1 + JITTER * (2 * random - 1)
        self.attempts += 1
        if self._refused or now + delay_s > self._deadline:
            return None
        return now + delay_s

    def failed(self, code: str) -> None:
        """Record that an attempt failed, with the code of its ``ClientError``."""
        self._refused = self._refused or code in FINAL
