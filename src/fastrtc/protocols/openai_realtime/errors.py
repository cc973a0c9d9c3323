"""The errors of the protocol: what a client gets for an event that is wrong."""

from __future__ import annotations

from typing import Any

__all__ = ["INVALID", "EventError", "error_body"]

INVALID = "invalid_request_error"
"""The type of errors that the client has made."""


class EventError(ValueError):
    """A client event that cannot be processed; the session goes on.

    Attributes:
        code: A code for programs.
        param: The field that is wrong, such as ``"session.audio.input"``; None if it is no field.
        event_id: The id that the client gave to its event, if it is known.
    """

    def __init__(self, message: str, code: str = "invalid_value", param: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.param = param
        self.event_id: str | None = None

    @property
    def body(self) -> dict[str, Any]:
        """The ``error`` of an ``error`` event, and of the response to a request."""
        return error_body(str(self), self.code, self.param, self.event_id)


def error_body(
    message: str,
    code: str | None,
    param: str | None = None,
    event_id: str | None = None,
    type: str = INVALID,
) -> dict[str, Any]:
    """Return the ``error`` of an ``error`` event."""
    return {"type": type, "code": code, "message": message, "param": param, "event_id": event_id}
