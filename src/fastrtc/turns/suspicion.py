"""A pause that may be the end of the turn, while a turn model judges it."""

from __future__ import annotations

__all__ = [
    "ASKED_AGAIN_AFTER_S",
    "DEADLINE_S",
    "SUSPECTED_AFTER_S",
    "Suspicion",
    "pause_while_unsure_s",
]

SUSPECTED_AFTER_S = 0.2
"""After this much silence the turn may be over. Less is a stop consonant."""

ASKED_AGAIN_AFTER_S = 0.4
"""After this much silence a turn model that was unsure is asked again, and is surer."""

DEADLINE_S = 0.3
"""How long a turn model may take, in seconds of audio; then the plain pause decides, or what the
model said before."""

COMPLETE = 0.85
"""The probability from which a turn is complete. Models are surer of sentences that ended than of
those that did not."""

COMPLETE_LATER = 0.95
"""The same when the model is asked again: with more silence, all turns seem more complete."""

UNSURE = 0.2
"""The probability from which the model is asked again. Below, few turns are complete."""

LONGER = 2.5
"""A pause of which a turn model is unsure lasts this much longer than a plain one, at least. Many
hesitations last a second."""

_DEADLINE = round(DEADLINE_S * 1e9)


class Suspicion:
    """The current pause; all times are in nanoseconds of audio.

    Attributes:
        since: When the turn model was asked, or could have been; None if the pause is not long
            enough.
        again: Whether it was asked again.
        probability: What it said last: of the turn being complete; None if it has said nothing.
    """

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Forget the pause: the speaker goes on, or the turn has ended."""
        self.since: int | None = None
        self.again = False
        self.probability: float | None = None
        self._judged = False

    def ask_again(self, since: int) -> None:
        """Let the turn model judge the pause once more."""
        self.since, self.again, self._judged = since, True, False

    @property
    def is_complete(self) -> bool:
        """Whether the turn model says that the turn is complete."""
        least = COMPLETE_LATER if self.again else COMPLETE
        return self.probability is not None and self.probability >= least

    @property
    def is_unclear(self) -> bool:
        """Whether the turn model is to be asked again."""
        return not self.again and self.probability is not None and self.probability >= UNSURE

    def judge(self, probability: float | None, now: int) -> None:
        """Process a judgement; ignored without a suspicion, and after the deadline.

        Args:
            probability: That the turn is complete; None if the model failed.
            now: The time.
        """
        if self.since is None or self.is_overdue(now):
            return
        self._judged = True
        if probability is not None:
            self.probability = probability

    def is_overdue(self, now: int) -> bool:
        """Return whether no judgement is expected any more."""
        return self.since is not None and (self._judged or now - self.since >= _DEADLINE)

    def waits(self, now: int) -> bool:
        """Return whether the turn must not end yet, as a judgement is expected."""
        return not self._judged and not self.is_overdue(now)


def pause_while_unsure_s(probability: float, plain_s: float, max_s: float) -> float:
    """Return the pause that ends a turn which seems incomplete, in seconds.

    It is ``LONGER`` times the plain one if the turn is almost complete, and mostly nearer to that
    than to the longest one: of the turns that are complete, but did not seem so, few seemed
    certainly incomplete.

    Args:
        probability: That the turn is complete.
        plain_s: The pause without a judgement.
        max_s: The pause of a turn that is certainly incomplete.
    """
    least_s = min(LONGER * plain_s, max_s)
    return least_s + (max_s - least_s) * max(0.0, 1 - probability / COMPLETE_LATER) ** 2
