"""What the program wants to say in a conversation, until its turn comes."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

from ..handlers.link import HandlerLink
from .reply import Reply
from .say import Say

__all__ = ["Says"]

MIN_WAIT_S = 0.02
"""The shortest time to wait for the end of other audio, in seconds."""


class Says:
    """The calls of ``say`` of one conversation; thread-safe.

    Args:
        link: The link between the handler and its connection.
        wake: Set when the next one may begin.
    """

    def __init__(self, link: HandlerLink, wake: threading.Event) -> None:
        self._link = link
        self._wake = wake
        self._lock = threading.Lock()
        self._waiting: deque[Say] = deque()
        self._running: Say | None = None  # its reply is running
        self._protected: Say | None = None  # the last that must not be interrupted
        self._alarm = False

    def add(self, say: Say) -> None:
        """Let a say wait for its turn."""
        with self._lock:
            self._waiting.append(say)
        self._wake.set()

    def look(self) -> None:
        """Wake ``emit`` if something waits, as the conversation has changed."""
        if self._waiting:
            self._wake.set()

    @property
    def waiting(self) -> bool:
        """Whether any say waits."""
        return bool(self._waiting)

    @property
    def running(self) -> bool:
        """Whether a reply plays what the program says, and not all of its outputs were taken."""
        return self._running is not None

    @property
    def protected(self) -> bool:
        """Whether what is played must not be interrupted by the client."""
        return self._protected is not None and not self._protected.done

    def begin(self, reply: Reply, free: Callable[[], bool]) -> Say | None:
        """Begin the next say.

        One that must not be interrupted begins when everything before it was played, so that an
        interruption does not drop it.

        Args:
            reply: The reply that plays it.
            free: Called with the lock held; returns whether it may begin.

        Returns:
            The say, or None if none can begin now.
        """
        with self._lock:
            while self._waiting and self._waiting[0].done:
                self._waiting.popleft()
            if not self._waiting or not free():
                return None
            say = self._waiting[0]
            queued_s = 0.0 if say.interruptible else self._link.queued_s()
            if queued_s:
                self._wake_after(queued_s)
                return None
            self._waiting.popleft()
            self._running = say
            if not say.interruptible:
                self._protected = say
        say.begin(reply)
        return say

    def end(self) -> None:
        """Record that the reply that plays a say, if it does, has ended."""
        with self._lock:
            say, self._running = self._running, None
        if say is not None:
            say.end()
        self.look()

    def drop(self, *, protected: bool) -> None:
        """Drop what waits, as the client or the program interrupts.

        Args:
            protected: Whether to drop also what the client must not interrupt.
        """
        with self._lock:
            dropped = [say for say in self._waiting if protected or say.interruptible]
            self._waiting = deque(say for say in self._waiting if say not in dropped)
            if protected:
                self._protected = None
        for say in dropped:
            say.cancel()

    def _wake_after(self, seconds: float) -> None:
        loop = self._link.loop
        if self._alarm or loop is None:
            return
        self._alarm = True

        def ring() -> None:
            self._alarm = False
            self._wake.set()

        self._link.call_on_loop(lambda: loop.call_later(max(seconds, MIN_WAIT_S), ring))
