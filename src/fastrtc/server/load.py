"""How busy a stream is in one process."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .endpoint import Endpoint

__all__ = ["Load", "load_of"]


@dataclass(frozen=True)
class Load:
    """The load of the stream in one process.

    Attributes:
        sessions: Number of connections, including those of the stream's page.
        places: Number of further connections that the stream accepts, without those of its page;
            None means no limit.
        draining: Whether the server is stopping: it accepts no new connections.
    """

    sessions: int
    places: int | None
    draining: bool


def load_of(endpoint: Endpoint) -> Load:
    """Return the load of a stream."""
    places = endpoint.places
    sessions = sum(len(each.places) for each in endpoint.members())
    return Load(sessions, places.free(endpoint.owner.concurrency_limit), places.stopping)
