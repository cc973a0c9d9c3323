"""The messages that a client was sent lately. No I/O and no clock."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

__all__ = ["MessageHistory"]

MAX_MESSAGES = 256
"""Messages that are kept, as many as are queued without a channel."""

MAX_CHARACTERS = 1 << 20
"""Maximum length of the messages that are kept, together."""


class _Sent(NamedTuple):
    message: str
    sent_at: float


class MessageHistory:
    """Keep the messages that a client may not have received when its network is lost.

    Attributes:
        count: Number of messages that were ever sent.
    """

    def __init__(self) -> None:
        self.count = 0
        self._kept: deque[_Sent] = deque()
        self._size = 0

    def add(self, message: str, now: float) -> None:
        """Record a message that is sent; the oldest ones are forgotten."""
        self.count += 1
        self._size += len(message)
        self._kept.append(_Sent(message, now))
        while len(self._kept) > MAX_MESSAGES or self._size > MAX_CHARACTERS:
            self._size -= len(self._kept.popleft().message)

    def missed(self, received: int | None, heard_at: float | None) -> list[str]:
        """Return the messages that the client has not received, in order.

        Args:
            received: How many messages it has received. None, and a number that cannot be, return
                those that were sent after it was heard last.
            heard_at: When it was heard last; None if that is unknown.
        """
        kept = self._kept
        if received is None or not 0 <= received <= self.count:
            since = float("inf") if heard_at is None else heard_at
            return [sent.message for sent in kept if sent.sent_at > since]
        missing = min(self.count - received, len(kept))
        return [sent.message for sent in list(kept)[len(kept) - missing :]]
