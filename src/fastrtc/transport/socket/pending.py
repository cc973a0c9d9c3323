"""WebSockets that are open and have not started yet."""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["PendingConnections"]


class PendingConnections:
    """Connections that may wait; when there are too many, the one that has waited longest goes.

    So filling it keeps no honest client out, which says at once what it wants.
    """

    def __init__(self) -> None:
        self._waiting: dict[object, Callable[[], None]] = {}

    def __len__(self) -> int:
        """Return how many wait."""
        return len(self._waiting)

    def enter(self, connection: object, evict: Callable[[], None], *, limit: int) -> None:
        """Add a connection.

        Args:
            connection: The connection.
            evict: Called when it must go.
            limit: How many may wait.
        """
        if len(self._waiting) >= limit:
            first = next(iter(self._waiting))
            self._waiting.pop(first)()
        self._waiting[connection] = evict

    def leave(self, connection: object) -> None:
        """Remove a connection that waits no more; a second time does nothing."""
        self._waiting.pop(connection, None)
