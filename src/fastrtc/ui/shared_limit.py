"""Components that share a connection limit, like Gradio's ``concurrency_id``."""

from __future__ import annotations

from collections.abc import Callable
from weakref import WeakSet

from ..core.errors import SessionRefused
from ..server.monitors import TransportName
from ..server.places import Places, ignore_change

__all__ = ["GroupedPlaces"]

_groups: dict[str, WeakSet[GroupedPlaces]] = {}


class GroupedPlaces(Places):
    """The sessions of a component, which may share its limit with others of this process."""

    def __init__(
        self,
        forget: Callable[[str], None],
        occupied: Callable[[TransportName, int], None] = ignore_change,
    ) -> None:
        super().__init__(forget, occupied)
        self._limit: int | None = None
        self._group: WeakSet[GroupedPlaces] = WeakSet()

    def join(self, group: str | None, limit: int) -> None:
        """Share the lowest limit of the named group; None is no group."""
        self._limit = limit
        self._group.discard(self)
        self._group = WeakSet() if group is None else _groups.setdefault(group, WeakSet())
        self._group.add(self)

    def reserve(self, id: str, limit: int | None, transport: TransportName = "webrtc") -> None:
        """Reserve a connection; see ``Places``.

        Raises:
            SessionRefused: If the id is in use, or the limit of the group is reached.
        """
        limits = [one._limit for one in self._group if one._limit is not None]
        if id not in self and len(self._group) > 1 and limits:
            full = sum(map(len, self._group)) >= min(limits)
            if full and not any(one.end_suspended() for one in self._group):
                raise SessionRefused("concurrency_limit_reached", limit=min(limits))
        super().reserve(id, limit, transport)
