"""Exceptions of user code: logged, and shown to the client, without flooding either."""

from __future__ import annotations

import logging
from collections.abc import Callable

from ..core.errors import HandlerKeepsFailing, WebRTCError
from ..core.failures import text_of
from ..core.log_throttle import LogThrottle
from ..core.messages import error_message

__all__ = ["ErrorReports"]

logger = logging.getLogger(__name__)

REPEAT_S = 5.0
"""A ``WebRTCError`` that ``receive``, ``emit`` etc. raise again within this time, in seconds, is
not shown again."""

MAX_SHOWN = 32
"""Maximum number of different exceptions of per-frame callbacks that are shown to a client and have
their own log records."""


class ErrorReports:
    """Report the exceptions of one session; thread-safe.

    Args:
        session_id: The id of the session, for the log.
        post: Sends a message to the client.
        clock: Returns the time in seconds.
    """

    def __init__(
        self, session_id: str, post: Callable[[str], None], clock: Callable[[], float]
    ) -> None:
        self._id = session_id
        self._post = post
        self._clock = clock
        self._closed = False
        self._throttles: dict[object, LogThrottle] = {}  # by the origin of exceptions
        self._shown: set[str] = set()
        self._repeating: dict[str, float] = {}  # messages of WebRTCErrors and their last time

    def report(self, error: Exception, end_code: str | None = None) -> None:
        """Log an exception that ended a turn or the session, and show it to the client.

        Args:
            error: The exception.
            end_code: The code of the end, if it ends the session and the client is to know it.
        """
        if isinstance(error, HandlerKeepsFailing):  # its exceptions were logged already
            logger.error("Session %s ends: %s", self._id, error)
        else:
            logger.error("Session %s: the handler failed", self._id, exc_info=error)
        if not (isinstance(error, WebRTCError) and error.told):
            self._post(error_message(text_of(error), end_code))

    def log_failure(self, name: str, error: Exception) -> None:
        """Log an exception, throttled, without showing it to the client.

        Args:
            name: The name of the callback that raised it.
            error: The exception.
        """
        throttle = self._throttle_of(name, error)
        throttle.log(logger.error, "Session %s: %s failed", self._id, name, exc_info=error)

    def report_failure(self, name: str, error: Exception) -> None:
        """Log an exception that cost a frame, throttled, and show it once.

        Args:
            name: The name of the callback that raised it.
            error: The exception.
        """
        if self._closed:
            logger.debug("Session %s: %s failed while closing", self._id, name, exc_info=error)
            return
        self.log_failure(name, error)
        message = error_message(text_of(error))
        if isinstance(error, WebRTCError) and error.told:
            if len(self._repeating) < MAX_SHOWN:
                self._repeating[message] = self._clock()
        elif message not in self._shown and len(self._shown) < MAX_SHOWN:
            self._shown.add(message)
            self._post(message)

    def _throttle_of(self, name: str, error: Exception) -> LogThrottle:
        traceback = error.__traceback__
        while traceback is not None and traceback.tb_next is not None:
            traceback = traceback.tb_next
        place = None if traceback is None else (traceback.tb_frame.f_code, traceback.tb_lineno)
        key = (name, type(error), place)
        if key not in self._throttles and len(self._throttles) >= MAX_SHOWN:
            key = (name, Exception, None)
        return self._throttles.setdefault(key, LogThrottle())

    def show(self, message: str) -> None:
        """Send an error or a warning of user code to the client, unless the session has ended."""
        if self._closed:
            return
        last, now = self._repeating.get(message), self._clock()
        if last is not None:
            self._repeating[message] = now
        if last is None or now - last >= REPEAT_S:
            self._post(message)

    def close(self) -> None:
        """Record that the session ends: failures of frames no longer concern the client."""
        self._closed = True
