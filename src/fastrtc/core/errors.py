"""The errors of fastrtc.

::

    Exception
      FastRTCError                    everything that this package raises on purpose
        WebRTCError                   raised by handlers: tells the client
        InvalidOffer (ValueError)     an offer that cannot be answered
        InvalidCandidate (ValueError) a candidate that cannot be parsed
        SessionRefused                a session that may not begin; has the code for the client
        Unauthorized                  raised by ``authorize``: has the reason for the client
        HandlerError                  what a handler returned cannot be used
          HandlerNotInitialized (AttributeError)  its __init__ does not call the base class's
        HandlerExited                 user code raised what is no ``Exception``
        HandlerKeepsFailing           a callback fails again and again

The models have errors of their own, below ``FastRTCError``; see ``pause_detection.errors``.
"""

from __future__ import annotations

from typing import Any

from .messages import error_message, post_message

__all__ = [
    "FastRTCError",
    "HandlerError",
    "HandlerExited",
    "HandlerKeepsFailing",
    "HandlerNotInitialized",
    "InvalidCandidate",
    "InvalidOffer",
    "SessionRefused",
    "Unauthorized",
    "WebRTCError",
]


class FastRTCError(Exception):
    """Root of the errors that fastrtc raises on purpose."""


class WebRTCError(FastRTCError):
    """An error that the person at the other end should read.

    Raise it in a handler: the message is sent to the client of the current
    connection when the error is made, and the connection's reply ends.
    Outside a connection it is an ordinary exception.

    Args:
        message: The text to show.

    Attributes:
        told: Whether a client has been told. One that is made outside a connection, such as
            in a thread of the program's own, is told when it ends a connection.
    """

    told = False

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.told = post_message(error_message(message))


class InvalidOffer(FastRTCError, ValueError):
    """An offer that cannot be answered: malformed SDP, or tracks that do not fit the stream."""


class InvalidCandidate(FastRTCError, ValueError):
    """An ICE candidate that cannot be parsed."""


class SessionRefused(FastRTCError):
    """A session that may not begin.

    Attributes:
        code: The word for it in the refusal that the client gets,
            such as ``"concurrency_limit_reached"``.
        details: What else the refusal says, such as ``{"limit": 1}``.
    """

    def __init__(self, code: str, **details: Any) -> None:
        super().__init__(code)
        self.code = code
        self.details = details

    @property
    def answer(self) -> dict[str, Any]:
        """What the client is told."""
        return {"status": "failed", "meta": {"error": self.code, **self.details}}


class Unauthorized(FastRTCError):
    """Raise it in the ``authorize`` of a ``Stream`` to refuse a request.

    Args:
        reason: What the client is told.
    """

    def __init__(self, reason: str = "") -> None:
        super().__init__(reason)
        self.reason = reason


class HandlerError(FastRTCError):
    """A handler returned something that cannot be sent."""


class HandlerNotInitialized(HandlerError, AttributeError):
    """The ``__init__`` of a handler does not call that of its base class."""


class HandlerExited(FastRTCError):
    """User code raised ``SystemExit``, ``KeyboardInterrupt`` or a cancellation of its own.

    It ends its connection, and nothing else.
    """


class HandlerKeepsFailing(FastRTCError):
    """A callback of a handler has failed for 5 s without a success: its connection ends."""
