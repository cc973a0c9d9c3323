"""The errors of fastrtc.

::

    Exception
      FastRTCError                    root of what this package raises on purpose
        WebRTCError                   raised by handlers: shown to the client
        InvalidOffer (ValueError)     an offer that cannot be answered
        InvalidCandidate (ValueError) a candidate that cannot be parsed
        SessionRefused                a connection was refused; has the code for the client
        Unauthorized                  raised by ``authorize``; has the reason for the client
        ClientCallError               a call to the client has no result
          ClientCallTimeout (TimeoutError)  none in time
        HandlerError                  what a handler returned cannot be used
          HandlerNotInitialized (AttributeError)  its __init__ does not call the base class's
        HandlerExited                 user code raised a ``BaseException``
        HandlerKeepsFailing           a callback fails again and again
        CannotSay                     what ``say`` was given cannot be played
          NotConnected                the connection has ended, or there is none
          NoVoice (ValueError)        text, and no voice to speak it

Models have their own errors below ``FastRTCError``, see ``pause_detection.errors``; so have the
directories of clusters, see ``server.cluster.directory``, and simulated calls, see
``testing.errors``.
"""

from __future__ import annotations

from typing import Any

from .messages import error_message, post_message

__all__ = [
    "CannotSay",
    "ClientCallError",
    "ClientCallTimeout",
    "FastRTCError",
    "HandlerError",
    "HandlerExited",
    "HandlerKeepsFailing",
    "HandlerNotInitialized",
    "InvalidCandidate",
    "InvalidOffer",
    "NoVoice",
    "NotConnected",
    "SessionRefused",
    "Unauthorized",
    "WebRTCError",
]


class FastRTCError(Exception):
    """Root of the exceptions that this package raises on purpose."""


class WebRTCError(FastRTCError):
    """An error to show to the client.

    Raise it in a handler: when the error is created, its message is sent to the client of the
    current connection; raising it ends the reply. Outside a connection it is an ordinary exception.

    Args:
        message: The text to show.

    Attributes:
        told: Whether a client has been notified. An error that is created outside a connection,
            such as in a thread of the program's own, is sent when it ends a connection.
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
    """A connection was refused.

    Attributes:
        code: The error code in the refusal that the client gets, such as
            ``"concurrency_limit_reached"``.
        details: Further fields of the refusal, such as ``{"limit": 1}``.
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
    """Raised by a program's ``authorize`` to refuse a request.

    Args:
        reason: The reason that the client gets.
    """

    def __init__(self, reason: str = "") -> None:
        super().__init__(reason)
        self.reason = reason


class ClientCallError(FastRTCError):
    """A call to the client has no result: it has no such function, or its function failed."""


class ClientCallTimeout(ClientCallError, TimeoutError):
    """The client did not answer a call in time."""


class HandlerError(FastRTCError):
    """A handler returned something that cannot be sent."""


class HandlerNotInitialized(HandlerError, AttributeError):
    """The ``__init__`` of a handler does not call that of its base class."""


class HandlerExited(FastRTCError):
    """User code raised ``SystemExit``, ``KeyboardInterrupt`` or a cancellation of its own.

    It ends the connection and nothing else.
    """


class HandlerKeepsFailing(FastRTCError):
    """A callback of a handler has failed for 5 s without a success; its connection ends."""


class CannotSay(FastRTCError):
    """What ``say`` was given cannot be played on this connection."""


class NotConnected(CannotSay):
    """``say`` was called on a handler whose connection has ended, or that has none."""


class NoVoice(CannotSay, ValueError):
    """``say`` was given text, and the stream has no voice."""
