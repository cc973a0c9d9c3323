"""A bounded queue of messages to a socket."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

from ...core.timed_event import TimedEvent
from ..stalled_client import StalledClientDetector

__all__ = ["SocketSender"]


class SocketSender:
    """Send messages in order; ``put`` never waits.

    Args:
        send: Sends one message; waits while the client is slow (backpressure).
        overflowed: Called once when the client does not read; nothing more is sent.
    """

    def __init__(
        self, send: Callable[[str | bytes], Awaitable[None]], overflowed: Callable[[], None]
    ) -> None:
        self._send = send
        self._overflowed = overflowed
        self._waiting: deque[tuple[str | bytes, bool]] = deque()
        self._size = 0
        self._taken = 0
        self._stalled = StalledClientDetector()
        self._queued = TimedEvent()
        self._sent = asyncio.Event()
        self._sent.set()
        self._ended = False

    def put(self, message: str | bytes, *, audio: bool = False) -> None:
        """Queue a message, on the event loop.

        Args:
            message: A string or bytes.
            audio: Whether ``drop_audio`` drops it.
        """
        if self._ended:
            return
        now = asyncio.get_running_loop().time()
        if self._stalled.is_too_much(self._size, self._taken, now):
            self.end()
            self._overflowed()
            return
        self._size += len(message)
        self._waiting.append((message, audio))
        self._sent.clear()
        self._queued.ring()

    def drop_audio(self) -> None:
        """Drop queued audio."""
        kept = [(message, audio) for message, audio in self._waiting if not audio]
        self._size -= sum(len(m) for m, _ in self._waiting) - sum(len(m) for m, _ in kept)
        self._waiting = deque(kept)

    async def run(self) -> None:
        """Send queued messages.

        Raises:
            Exception: From ``send``, when the client has gone.
        """
        try:
            while True:
                while self._waiting:
                    message, _ = self._waiting.popleft()
                    await self._send(message)
                    self._size -= len(message)
                    self._taken += len(message)
                self._sent.set()
                await self._queued.wait()
        finally:
            self.end()

    async def flush(self, timeout: float) -> None:
        """Wait until all messages are sent or cannot be sent, up to *timeout* seconds."""
        try:
            await asyncio.wait_for(self._sent.wait(), timeout)
        except asyncio.TimeoutError:
            pass

    def end(self) -> None:
        """Drop queued messages, and further ones."""
        self._ended = True
        self._waiting.clear()
        self._sent.set()
