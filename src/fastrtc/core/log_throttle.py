"""Throttling of log lines that untrusted clients can cause."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

__all__ = ["LogThrottle"]

EVERY_S = 60.0
"""Minimum interval between such lines, in seconds."""


class LogThrottle:
    """Pass one log line per interval, and count the others. Thread-safe.

    Args:
        every_s: The interval in seconds.
        clock: Returns the time in seconds.
    """

    def __init__(
        self, every_s: float = EVERY_S, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._every_s = every_s
        self._clock = clock
        self._lock = threading.Lock()
        self._next: float | None = None
        self._left_out = 0

    def log(self, write: Callable[..., None], message: str, *args: Any, **options: Any) -> None:
        """Log a line, or count it.

        Args:
            write: The logging method, such as ``logger.warning``.
            message: The message; the number of lines suppressed since the last one is appended.
            *args: Arguments of the message.
            **options: Keyword arguments of ``write``.
        """
        with self._lock:
            now = self._clock()
            if self._next is not None and now < self._next:
                self._left_out += 1
                return
            self._next = now + self._every_s
            left_out, self._left_out = self._left_out, 0
        more = f" (and {left_out} more before)" if left_out else ""
        write(f"{message}{more}", *args, **options)
