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
        self._errors: list[tuple[object, str, BaseException]] = []
        self._taken = 0

    def begin(self) -> None:
        """Begin to collect."""
        logging.getLogger(LOGGER).addHandler(self)

    def end(self) -> None:
        """Collect no more."""
        logging.getLogger(LOGGER).removeHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the exception of a log record, whose first argument is the id of the connection."""
        error = record.exc_info[1] if record.exc_info else None
        if error is not None and isinstance(record.args, tuple) and record.args:
            self._errors.append((record.args[0], str(error) or type(error).__name__, error))

    def get(self, id: str, text: str) -> BaseException | None:
        """Return the last exception of a connection with a text, or None.

        Args:
            id: The id of the connection.
            text: The text of the exception, as the client is shown it.
        """
        found = [error for of, shown, error in self._errors if (of, shown) == (id, text)]
        return found[-1] if found else None

    def take(self, id: str) -> list[str]:
        """Return the texts of the exceptions of a connection that have not been taken."""
        new = self._errors[self._taken :]
        self._taken += len(new)
        return [text for of, text, _ in new if of == id]
