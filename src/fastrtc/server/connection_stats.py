"""The figures of a connection, in any process of a cluster."""

from __future__ import annotations

from functools import partial
from typing import Any

from ..core.stats import ConnectionStats

__all__ = ["local_stats", "stats_of"]


def local_stats(endpoint: Any, id: str) -> ConnectionStats:
    """Return the figures of a connection of this process.

    Args:
        endpoint: The ``Endpoint``.
        id: The id of the connection.

    Raises:
        LookupError: If it is unknown.
    """
    for member in endpoint.members():
        connection = member.get(id)
        if connection is not None:
            stats: ConnectionStats = connection.transport.stats()
            return stats
    raise LookupError(f"There is no connection {id!r}")


def stats_of(endpoint: Any, id: str) -> ConnectionStats:
    """Return the figures of a connection; see ``Stream.stats``.

    Args:
        endpoint: The ``Endpoint``.
        id: The id of the connection.

    Raises:
        LookupError: If it is unknown.
    """
    local = partial(local_stats, endpoint)
    stats: ConnectionStats = endpoint.find_anywhere(id, local, "stats", ConnectionStats)
    return stats
