"""Log lines that strangers can cause, written now and then instead of each time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

__all__ = ["Seldom"]

EVERY_S = 60.0
"""How often such a line is written at most, in seconds."""


class Seldom:
    """Lets a line pass once in a while, and counts those in between; from any thread.

    Args:
        every_s: How often, in seconds.
        clock: Gives the time.
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
        """Write a line, or only count it.

        Args:
            write: Writes it, such as ``logger.warning``.
            message: Its text; how many were left out since the last one is added.
            *args: What goes into the text.
            **options: More for ``write``.
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
