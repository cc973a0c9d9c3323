"""An endpoint whose audio is also available over WebSockets."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Protocol

from fastapi import WebSocket

from ..core.context import Call
from ..core.errors import SessionRefused
from ..core.outputs import AdditionalOutputs
from ..core.resume import ResumeRequest
from ..handlers.base import StreamHandlerBase
from ..session.media import Media
from ..session.session import Session
from ..transport.socket.open_socket import OpenSocket
from ..transport.socket.pending import PendingConnections
from .endpoint import Endpoint
from .monitors import TransportName
from .resuming import make_resumable, resume_over_socket
from .web_socket import StarletteSocket

__all__ = ["Socket", "SocketEndpoint"]


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
    def resume(self) -> ResumeRequest | None:
        """What the client says about resuming its session."""
        ...

    @property
    def metadata(self) -> Mapping[str, Any]:
        """The metadata of the client."""
        ...

    def carry(self, session: Session, media: Media | None = None) -> OpenSocket:
        """Use a session, a resumed one with its media; return its transport."""
        ...


class SocketEndpoint(Endpoint):
    """An endpoint whose audio is also available over WebSockets.

    Args:
        args: As for ``Endpoint``.
        options: As for ``Endpoint``.

    Attributes:
        pending: The WebSockets whose clients have not started yet.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.pending = PendingConnections()

    @property
    def has_voice(self) -> bool:
        """Whether a socket can carry audio of the stream."""
        owner = self.owner
        return "audio" in owner.modality or isinstance(owner.event_handler, StreamHandlerBase)

    async def admits_socket(self, websocket: WebSocket) -> bool:
        """Return whether to accept a WebSocket; send its client the refusal if not."""
        refusal = await self.refusal_of(websocket)
        if refusal is not None:
            await StarletteSocket(websocket).refuse(refusal)
            return False
        return not await self.sends_elsewhere(websocket, reserved=False)

    async def sends_elsewhere(self, websocket: WebSocket, reserved: bool) -> bool:
        """Refuse the handshake of a socket if this process is full and another one may take it.

        The status 503 lets balancers and clients try another process. Open sockets that have not
        started count like occupied places, so that of many sockets at once a process accepts as
        many as it has places. They do not count for telephone calls, whose providers do not try
        again. A process with places that are reserved for calls accepts all sockets, as it does not
        know yet which calls they carry. So does one with free places if the others have none but
        those for which sockets may start: the sockets that start first get them.

        Args:
            websocket: The socket.
            reserved: Whether another process may have a reserved place for it.
        """
        cluster, limit = self.cluster, self.owner.concurrency_limit
        if cluster is None:
            return False
        starting = 0 if reserved else len(self.places.starting)
        is_full = self.places.is_full(limit, starting) and not self.places.has_held
        may_start = not self.places.is_full(limit)  # only open sockets make it look full
        if not is_full or not await cluster.others_accept_sockets(reserved, may_start):
            self.places.starting.add(websocket)
            return False
        refusal = SessionRefused("concurrency_limit_reached", limit=limit)
        if self.places.stopping:
            refusal = SessionRefused("server_stopping")
        return await StarletteSocket(websocket).deny(refusal)

    async def connect(self, id: str, socket: Socket) -> None:
        """Add the connection of a WebSocket whose client has started.

        Raises:
            SessionRefused: If a limit is reached, or the id is in use.
            Exception: Any exception of the handler's ``copy()``.
        """
        request = socket.resume
        resumed = request if request is not None and request.secret is not None else None
        if resumed is not None:  # its session has a place
            self._has_started(socket)
        await self._end_attempt(socket.replaces)
        transport_name: TransportName = "websocket" if socket.call is None else "telephone"
        with self.hooks.monitors.counting_refusals():
            if resumed is not None:
                await resume_over_socket(self, id, socket, resumed)
                return
            self._has_started(socket)
            async with self.reserve(id, transport_name) as place:
                session = await place.create_session(
                    socket.additional_outputs_factory(id),
                    socket.websocket,
                    socket.call,
                    socket.metadata,
                    socket.replaces,
                )
                transport = socket.carry(session)
                self.add(session, transport.media, transport, [socket])
                if request is not None:
                    told = make_resumable(self, session, transport.media, transport)
                    transport.start = replace(transport.start, resumable=told)

    def _has_started(self, socket: Socket) -> None:
        if socket.websocket is not None:
            self.places.starting.discard(socket.websocket)

    async def _end_attempt(self, id: str | None) -> None:
        """Free the place of an attempt over WebRTC, which a WebSocket replaces."""
        if id is None:
            return
        known = any([member.places.end_attempt(id) for member in self.members()])
        if self.cluster is not None and not known:
            await self.cluster.call(id, "end_attempt")
