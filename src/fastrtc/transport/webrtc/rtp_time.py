"""RTP timestamps, which have 32 bits and wrap around."""

from __future__ import annotations

__all__ = ["distance_of_report", "rtp_distance"]

MAX_DISTANCE_S = 10.0
"""How far the time of a sender report may be from that of the media received last, in seconds. The
timestamps of another stream begin at random (RFC 3550 section 5.1)."""


def rtp_distance(start: int, end: int) -> int:
    """Return how far a timestamp is ahead of another one; negative if it is behind."""
    ahead = (end - start) & 0xFFFFFFFF
    return ahead - (1 << 32) if ahead > 1 << 31 else ahead


def distance_of_report(last: int, timestamp: int, clock: int) -> int | None:
    """Return how far the time of a sender report is ahead of the media received last.

    Args:
        last: The RTP timestamp of the media.
        timestamp: That of the report.
        clock: The units of both per second.

    Returns:
        None if it is so far that the report must be about another stream.
    """
    ahead = rtp_distance(last, timestamp)
    return ahead if abs(ahead) <= MAX_DISTANCE_S * clock else None
