"""Stretches of speech on a time line in nanoseconds: integers, so that comparisons are exact."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["NEVER_S", "Stretch", "to_ns", "to_s"]

NEVER_S = 1e9
"""A time that is never reached, in seconds."""


class Stretch(NamedTuple):
    """A run of consecutive windows of speech.

    Times are in nanoseconds. ``burst`` is the start of its burst: stretches that are separated by a
    short silence only.
    """

    start: int
    end: int
    burst: int

    def between(self, start: int, end: int) -> int:
        """Return how much of it is between two times."""
        return max(0, min(self.end, end) - max(self.start, start))


def to_ns(seconds: float) -> int:
    """Convert seconds to nanoseconds."""
    return round(min(float(seconds), NEVER_S) * 1e9)


def to_s(nanoseconds: int) -> float:
    """Convert nanoseconds to seconds."""
    return nanoseconds / 1e9
