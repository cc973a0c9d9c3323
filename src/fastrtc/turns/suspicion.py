"""A pause that may be the end of the turn, while a turn model judges it."""

from __future__ import annotations

__all__ = ["COMPLETE", "DEADLINE_S", "SUSPECTED_AFTER_S", "Suspicion", "pause_while_unsure_s"]

SUSPECTED_AFTER_S = 0.2
"""After this much silence the turn may be over. Less is a stop consonant."""

DEADLINE_S = 0.3
"""How long a turn model may take, in seconds of audio; then the plain pause decides."""

COMPLETE = 0.7
"""The probability from which a turn is complete. Models are surer of sentences that ended than of
those that did not."""

_DEADLINE = round(DEADLINE_S * 1e9)


class Suspicion:
    """The current pause; all times are in nanoseconds of audio.

    Attributes:
        since: When it was suspected to end the turn; None if it was not.
        probability: What the turn model says: of the turn being complete; None as long as it has
            said nothing.
    """

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Forget the pause: the speaker goes on, or the turn has ended."""
        self.since: int | None = None
        self.probability: float | None = None
        self._unknown = False

    @property
    def is_complete(self) -> bool:
        """Whether the turn model says that the turn is complete."""
        return self.probability is not None and self.probability >= COMPLETE

    def judge(self, probability: float | None, now: int) -> None:
        """Process a judgement; ignored without a suspicion, and after the deadline.

        Args:
            probability: That the turn is complete; None if the model failed.
            now: The time.
        """
        if self.since is not None and not self.is_overdue(now):
            self.probability, self._unknown = probability, probability is None

    def is_overdue(self, now: int) -> bool:
        """Return whether no judgement is expected any more."""
        return self.since is not None and (self._unknown or now - self.since >= _DEADLINE)

    def waits(self, now: int) -> bool:
        """Return whether the turn must not end yet, as a judgement is expected."""
        return self.probability is None and not self.is_overdue(now)


def pause_while_unsure_s(probability: float, plain_s: float, max_s: float) -> float:
    """Return the pause that ends a turn which seems incomplete, in seconds.

    Args:
        probability: That the turn is complete.
        plain_s: The pause without a judgement, which is also that of a turn just below
            ``COMPLETE``.
        max_s: The pause of a turn that is certainly incomplete.
    """
    return plain_s + (max_s - plain_s) * (1 - probability / COMPLETE)
