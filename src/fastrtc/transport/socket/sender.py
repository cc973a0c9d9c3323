"""Messages on their way into a socket: a queue that has a bound."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

from ...core.timed_event import TimedEvent
from ..stalled_client import StalledClientDetector

__all__ = ["SocketSender"]


class SocketSender:
    """Sends messages in order, without making whoever has something to say wait.

    Args:
        send: Sends one message, and waits while the client is slow.
        overflowed: Called once when the client does not read: nothing is sent any more.
    """

    def __init__(
        self, send: Callable[[str | bytes], Awaitable[None]], overflowed: Callable[[], None]
    ) -> None:
        self._send = send
        self._overflowed = overflowed
        self._waiting: deque[tuple[str | bytes, bool]] = deque()
        self._size = 0
        self._taken = 0
        self._backlog = StalledClientDetector()
        self._alarm = TimedEvent()
        self._sent = asyncio.Event()
        self._sent.set()
        self._ended = False

    def put(self, message: str | bytes, *, audio: bool = False) -> None:
        """Queue a message, on the event loop.

        Args:
            message: A text, or bytes.
            audio: Whether it is dropped by ``drop_audio``.
        """
        if self._ended:
            return
        now = asyncio.get_running_loop().time()
        if self._backlog.is_too_much(self._size, self._taken, now):
            self.end()
            self._overflowed()
            return
        self._size += len(message)
        self._waiting.append((message, audio))
        self._sent.clear()
        self._alarm.ring()

    def drop_audio(self) -> None:
        """Drop the audio that waits."""
        kept = [(message, audio) for message, audio in self._waiting if not audio]
        self._size -= sum(len(m) for m, _ in self._waiting) - sum(len(m) for m, _ in kept)
        self._waiting = deque(kept)

    async def run(self) -> None:
        """Send what is queued.

        Raises:
            Exception: Of ``send``, when the client has gone.
        """
        try:
            while True:
                while self._waiting:
                    message, _ = self._waiting.popleft()
                    await self._send(message)
                    self._size -= len(message)
                    self._taken += len(message)
                self._sent.set()
                await self._alarm.wait()
        finally:
            self.end()

    async def flush(self, timeout: float) -> None:
        """Wait until everything is sent, or cannot be, or the time is over."""
        try:
            await asyncio.wait_for(self._sent.wait(), timeout)
        except asyncio.TimeoutError:
            pass

    def end(self) -> None:
        """Drop what waits and what comes."""
        self._ended = True
        self._waiting.clear()
        self._sent.set()
