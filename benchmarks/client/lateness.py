"""How late frames are, counted so that those of many sessions and processes add up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

#: A frame that comes so many seconds after its time is late.
LATE = 0.100
#: What is later than this counts as this, in ms: a histogram has an end.
MOST = 10_000


class Lateness:
    """A histogram of how late frames were, in whole milliseconds."""

    def __init__(self, counts: Mapping[int, int] | None = None) -> None:
        self.counts = Counter(counts or {})

    def note(self, seconds: float) -> None:
        """Counts one frame; what is early is on time."""
        self.counts[min(max(0, int(seconds * 1000)), MOST)] += 1

    def add(self, other: Lateness) -> None:
        """Counts the frames of another, too."""
        self.counts.update(other.counts)

    @property
    def on_time(self) -> int:
        """Frames that came less than `LATE` after their time."""
        return sum(count for late, count in self.counts.items() if late < LATE * 1000)

    def percentile(self, share: float) -> float:
        """So many of the frames were at most so many ms late; 0 when there were none."""
        wanted = share / 100 * sum(self.counts.values())
        passed = 0
        for late in sorted(self.counts):
            passed += self.counts[late]
            if passed >= wanted:
                return float(late)
        return 0.0


class Timetable:
    """When the frames of one session are due.

    The frame that came soonest for its place in the stream sets the time for all others: what is
    later than that was kept waiting.
    """

    def __init__(self) -> None:
        self._soonest = float("inf")

    def late(self, moment: float, place: float) -> float:
        """How late a frame is that came at a moment, `place` seconds into the stream."""
        offset = moment - place
        self._soonest = min(self._soonest, offset)
        return offset - self._soonest

    def restart(self) -> None:
        """What came so far says nothing about what is to come."""
        self._soonest = float("inf")


def late_share(lateness: Lateness, sent: int) -> float:
    """Share of the frames that came late, or not at all, of those sent or come: the more."""
    expected = max(sent, sum(lateness.counts.values()))
    return 1 - lateness.on_time / expected if expected else 1.0


def following(held: int, failed: int | None, *, first: int, growth: float, within: int) -> int:
    """How many sessions to try next; `held` again when that is the ceiling.

    Args:
        held: The most that were on time so far, 0 at the beginning.
        failed: The fewest that were not, if any.
        first: How many to begin with.
        growth: How many times more each time, until some fail.
        within: How close `held` and `failed` have to come.
    """
    if failed is None:
        return max(first, int(held * growth))
    if failed - held <= within:
        return held
    return (held + failed) // 2
