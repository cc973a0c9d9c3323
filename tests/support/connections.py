"""Private state of the connections of a stream or component that tests read."""

from __future__ import annotations

from typing import Any

from fastrtc.core.diagnosis import Diagnosis
from fastrtc.server.endpoint import Endpoint, endpoint_of
from fastrtc.session.media import Media
from fastrtc.session.session import Session
from fastrtc.transport.webrtc.peer import Peer


class Connections:
    """The places, peers, media and early candidates of one endpoint."""

    def __init__(self, owner: Any) -> None:
        self.endpoint: Endpoint = endpoint_of(owner)

    @property
    def registry(self) -> Any:
        """The places: ``len``, ``reserve``, ``release``."""
        return self.endpoint.places

    def session(self, id: str) -> Any:
        """Return the session of a connection, or None."""
        connection = self.endpoint.get(id)
        return None if connection is None else connection.session

    @property
    def peers(self) -> dict[str, Peer]:
        """The peers by id."""
        found = ((one.id, one.transport) for one in self.endpoint.places)
        return {id: peer for id, peer in found if isinstance(peer, Peer)}

    @property
    def media(self) -> dict[str, Media]:
        """The media by id."""
        return {connection.id: connection.media for connection in self.endpoint.places}

    @property
    def early(self) -> Any:
        """The candidates that arrived before their offer."""
        return self.endpoint.early

    @property
    def pending(self) -> Any:
        """The sockets that have not sent `start`."""
        return self.endpoint.pending

    @property
    def calls(self) -> Any:
        """The places of callers who have been told that they are connected."""
        return self.endpoint.calls


def connections_of(owner: Any) -> Connections:
    return Connections(owner)


class NoTransport:
    """A transport that carries nothing."""

    channel = None

    def __init__(self, id: str) -> None:
        self._id = id

    def diagnose(self) -> Diagnosis:
        return Diagnosis(self._id, "websocket", "ended")


def add_connection(owner: Any, id: str, callbacks: tuple[Any, ...] = ()) -> Session:
    """Do what an offer does, without the peer connection."""
    endpoint = endpoint_of(owner)
    endpoint.places.reserve(id, owner.concurrency_limit)
    session = Session(
        id,
        owner.event_handler,
        deliver=owner.set_additional_outputs(id),
        release=endpoint.release_session,
    )
    media = Media(session, owner.modality, owner.mode)
    endpoint.add(session, media, NoTransport(id), callbacks)
    return session


def places(owner: Any) -> int:
    """Return the number of connections that have not started to close."""
    own = connections_of(owner)
    tables = (
        owner.pcs,
        owner.handlers,
        owner.connections,
        owner.data_channels,
        owner.additional_outputs,
        owner.connection_timeouts,
        own.registry,
        own.registry._connections,
    )
    return sum(map(len, tables))


def left(owner: Any) -> int:
    """Return the number of all connections, including closing ones."""
    return places(owner) + len(connections_of(owner).registry._closing)


def assert_nothing_left(owner: Any) -> None:
    assert left(owner) == 0
