"""WebSockets that are open and whose clients have not started."""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["PendingConnections"]


class PendingConnections:
    """A bounded registry of pending connections; a new one evicts the oldest.

    So a client that fills it does not keep out others, which start at once.
    """

    def __init__(self) -> None:
        self._waiting: dict[object, Callable[[], None]] = {}

    def __len__(self) -> int:
        """Return the number of pending connections."""
        return len(self._waiting)

    def enter(self, connection: object, evict: Callable[[], None], *, limit: int) -> None:
        """Add a connection.

        Args:
            connection: The connection.
            evict: Called when it is evicted.
            limit: Maximum number of pending connections.
        """
        if len(self._waiting) >= limit:
            first = next(iter(self._waiting))
            self._waiting.pop(first)()
        self._waiting[connection] = evict

    def leave(self, connection: object) -> None:
        """Remove a connection that is no longer pending; idempotent."""
        self._waiting.pop(connection, None)
