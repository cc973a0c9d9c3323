"""What tests read of the connections of a stream, or a component, that is not public."""

from __future__ import annotations

from typing import Any


class Connections:
    """The places, peers, media and early candidates of one endpoint."""

    def __init__(self, endpoint: Any) -> None:
        self._endpoint = endpoint

    @property
    def registry(self) -> Any:
        """The places: ``len``, ``reserve``, ``get`` and the like."""
        return self._endpoint._registry

    @property
    def peers(self) -> Any:
        """The peers by id."""
        return self._endpoint._peers

    @property
    def media(self) -> Any:
        """The media by id."""
        return self._endpoint._media

    @property
    def early(self) -> Any:
        """The candidates that came before their offer."""
        return self._endpoint._early

    @property
    def lobby(self) -> Any:
        """The sockets that have not started."""
        return self._endpoint._lobby


def connections_of(endpoint: Any) -> Connections:
    return Connections(endpoint)


def places(endpoint: Any) -> int:
    """Count what is kept of connections that have not begun to end."""
    own = connections_of(endpoint)
    tables = (
        endpoint.pcs,
        endpoint.handlers,
        endpoint.connections,
        endpoint.data_channels,
        endpoint.additional_outputs,
        endpoint.connection_timeouts,
        own.peers,
        own.media,
        own.registry,
        own.registry._sessions,
    )
    return sum(map(len, tables))


def left(endpoint: Any) -> int:
    """Count what is kept of all connections, also of those that are closing."""
    return places(endpoint) + len(connections_of(endpoint).registry._closing)


def assert_nothing_left(endpoint: Any) -> None:
    assert left(endpoint) == 0
