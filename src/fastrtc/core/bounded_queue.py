"""Queues that drop their oldest item when they are full, and say so once."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TypeVar

__all__ = ["BoundedQueue", "Overflow"]

T = TypeVar("T")


class Overflow:
    """Count the items that a full queue drops, and warn of the first.

    Args:
        warn: The logging method, such as ``logger.warning``.
        message: The message, logged once.
        *args: Arguments of the message.

    Attributes:
        dropped: The number of items that were dropped.
    """

    def __init__(self, warn: Callable[..., None], message: str, *args: object) -> None:
        self.dropped = 0
        self._warn = warn
        self._message = message
        self._args = args

    def record(self) -> None:
        """Record that an item was dropped."""
        self.dropped += 1
        if self.dropped == 1:
            self._warn(self._message, *self._args)


class BoundedQueue(deque[T]):
    """A queue in which a new item evicts the oldest one beyond its capacity.

    Args:
        capacity: The maximum number of items.
        overflow: Records each item that is dropped.
    """

    def __init__(self, capacity: int, overflow: Overflow) -> None:
        super().__init__(maxlen=capacity)
        self._overflow = overflow

    def append(self, item: T) -> None:
        """Append an item; drop the oldest one if the queue is full."""
        if len(self) == self.maxlen:
            self._overflow.record()
        super().append(item)
