"""The errors of a simulated call."""

from __future__ import annotations

from ..core.errors import FastRTCError

__all__ = ["CallFailed"]


class CallFailed(FastRTCError, AssertionError):
    """A simulated call did not go as its script expects.

    The message says what happened, when, and at which line of the test the caller waited or spoke.
    """
