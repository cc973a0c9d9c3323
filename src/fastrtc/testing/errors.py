"""The errors of a simulated call."""

from __future__ import annotations

from ..core.errors import FastRTCError

__all__ = ["CallFailed", "not_connected"]


class CallFailed(FastRTCError, AssertionError):
    """A simulated call did not go as its script expects.

    The message says what happened, when, and at which line of the test the caller waited or spoke.
    """


def not_connected(reason: str, cause: object = None) -> CallFailed:
    """Return the error for a call that was not connected.

    Args:
        reason: Why not.
        cause: An error that may have ``advice``.
    """
    advice = getattr(cause, "advice", "")
    return CallFailed(f"The call was not connected: {reason}" + (f". {advice}" if advice else ""))
