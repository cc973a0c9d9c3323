"""The endpoint of a ``Stream``: WebRTC, WebSocket and telephone calls."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Protocol

from fastapi import Request, WebSocket
from fastapi.responses import PlainTextResponse, Response

from ..core.close_reason import POLICY_VIOLATION
from ..core.context import Call
from ..core.errors import SessionRefused
from ..transport.telephony.protocol import check_providers
from ..transport.telephony.provider import Provider
from .authorization import is_of_browser, refusal_of_site, served_locally
from .endpoint import Endpoint, call_key, endpoint_of
from .lifespan import ending
from .owner import Listener, Owner
from .shutdown import OnInterrupt
from .socket_endpoint import Socket, SocketEndpoint
from .telephone import CallReservations, Telephone

__all__ = ["Page", "StreamEndpoint"]

LINE_BUSY = "line_busy"
"""Why a caller was refused who heard that all lines are busy, for monitors."""


class Page(Protocol):
    """The page of a stream, which may not be built yet."""

    component: Any


class StreamEndpoint(SocketEndpoint):
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
        _ = self.ports  # an invalid environment variable is an error of ``Stream``

    def mounted_at(self, path: str) -> None:
        """Record the first path that the stream is mounted at, as its name in a cluster."""
        if self.name == Endpoint.name:
            self.name = path or "/"

    # Authorization

    async def refusal_of(self, request: Any, token: Any = None) -> SessionRefused | None:
        """Check the origin and the token of a request, and call ``authorize``."""
        self._stop_with_app_of(request)
        return await super().refusal_of(request, token)

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

    async def connect(self, id: str, socket: Socket) -> None:
        """Add the connection of a WebSocket, or of a telephone call, whose client has started.

        Raises:
            SessionRefused: If a limit is reached, the id is in use, or a call has no valid token.
            Exception: Any exception of the handler's ``copy()``.
        """
        with self.hooks.monitors.counting_refusals():
            await self.accept_call(socket.call)
        await super().connect(id, socket)

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
        if self.calls.reserve(id, owner.concurrency_limit, owner.limits.connecting):
            cluster = self.cluster
            if cluster is None or id is None or await cluster.hold_call(id):
                return True
            self.calls.release(id)
        self.hooks.monitors.refused(LINE_BUSY)
        return False

    def _call_released(self, id: str) -> None:
        if (cluster := self.cluster) is not None:
            cluster.release(call_key(id))

    async def admits_call(self, websocket: WebSocket) -> bool:
        """Return whether to accept the socket of a call; close it if not."""
        self._stop_with_app_of(websocket)
        refusal = self.refusal_of_page(websocket)
        if refusal is not None:
            self.hooks.monitors.refused(refusal.code)
            await websocket.close(POLICY_VIOLATION)
            return False
        if not await self.telephone.admit(websocket, self.owner.authorize):
            self.hooks.monitors.refused("unauthorized")
            return False
        return not await self.sends_elsewhere(websocket, reserved=True)

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
