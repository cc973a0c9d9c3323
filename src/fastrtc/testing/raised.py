"""The exceptions of a program, which reach the caller as texts only."""

from __future__ import annotations

import logging

__all__ = ["RaisedErrors"]

LOGGER = "fastrtc.session.error_reports"
"""The logger of the exceptions of programs."""


class RaisedErrors(logging.Handler):
    """Collect the exceptions that programs in this process raise, to show where they come from."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self._errors: dict[str, BaseException] = {}

    def begin(self) -> None:
        """Begin to collect."""
        logging.getLogger(LOGGER).addHandler(self)

    def end(self) -> None:
        """Collect no more."""
        logging.getLogger(LOGGER).removeHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the exception of a log record."""
        error = record.exc_info[1] if record.exc_info else None
        if error is not None:
            self._errors[str(error) or type(error).__name__] = error

    def get(self, text: str) -> BaseException | None:
        """Return the last exception with a text, as the client is shown it; None if unknown."""
        return self._errors.get(text)
