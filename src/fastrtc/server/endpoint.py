"""What ``Stream`` and the ``WebRTC`` component each hold: who may connect, and who is connected.

Programs subclass both and name their own attributes as they like. So nothing of ours is an
attribute beside theirs: it lives in one object, in their ``__dict__``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from ..core.errors import SessionRefused
from ..session.media import Media
from ..session.session import Session
from ..transport.base import Transport
from ..transport.cross_site import SitePolicy
from ..transport.webrtc.early_candidates import EarlyCandidates
from ..transport.webrtc.peer import Peer
from .authorization import refusal_of, refusal_of_site, site_policy
from .connection import Connection
from .output_readers import OutputReaders
from .owner import Listener, Owner
from .places import Places
from .reservation import Reservation
from .shutdown import CloseOnLoopShutdown

__all__ = ["Endpoint", "attach", "endpoint_of", "has_endpoint"]

NAME = "__fastrtc_endpoint__"
"""The key in the ``__dict__`` of a ``Stream`` or a component."""

LOOP_ENDS_TIMEOUT_S = 2.0
"""How long connections are waited for when their loop ends, which has cancelled the tasks of
their transport already: ``shutdown()`` runs, but aiortc may wait for a task that is gone."""

E = TypeVar("E", bound="Endpoint")


class Endpoint:
    """The connections of a ``Stream`` or a component.

    Args:
        owner: Where its options are.
        listener: What is told of its connections.
        places: Makes the places of its connections.
        local: Whether it is served on a loopback address, by this package.

    Attributes:
        owner: Where its options are; they are read when they are used.
        places: The places, and the connections in them.
        early: Candidates that came before their offer.
        outputs: The readers of ``AdditionalOutputs``.
        shutdown: Closes its connections when the server stops.
    """

    def __init__(
        self,
        owner: Owner,
        listener: Listener,
        *,
        places: Callable[[Callable[[str], None]], Places] = Places,
        local: bool = False,
    ) -> None:
        self.owner = owner
        self.local = local
        self.places = places(self.forget)
        self.early = EarlyCandidates()
        self.outputs = OutputReaders(
            lambda: self.owner.additional_outputs, lambda: self.owner.limits.ids_waiting
        )
        self.shutdown = CloseOnLoopShutdown(self.stop, self.end_with_the_loop)
        self._listener = listener

    # Who may connect

    @property
    def site_policy(self) -> SitePolicy:
        """Whose pages may use it, and by which names."""
        owner = self.owner
        return site_policy(owner.allowed_origins, owner.allowed_hosts, local=self.local)

    async def refusal_of(self, request: Any) -> SessionRefused | None:
        """Look at where a request comes from, and ask ``authorize``.

        Args:
            request: The request, or None if it is not known.

        Returns:
            Why it is refused; None if it is not.
        """
        refusal = refusal_of_site(self.site_policy, request)
        return refusal or await refusal_of(self.owner.authorize, request)

    # Who is connected

    def reserve(self, id: str) -> Reservation:
        """Take a place for a connection; see ``Reservation``."""
        return Reservation(self, id)

    def add(
        self, session: Session, media: Media, transport: Transport, callbacks: Sequence[Any]
    ) -> Connection:
        """Add a connection, in a place that is reserved.

        Raises:
            SessionRefused: If the server has begun to stop meanwhile.
        """
        outputs = self.outputs.queue(session.id)
        connection = Connection(session, media, transport, list(callbacks), outputs)
        self.places.add(connection)
        outputs.begin()
        self._listener.changed(connection)
        return connection

    def show(self, connection: Connection) -> None:
        """Show that the data channel of a connection has opened."""
        if not connection.session.ended:
            self._listener.changed(connection)

    def get(self, id: str) -> Connection | None:
        """Return a connection, unless it has begun to end."""
        return self.places.get(id)

    def media(self, id: str) -> Media | None:
        """Return the media of a connection, unless it has begun to end."""
        connection = self.places.get(id)
        return None if connection is None else connection.media

    def release(self, id: str, session: Session | None = None) -> None:
        """Free the place of a connection that begins to end; see ``Places.release``."""
        try:
            self._listener.ending(id)
        finally:
            self.places.release(id, session)

    def release_session(self, session: Session) -> None:
        """Free the place of a session that begins to end."""
        self.release(session.id, session)

    def forget(self, id: str) -> None:
        """Forget all that is kept for an id."""
        self._listener.ended(id)
        self.outputs.end(id)
        self.early.refuse_ended(id)

    # The end

    def members(self) -> Sequence[Endpoint]:
        """Return the endpoints that end together."""
        return [self]

    async def close(self, reason: str) -> None:
        """End its connections, telling the clients why, and wait until they are closed."""
        self.early.clear()
        self.outputs.expire_all()
        await self.places.close(reason)

    async def stop(self) -> None:
        """Let the connections come to their end as the server stops, and then end them."""
        limit = self.owner.drain_limit
        await asyncio.gather(*(member.places.drain(limit) for member in self.members()))
        await self.owner.close_sessions()

    async def end_with_the_loop(self) -> None:
        """End the connections that are left when the event loop ends."""
        loop = asyncio.get_running_loop()
        for member in self.members():
            await member.places.close_with_the_loop(LOOP_ENDS_TIMEOUT_S)
            for connection in member.places:
                if isinstance(connection.transport, Peer) and connection.session.loop is loop:
                    await connection.transport.close_sockets()


def attach(owner: Any, endpoint: E) -> E:
    """Give a ``Stream`` or a component its endpoint."""
    vars(owner)[NAME] = endpoint
    return endpoint


def has_endpoint(owner: Any) -> bool:
    """Return whether it has one: not before its ``__init__``."""
    return NAME in vars(owner)


def endpoint_of(owner: Any) -> Any:
    """Return the endpoint of a ``Stream`` or a component.

    Raises:
        RuntimeError: If its class has an ``__init__`` that does not call the base's.
    """
    try:
        return vars(owner)[NAME]
    except KeyError:
        name = type(owner).__name__
        raise RuntimeError(f"{name}.__init__() must call super().__init__()") from None
