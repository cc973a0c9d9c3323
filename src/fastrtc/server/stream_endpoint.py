"""The endpoint of a ``Stream``: WebRTC, WebSocket and telephone calls."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Protocol

from fastapi import Request, WebSocket
from fastapi.responses import PlainTextResponse, Response

from ..core.close_reason import POLICY_VIOLATION
from ..core.context import Call
from ..core.errors import SessionRefused
from ..core.outputs import AdditionalOutputs
from ..handlers.base import StreamHandlerBase
from ..session.session import Session
from ..transport.socket.open_socket import OpenSocket
from ..transport.socket.pending import PendingConnections
from ..transport.telephony.protocol import check_providers
from ..transport.telephony.provider import Provider
from .authorization import is_of_browser, refusal_of_site, served_locally
from .endpoint import Endpoint, call_key, endpoint_of
from .lifespan import ending
from .owner import Listener, Owner
from .shutdown import OnInterrupt
from .telephone import CallReservations, Telephone
from .web_socket import StarletteSocket

__all__ = ["Page", "StreamEndpoint"]


class Page(Protocol):
    """The page of a stream, which may not be built yet."""

    component: Any


class Socket(Protocol):
    """A WebSocket whose client has started; see ``WebSocketHandler``."""

    websocket: WebSocket | None
    additional_outputs_factory: Callable[[str], Callable[[AdditionalOutputs], Any]]

    @property
    def call(self) -> Call | None:
        """The telephone call, if it is one."""
        ...

    @property
    def replaces(self) -> str | None:
        """The id of an attempt to connect over WebRTC that the client has given up."""
        ...

    @property
    def metadata(self) -> Mapping[str, Any]:
        """The metadata of the client."""
        ...

    def carry(self, session: Session) -> OpenSocket:
        """Use a session; return its transport."""
        ...


class StreamEndpoint(Endpoint):
    """The connections of a ``Stream``, and its page.

    Args:
        owner: The stream.
        listener: Notified of changes of connections.
        page: The page.
        twilio_auth_token: The auth token of the Twilio account that signs calls; see ``Stream``.
        phone_providers: The accepted telephone providers; None means the default ones.

    Attributes:
        owner: The stream.
        page: The page.
        telephone: Answers telephone calls.
        providers: The accepted telephone providers.
        calls: The reserved places of callers who hear the greeting.
        pending: The WebSockets whose clients have not started yet.
    """

    def __init__(
        self,
        owner: Owner,
        listener: Listener,
        page: Page,
        twilio_auth_token: str | None,
        phone_providers: Sequence[type[Provider]] | None,
    ) -> None:
        super().__init__(owner, listener, local=served_locally.get())
        self.page = page
        self.telephone = Telephone(twilio_auth_token)
        self.providers = check_providers(phone_providers)
        self.calls = CallReservations(self.places, self._call_released)
        self.pending = PendingConnections()
        _ = self.ports  # an invalid environment variable is an error of ``Stream``

    def mounted_at(self, path: str) -> None:
        """Record the first path that the stream is mounted at, as its name in a cluster."""
        if self.name == Endpoint.name:
            self.name = path or "/"

    @property
    def has_voice(self) -> bool:
        """Whether a socket can carry audio of the stream."""
        owner = self.owner
        return "audio" in owner.modality or isinstance(owner.event_handler, StreamHandlerBase)

    # Authorization

    async def refusal_of(self, request: Any) -> SessionRefused | None:
        """Check the origin of a request, and call ``authorize``."""
        self._stop_with_app_of(request)
        return await super().refusal_of(request)

    def refusal_of_page(self, request: Request | WebSocket) -> SessionRefused | None:
        """Check the origin of a request to a telephone route if a page sent it."""
        return refusal_of_site(self.site_policy, request) if is_of_browser(request) else None

    def _stop_with_app_of(self, request: Request | WebSocket) -> None:
        """Close the connections when the outermost app shuts down.

        It may differ from the app that the stream is mounted on, whose lifespan then does not run.
        An app with a lifespan of its own accepts no shutdown handlers.
        """
        handlers = getattr(request.scope.get("router"), "on_shutdown", None)
        if isinstance(handlers, list) and self.stop not in handlers:
            handlers.append(self.stop)

    # WebSockets

    async def admits_socket(self, websocket: WebSocket) -> bool:
        """Return whether to accept a WebSocket; send its client the refusal if not."""
        refusal = await self.refusal_of(websocket)
        if refusal is not None:
            await StarletteSocket(websocket).refuse(refusal)
            return False
        return not await self._sends_elsewhere(websocket, reserved=False)

    async def _sends_elsewhere(self, websocket: WebSocket, reserved: bool) -> bool:
        """Refuse the handshake of a socket if this process is full and another one may take it.

        The status 503 lets balancers and clients try another process. A process with places that
        are reserved for calls accepts sockets, as it does not know yet whether they are for these.

        Args:
            websocket: The socket.
            reserved: Whether another process may have a reserved place for it.
        """
        cluster, limit = self.cluster, self.owner.concurrency_limit
        if cluster is None or not self.places.is_full(limit) or self.places.has_held:
            return False
        if not await cluster.others_accept_sockets(reserved=reserved):
            return False
        refusal = SessionRefused("concurrency_limit_reached", limit=limit)
        if self.places.stopping:
            refusal = SessionRefused("server_stopping")
        return await StarletteSocket(websocket).deny(refusal)

    async def connect(self, id: str, socket: Socket) -> None:
        """Add the connection of a WebSocket, or of a telephone call, whose client has started.

        Raises:
            SessionRefused: If a limit is reached, the id is in use, or a call has no valid token.
            Exception: Any exception of the handler's ``copy()``.
        """
        await self.accept_call(socket.call)
        await self._end_attempt(socket.replaces)
        async with self.reserve(id) as place:
            session = await place.create_session(
                socket.additional_outputs_factory(id),
                socket.websocket,
                socket.call,
                socket.metadata,
                socket.replaces,
            )
            transport = socket.carry(session)
            self.add(session, transport.media, transport, [socket])

    async def _end_attempt(self, id: str | None) -> None:
        """Free the place of an attempt over WebRTC, which a WebSocket replaces."""
        if id is None:
            return
        known = any([member.places.end_attempt(id) for member in self.members()])
        if self.cluster is not None and not known:
            await self.cluster.call(id, "end_attempt")

    # Telephone calls

    async def answer_call(self, request: Request) -> Response:
        """Answer the webhook of an incoming call; see ``Stream.handle_incoming_call``."""
        if (refusal := self.refusal_of_page(request)) is not None:
            return PlainTextResponse(refusal.details["reason"], status_code=403)
        return await self.telephone.answer(
            request,
            has_voice=self.has_voice,
            reserve=self._reserve_call,
            authorize=self.owner.authorize,
        )

    async def _reserve_call(self, id: str | None) -> bool:
        """Reserve a place for a caller; return whether there is one."""
        owner = self.owner
        if not self.calls.reserve(id, owner.concurrency_limit, owner.limits.connecting):
            return False
        cluster = self.cluster
        if cluster is None or id is None or await cluster.hold_call(id):
            return True
        self.calls.release(id)
        return False

    def _call_released(self, id: str) -> None:
        if (cluster := self.cluster) is not None:
            cluster.release(call_key(id))

    async def admits_call(self, websocket: WebSocket) -> bool:
        """Return whether to accept the socket of a call; close it if not."""
        self._stop_with_app_of(websocket)
        if self.refusal_of_page(websocket) is not None:
            await websocket.close(POLICY_VIOLATION)
            return False
        admitted = await self.telephone.admit(websocket, self.owner.authorize)
        return admitted and not await self._sends_elsewhere(websocket, reserved=True)

    async def accept_call(self, call: Call | None) -> None:
        """Check a call that has started, and free the place that was reserved for it.

        Raises:
            SessionRefused: If a token is required, and is missing or belongs to another call.
        """
        if call is None:
            return
        cluster, id = self.cluster, call.id
        expected, holder = id in self.calls, None
        if cluster is not None and id is not None and not expected:
            holder = await cluster.holder_of_call(id)
        self.telephone.check_call(call, expected=expected or holder is not None)
        self.calls.release(id)
        if cluster is not None and id is not None:
            await cluster.release_call(id, holder)

    # Closing

    def members(self) -> Sequence[Endpoint]:
        """Return the endpoints that close together: this one, and that of its page."""
        page = self.page.component
        return [self] if page is None else [self, endpoint_of(page)]

    async def close(self, reason: str) -> None:
        """Close the connections, including those of the page; see ``Endpoint.close``."""
        closing = [super().close(reason)]
        if self.page.component is not None:
            closing.append(self.page.component.close_sessions(reason))
        await asyncio.gather(*closing)

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """Accept connections within the block; close them at its end or on a signal."""
        for member in self.members():
            member.places.stopping = False  # an earlier server may have stopped
        async with self.ports.serving(), self._clustered():
            async with OnInterrupt(self.stop), ending(self.stop):
                yield

    @asynccontextmanager
    async def _clustered(self) -> AsyncIterator[None]:
        """Be a member of the cluster, if there is one, within the block."""
        for member in self.members():
            await member.join_cluster()
        try:
            yield
        finally:
            for member in self.members():
                await member.leave_cluster()
