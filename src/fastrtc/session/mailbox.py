"""Messages to the client that wait until there is a channel."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable

__all__ = ["Mailbox"]

logger = logging.getLogger(__name__)

MOST_WAITING = 256
"""Messages that wait for a channel; then the oldest is dropped. A client that opens no
channel at all must not cost memory."""


class Mailbox:
    """Sends messages in order, from any thread; keeps them until there is a channel."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._send: Callable[[str], None] | None = None
        self._waiting: deque[str] = deque(maxlen=MOST_WAITING)
        self._closed = False

    def open(self, send: Callable[[str], None]) -> None:
        """Take the channel, and send what waited for it."""
        self._send = send
        while self._waiting and self._send is not None:
            self._deliver(self._waiting.popleft())

    def post(self, message: str) -> None:
        """Send a message, or keep it until there is a channel; from any thread."""
        try:
            here = asyncio.get_running_loop() is self._loop
        except RuntimeError:
            here = False
        if here:
            self._deliver(message)
        else:
            try:
                self._loop.call_soon_threadsafe(self._deliver, message)
            except RuntimeError:  # the loop is closed, and with it the connection
                pass

    def _deliver(self, message: str) -> None:
        if self._closed:
            return
        if self._send is None:
            self._waiting.append(message)
            return
        try:
            self._send(message)
        except Exception:
            logger.debug("A message found the channel closed: %.80s", message, exc_info=True)

    def close(self) -> None:
        """Drop what waits and what comes."""
        self._closed = True
        self._waiting.clear()
