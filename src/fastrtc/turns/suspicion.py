"""A pause that may be the end of the turn, while a turn model judges it."""

from __future__ import annotations

__all__ = ["DEADLINE_S", "SUSPECTED_AFTER_S", "Suspicion"]

SUSPECTED_AFTER_S = 0.2
"""After this much silence the turn may be over. Less is a stop consonant."""

DEADLINE_S = 0.3
"""How long a turn model may take, in seconds of audio; then the plain pause decides."""

_DEADLINE = round(DEADLINE_S * 1e9)


class Suspicion:
    """The current pause; all times are in nanoseconds of audio.

    Attributes:
        since: When it was suspected to end the turn; None if it was not.
        complete: What the turn model says; None as long as it has said nothing.
    """

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Forget the pause: the speaker goes on, or the turn has ended."""
        self.since: int | None = None
        self.complete: bool | None = None
        self._unknown = False

    def judge(self, complete: bool | None, now: int) -> None:
        """Process a judgement; ignored without a suspicion, and after the deadline.

        Args:
            complete: Whether the turn is complete; None if the model failed.
            now: The time.
        """
        if self.since is not None and not self.is_overdue(now):
            self.complete, self._unknown = complete, complete is None

    def is_overdue(self, now: int) -> bool:
        """Return whether no judgement is expected any more."""
        return self.since is not None and (self._unknown or now - self.since >= _DEADLINE)

    def waits(self, now: int) -> bool:
        """Return whether the turn must not end yet, as a judgement is expected."""
        return self.complete is None and not self.is_overdue(now)
