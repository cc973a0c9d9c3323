"""Messages to the client, queued until a channel is open."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from ..core.bounded_queue import BoundedQueue, Overflow
from ..core.tasks import runs_on
from .message_history import MessageHistory

__all__ = ["MessageDropped", "Outbox"]

logger = logging.getLogger(__name__)

MAX_QUEUED = 256
"""Capacity of the queue; a new message evicts the oldest. A client that never opens a channel must
not use unbounded memory."""


class MessageDropped(Exception):
    """A message is not sent, and will not be, as the client does not read."""


class Outbox:
    """Sends messages in order, from any thread; queues them until a channel is open.

    Attributes:
        history: What was sent, for a client that may resume its session; None for others.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._send: Callable[[str], None] | None = None
        overflow = Overflow(
            logger.warning,
            "More than %d messages are queued for a data channel: the oldest are dropped",
            MAX_QUEUED,
        )
        self._queued: BoundedQueue[str] = BoundedQueue(MAX_QUEUED, overflow)
        self._closed = False
        self.history: MessageHistory | None = None

    @property
    def pending(self) -> bool:
        """Whether messages are queued."""
        return bool(self._queued)

    @property
    def waiting(self) -> int:
        """Number of queued messages."""
        return len(self._queued)

    def open(self, send: Callable[[str], None]) -> None:
        """Set the channel, and send the queued messages."""
        self._send = send
        while self._queued:
            self._deliver(self._queued.popleft())

    def suspend(self) -> None:
        """Queue messages again: the channel is gone."""
        self._send = None

    def resume(
        self, send: Callable[[str], None], received: int | None, heard_at: float | None
    ) -> None:
        """Set another channel, and send what the client has not received, in order.

        Args:
            send: Sends a message.
            received: How many messages the client has received; None if it did not say.
            heard_at: When the client was heard last, if that is known.
        """
        self._send = send
        missed = () if self.history is None else self.history.missed(received, heard_at)
        for message in missed:
            self._put(send, message)
        self.open(send)

    def post(self, message: str) -> None:
        """Send a message, or queue it until a channel is open; thread-safe."""
        if runs_on(self._loop):
            self._deliver(message)
        else:
            try:
                self._loop.call_soon_threadsafe(self._deliver, message)
            except RuntimeError:  # the loop is closed, so the connection has ended
                pass

    def _deliver(self, message: str) -> None:
        if self._closed:
            return
        if self._send is None:
            self._queued.append(message)
            return
        if self._put(self._send, message) and self.history is not None:
            self.history.add(message, self._loop.time())

    def _put(self, send: Callable[[str], None], message: str) -> bool:
        """Send a message; return False if it is dropped for good, and must not be counted."""
        try:
            send(message)
        except MessageDropped:
            return False
        except Exception:
            logger.debug(
                "A message was dropped, as the channel is closed: %.80s", message, exc_info=True
            )
        return True

    def close(self) -> None:
        """Drop queued and future messages."""
        self._closed = True
        self._queued.clear()
        self.history = None
