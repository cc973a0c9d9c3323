"""Messages to the client that wait until there is a channel."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable

from ..core.tasks import runs_on

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
        self._waiting: deque[str] = deque()
        self._dropped = 0
        self._closed = False

    @property
    def waits(self) -> bool:
        """Whether messages wait for a channel."""
        return bool(self._waiting)

    def open(self, send: Callable[[str], None]) -> None:
        """Take the channel, and send what waited for it."""
        self._send = send
        while self._waiting:
            self._deliver(self._waiting.popleft())

    def post(self, message: str) -> None:
        """Send a message, or keep it until there is a channel; from any thread."""
        if runs_on(self._loop):
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
            self._keep(message)
            return
        try:
            self._send(message)
        except Exception:
            logger.debug("A message found the channel closed: %.80s", message, exc_info=True)

    def _keep(self, message: str) -> None:
        self._waiting.append(message)
        if len(self._waiting) > MOST_WAITING:
            self._waiting.popleft()
            self._dropped += 1
            if self._dropped == 1:
                logger.warning(
                    "%d messages wait for the client to open a data channel: the oldest is dropped",
                    MOST_WAITING,
                )

    def close(self) -> None:
        """Drop what waits and what comes."""
        self._closed = True
        self._waiting.clear()
