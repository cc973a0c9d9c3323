"""Those who have come, and have not said yet what they want."""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["Lobby"]


class Lobby:
    """Has room for so many; when one more comes, the one that has waited longest must go.

    So whoever fills it keeps nobody out: an honest client says at once what it wants.

    """

    def __init__(self) -> None:
        self._waiting: dict[object, Callable[[], None]] = {}

    def __len__(self) -> int:
        """How many wait."""
        return len(self._waiting)

    def enter(self, guest: object, send_away: Callable[[], None], *, most: int) -> None:
        """Let one in.

        Args:
            guest: Who it is.
            send_away: Called when it must go.
            most: How many may wait.
        """
        if len(self._waiting) >= most:
            first = next(iter(self._waiting))
            self._waiting.pop(first)()
        self._waiting[guest] = send_away

    def leave(self, guest: object) -> None:
        """Learn that one does not wait any more; again and again does no harm."""
        self._waiting.pop(guest, None)
