"""A reply that is started when a turn is likely over, before it is certain."""

from __future__ import annotations

import threading
from collections.abc import Callable

from .reply import Reply

__all__ = ["EarlyReply"]


class EarlyReply:
    """Hold the reply that was started early, until its turn ends or goes on; thread-safe.

    The outputs of a ``Reply`` stay in it until they are taken, so nothing of it is played.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._reply: Reply | None = None

    def start(self, create: Callable[[], Reply]) -> None:
        """Start a reply, in place of an earlier one.

        Args:
            create: Creates and starts it.
        """
        self.discard()
        reply = create()
        with self._lock:
            self._reply = reply

    def take(self) -> Reply | None:
        """Return the reply, which is to be played now; None if there is none."""
        with self._lock:
            reply, self._reply = self._reply, None
        return reply

    def discard(self) -> None:
        """Stop the reply, if there is one: the speaker goes on."""
        reply = self.take()
        if reply is not None:
            reply.supersede()
