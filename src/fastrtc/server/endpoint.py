"""The endpoint that a ``Stream`` or a ``WebRTC`` component holds: authorization and connections."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from ..core.diagnosis import Diagnosis
from ..core.errors import SessionRefused
from ..core.ice import Ice
from ..core.messages import create_message
from ..core.tasks import runs_on_a_loop
from ..handlers.base import StreamHandlerBase
from ..handlers.inputs import WebRTCData
from ..handlers.link import submit
from ..session.media import Media
from ..session.session import Session
from ..transport.base import Transport
from ..transport.cross_site import SitePolicy
from ..transport.webrtc.early_candidates import EarlyCandidates
from ..transport.webrtc.peer import Peer
from ..transport.webrtc.ports.ice_ports import IcePorts
from .attachment import attach, endpoint_of, has_endpoint, id_of
from .authorization import refusal_of_client, site_policy
from .cluster.options import CLUSTER, resolve_cluster
from .connection import Connection
from .hooks import StreamHooks
from .monitors import TransportName
from .output_readers import OutputReaders
from .owner import Listener, Owner
from .past_connections import PastConnections
from .places import Places
from .reservation import Reservation
from .shutdown import CloseOnLoopShutdown

if TYPE_CHECKING:
    from .cluster.membership import Membership

__all__ = ["Endpoint", "attach", "call_key", "endpoint_of", "has_endpoint", "id_of"]

T = TypeVar("T")

LOOP_ENDS_TIMEOUT_S = 2.0
"""How long to wait for connections when their event loop ends, in seconds. The tasks of their
transports are cancelled by then: aiortc may wait for a task that is gone."""


class Endpoint:
    """The connections of a ``Stream`` or a component.

    Args:
        owner: The object with the options.
        listener: Notified of changes of connections.
        places: Creates the ``Places`` of the connections.
        local: Whether this package serves the endpoint on a loopback address.

    Attributes:
        owner: The object with the options; they are read when they are used.
        places: The connections and their limit.
        early: Candidates received before their offer.
        outputs: The readers of ``AdditionalOutputs``.
        past: What is known about connections that have ended.
        shutdown: Closes the connections when the server stops.
        name: The name of the endpoint in a cluster, the same in all processes.
        hooks: The functions and options of the program that concern the connections.
    """

    name = "stream"

    def __init__(
        self,
        owner: Owner,
        listener: Listener,
        *,
        places: Callable[..., Places] = Places,
        local: bool = False,
    ) -> None:
        self.owner = owner
        self.local = local
        self.hooks = StreamHooks()
        self.places = places(self.forget, lambda *change: self.hooks.monitors.occupied(*change))
        self.early = EarlyCandidates()
        self.outputs = OutputReaders(
            lambda: self.owner.additional_outputs, lambda: self.owner.limits.ids_waiting
        )
        self.shutdown = CloseOnLoopShutdown(self.stop, self.end_with_the_loop)
        self.past = PastConnections()
        self._listener = listener
        self._creating = threading.Lock()  # two threads that ask at once get the same object
        self._ports: tuple[Ice, IcePorts] | None = None
        self._membership: tuple[Any, Membership] | None = None

    # Authorization

    @property
    def site_policy(self) -> SitePolicy:
        """The allowed origins and host names."""
        owner = self.owner
        return site_policy(owner.allowed_origins, owner.allowed_hosts, local=self.local)

    async def refusal_of(self, request: Any, token: Any = None) -> SessionRefused | None:
        """Check the origin of a request, its token (*token*: that of its body), and ``authorize``.

        Returns:
            The refusal, or None.
        """
        refusal = await self.refusal_of_reader(request, token)
        if refusal is not None:
            self.hooks.monitors.refused(refusal.code)
        return refusal

    async def refusal_of_reader(
        self, request: Any, token: str | None = None
    ) -> SessionRefused | None:
        """Check a request that makes no connection, as ``refusal_of`` does; it is not counted."""
        tokens, authorize = self.hooks.tokens, self.owner.authorize
        return await refusal_of_client(self.site_policy, tokens, authorize, request, token)

    # Connections

    @property
    def ports(self) -> IcePorts:
        """The ports and addresses of WebRTC connections.

        Raises:
            ValueError: If an environment variable of ``Ice`` is invalid.
        """
        ice = self.owner.ice
        with self._creating:
            if self._ports is None or self._ports[0] != ice:
                self._ports = ice, IcePorts(ice.with_environment())
            return self._ports[1]

    @property
    def cluster(self) -> Membership | None:
        """The membership in a cluster; None without the option and the environment variable.

        Raises:
            ValueError: If an option of the cluster, or one of its variables, is invalid.
        """
        option = self.owner.cluster
        if option is None and CLUSTER not in os.environ:
            return None
        with self._creating:
            known = self._membership
            if known is None or (known[0] != option and not known[1].is_running):
                from .cluster.membership import Membership

                if (options := resolve_cluster(option)) is None:  # the variable is empty
                    return None
                known = self._membership = option, Membership(self, options)
            return known[1]

    def reserve(self, id: str, transport: TransportName = "webrtc") -> Reservation:
        """Reserve a place for a connection; see ``Reservation``."""
        return Reservation(self, id, transport)

    def add(
        self, session: Session, media: Media, transport: Transport, callbacks: Sequence[Any]
    ) -> Connection:
        """Add a connection in a reserved place.

        Raises:
            SessionRefused: If the server has started to stop in the meantime.
        """
        media.use_voice(lambda: getattr(self.owner, "voice", None))
        outputs = self.outputs.queue(session.id)
        connection = Connection(session, media, transport, list(callbacks), outputs)
        self.places.add(connection)
        outputs.begin()
        self.hooks.monitors.added(connection)
        self._listener.changed(connection)
        return connection

    def replace(
        self, connection: Connection, transport: Transport, callbacks: Sequence[Any]
    ) -> Connection:
        """Replace the transport of a connection that its client resumes."""
        replaced = replace(connection, transport=transport, callbacks=list(callbacks))
        self.places.replace(replaced, "webrtc" if isinstance(transport, Peer) else "websocket")
        self._listener.changed(replaced)
        self.hooks.monitors.replaced(replaced)
        return replaced

    def show(self, connection: Connection) -> None:
        """Record that the data channel of a connection has opened."""
        if not connection.session.ended:
            self._listener.changed(connection)

    def get(self, id: str) -> Connection | None:
        """Return a connection, or None if it is unknown or closing."""
        return self.places.get(id)

    def media(self, id: str) -> Media | None:
        """Return the media of a connection, or None if it is unknown or closing."""
        connection = self.places.get(id)
        return None if connection is None else connection.media

    def diagnose(self, id: str) -> Diagnosis:
        """Return the state of a connection; see ``WebRTCConnectionMixin.diagnose``.

        Raises:
            LookupError: If it is unknown, or not among the last ones that have ended.
        """
        return self.find_anywhere(id, self.diagnose_local, "diagnose", Diagnosis)

    def find_anywhere(self, id: str, local: Callable[[str], T], call: str, kind: type[T]) -> T:
        """Return what this process, or another one of the cluster, knows about a connection.

        Args:
            id: The connection.
            local: Returns it for a connection of this process.
            call: The name of the request to another process; none is sent from an event loop.
            kind: The type of the result.

        Raises:
            LookupError: If ``local`` raises it, and no other process knows the connection.
        """
        try:
            return local(id)
        except LookupError:
            if not runs_on_a_loop():  # which would have to wait for the answer
                for member in self.members():
                    found = member.send_elsewhere(id, call)
                    if isinstance(found, kind):
                        return found
            raise

    def diagnose_local(self, id: str) -> Diagnosis:
        """Return the state of a connection of this process.

        Raises:
            LookupError: If it is unknown, or not among the last ones that have ended.
        """
        for member in self.members():
            connection = member.get(id)
            if connection is not None:
                return connection.transport.diagnose()
        for member in self.members():
            diagnosis = member.past.get(id)
            if diagnosis is not None:
                return diagnosis
        raise LookupError(f"There is no connection {id!r}")

    def release(self, id: str, session: Session | None = None) -> None:
        """Free the place of a connection that starts to close; see ``Places.release``."""
        try:
            connection = self.places.get(id)
            if connection is not None and connection.session.reason is not None:
                self.past.add(connection.transport.diagnose())
            self._listener.ending(id)
        finally:
            self.places.release(id, session)

    def release_session(self, session: Session) -> None:
        """Free the place of a session that starts to close."""
        self.release(session.id, session)

    def forget(self, id: str) -> None:
        """Remove everything that is stored for an id."""
        self._listener.ended(id)
        self.outputs.end(id)
        self.early.refuse_ended(id)
        if self._membership is not None:
            self._membership[1].release(id)

    # Requests for a connection of this process

    def send_elsewhere(self, id: str, call: str, *args: Any) -> Any:
        """Send a request for an unknown connection to the process that may have it.

        Args:
            id: The connection.
            call: The name of the request.
            *args: Its arguments.

        Returns:
            What the process returned; None without a cluster, and on an event loop.

        Raises:
            TypeError: If an argument cannot be pickled.
            Exception: Exceptions of the request, except on an event loop, where they are logged.
        """
        cluster = self.cluster
        return None if cluster is None else cluster.send(id, call, *args)

    def set_input(self, id: str, args: Sequence[Any]) -> None:
        """Set the inputs of a handler; thread-safe. An unknown id is ignored.

        Raises:
            ValueError: If a stream handler gets no inputs, or a function a different number than it
                takes.
        """
        media = self.media(id)
        if media is None:
            return
        if not args and isinstance(media.handler, StreamHandlerBase):
            raise ValueError("args cannot be empty")
        media.set_args(list(args))

    def set_page_input(self, value: WebRTCData | str, args: Sequence[Any]) -> None:
        """Set the inputs of a handler to those of a page; thread-safe. An unknown id is ignored.

        Raises:
            ValueError: If a function takes a different number of inputs.
        """
        media = self.media(id_of(value))
        if media is not None:
            media.set_page_args(value, list(args))

    def expects(self, value: WebRTCData | str) -> bool:
        """Return whether the handler needs inputs that the page sends on request.

        When a reply requests inputs, the page sends the submitted text again; if that reply has
        ended, the text must not become part of the next one.
        """
        if not isinstance(value, WebRTCData) or not value.textbox:
            return True
        media = self.media(value.webrtc_id)
        state = None if media is None else getattr(media.handler, "state", None)
        return state is None or bool(state.responding)

    def trigger_response(self, id: str) -> None:
        """Trigger a reply to a submitted text if the handler supports it."""
        media = self.media(id)
        if media is not None:
            submit(media.handler)

    def update_connection(self, id: str, desired_state: str) -> None:
        """Ask a client to change its connection. An unknown id is ignored."""
        connection = self.places.get(id)
        if connection is not None:
            connection.session.outbox.post(create_message("update_connection", desired_state))

    def end(self, id: str, reason: str = "clean_up", *, tell: bool = False) -> bool:
        """End a connection, and return whether it is known."""
        connection = self.places.get(id)
        if connection is not None:
            connection.session.close(reason, tell=tell, end="server")
        return connection is not None

    # Closing

    def members(self) -> Sequence[Endpoint]:
        """Return the endpoints that close together."""
        return [self]

    async def close(self, reason: str) -> None:
        """Close the connections, sending clients the reason, and wait until they are closed."""
        self.early.clear()
        self.outputs.expire_all()
        if self._membership is not None:
            self._membership[1].readers.end_all()
        await self.places.close(reason)

    async def stop(self) -> None:
        """Drain the connections as the server stops, then close the remaining ones."""
        limit = self.owner.drain_limit
        draining = [member.places.drain(limit) for member in self.members()]
        clusters = [member.cluster for member in self.members()]
        announcing = [cluster.announce() for cluster in clusters if cluster is not None]
        await asyncio.gather(*draining, *announcing)
        await self.owner.close_sessions()

    async def join_cluster(self) -> None:
        """Join the cluster, if there is one, before the first request.

        Raises:
            RuntimeError: If another stream of the cluster has the same name.
            OSError: If this process cannot listen on its address, or cannot read its secret.
        """
        if self.cluster is not None:
            await self.cluster.start()

    async def leave_cluster(self) -> None:
        """Leave the cluster, if there is one."""
        if self._membership is not None:
            await self._membership[1].stop()

    async def end_with_the_loop(self) -> None:
        """Close the remaining connections when the event loop ends."""
        loop = asyncio.get_running_loop()
        for member in self.members():
            await member.places.close_with_the_loop(LOOP_ENDS_TIMEOUT_S)
            for connection in member.places:
                if isinstance(connection.transport, Peer) and connection.session.loop is loop:
                    await connection.transport.close_sockets()
            await member.leave_cluster()


def call_key(id: str) -> str:
    """Return the id under which a cluster knows the reserved place of a telephone call.

    It has a control character, so that no client can choose it as the id of a connection.
    """
    return f"\x1fcall/{id}"
