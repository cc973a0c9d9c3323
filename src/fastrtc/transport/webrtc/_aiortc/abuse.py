"""The end of a connection whose client persistently sends too much."""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["Abuse"]


class Abuse:
    """End a connection, once.

    Args:
        on_abuse: Called with the reason.

    Attributes:
        ended: Whether ``on_abuse`` was called.
    """

    def __init__(self, on_abuse: Callable[[str], None]) -> None:
        self._on_abuse = on_abuse
        self.ended = False

    def __call__(self, reason: str) -> None:
        if not self.ended:
            self.ended = True
            self._on_abuse(reason)
