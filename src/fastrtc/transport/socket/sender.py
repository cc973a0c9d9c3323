"""A bounded queue of messages to a socket."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

from ...core.timed_event import TimedEvent
from ..stalled_client import StalledClientDetector

__all__ = ["SocketSender"]

MAX_DIRECT = 16 << 10
"""Size of a message that is sent without a queue, in bytes or characters: less than any server
buffers before it waits for the client (64 KiB with asyncio)."""


def _never() -> bool:
    """Return False."""
    return False


class SocketSender:
    """Send messages in order; ``put`` never waits.

    Args:
        send: Sends one message; waits while the client is slow (backpressure).
        overflowed: Called once when the client does not read; nothing more is sent.
        is_idle: Returns whether the server has sent everything, so that sending a small message
            does not wait.
    """

    def __init__(
        self,
        send: Callable[[str | bytes], Awaitable[None]],
        overflowed: Callable[[], None],
        is_idle: Callable[[], bool] = _never,
    ) -> None:
        self._send = send
        self._overflowed = overflowed
        self._is_idle = is_idle
        self._sending = False
        self._error: Exception | None = None
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

    async def send_audio(self, message: str | bytes) -> None:
        """Send audio in the calling task if that needs no waiting; else queue it.

        That saves waking the task of ``run``, which raises the exception if it fails.
        """
        if (
            self._ended
            or self._sending
            or self._waiting
            or len(message) > MAX_DIRECT
            or not self._is_idle()
        ):
            self.put(message, audio=True)
            return
        self._sent.clear()
        self._sending = True
        try:
            await self._send(message)
        except Exception as error:
            self._error = error
        finally:
            self._sending = False
            self._taken += len(message)
            if self._waiting or self._error is not None:  # it did wait, or the client has gone
                self._queued.ring()
            else:
                self._sent.set()

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
                while self._waiting and not self._sending:
                    message, _ = self._waiting.popleft()
                    self._sending = True
                    try:
                        await self._send(message)
                    finally:
                        self._sending = False
                    self._size -= len(message)
                    self._taken += len(message)
                if not self._sending:
                    self._sent.set()
                await self._queued.wait()
                if self._error is not None:
                    raise self._error
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
