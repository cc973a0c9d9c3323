"""The endpoint of a ``Stream``: WebRTC, WebSocket and telephone calls."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Protocol

from fastapi import Request, WebSocket
from fastapi.responses import PlainTextResponse, Response

from ..core.context import Call
from ..core.errors import SessionRefused
from ..handlers.base import StreamHandlerBase
from ..transport.socket.pending import PendingConnections
from ..transport.telephony.provider import Provider
from .authorization import is_of_browser, refusal_of_site
from .endpoint import Endpoint, endpoint_of
from .lifespan import ending
from .owner import Listener, Owner
from .shutdown import OnInterrupt
from .telephone import POLICY_VIOLATION, CallReservations, Telephone

__all__ = ["Page", "StreamEndpoint"]


class Page(Protocol):
    """The page of a stream, which may not be built yet."""

    component: Any


class StreamEndpoint(Endpoint):
    """The connections of a ``Stream``, and its page.

    Args:
        owner: The stream.
        listener: What is told of its connections.
        page: Its page.
        telephone: What answers telephone calls.
        providers: Whose calls are taken.
        local: Whether it is served on a loopback address, by this package.

    Attributes:
        owner: The stream.
        page: Its page.
        telephone: What answers telephone calls.
        providers: Whose calls are taken.
        calls: The places of callers who have been told that they are connected.
        pending: The WebSockets that have not started.
    """

    def __init__(
        self,
        owner: Owner,
        listener: Listener,
        *,
        page: Page,
        telephone: Telephone,
        providers: Sequence[type[Provider]],
        local: bool,
    ) -> None:
        super().__init__(owner, listener, local=local)
        self.page = page
        self.telephone = telephone
        self.providers = providers
        self.calls = CallReservations(self.places)
        self.pending = PendingConnections()

    @property
    def has_voice(self) -> bool:
        """Whether audio can go over a socket."""
        owner = self.owner
        return "audio" in owner.modality or isinstance(owner.event_handler, StreamHandlerBase)

    # Who may connect

    async def refusal_of(self, request: Any) -> SessionRefused | None:
        """Look at where a request comes from, and ask ``authorize``."""
        self._stop_with_app_of(request)
        return await super().refusal_of(request)

    def refusal_of_page(self, request: Request | WebSocket) -> SessionRefused | None:
        """Look at where a request of a telephone service comes from, if a page sends it."""
        return refusal_of_site(self.site_policy, request) if is_of_browser(request) else None

    def _stop_with_app_of(self, request: Request | WebSocket) -> None:
        """Have the outermost app stop the connections when it shuts down.

        It may be another than the one that the stream is mounted on, whose lifespan does not
        run then. An app with a lifespan of the program's own takes no more handlers.
        """
        handlers = getattr(request.scope.get("router"), "on_shutdown", None)
        if isinstance(handlers, list) and self.stop not in handlers:
            handlers.append(self.stop)

    # Telephone calls

    async def answer_call(self, request: Request) -> Response:
        """Answer the webhook of an incoming call; see ``Stream.handle_incoming_call``."""
        if (refusal := self.refusal_of_page(request)) is not None:
            return PlainTextResponse(refusal.details["reason"], status_code=403)
        owner = self.owner
        return await self.telephone.answer(
            request,
            has_voice=self.has_voice,
            expect=lambda id: self.calls.reserve(
                id, owner.concurrency_limit, owner.limits.connecting
            ),
            authorize=owner.authorize,
        )

    async def admits_call(self, websocket: WebSocket) -> bool:
        """Return whether the socket of a call may be opened; one that may not is closed."""
        self._stop_with_app_of(websocket)
        if self.refusal_of_page(websocket) is not None:
            await websocket.close(POLICY_VIOLATION)
            return False
        return await self.telephone.admit(websocket, self.owner.authorize)

    def accept_call(self, call: Call | None) -> None:
        """Take a call that has started into the place that was kept for it, if there is one.

        Raises:
            SessionRefused: If a token is needed, and is missing or not that of the call.
        """
        if call is not None:
            self.telephone.check_call(call, expected=call.id in self.calls)
            self.calls.release(call.id)

    # The end

    def members(self) -> Sequence[Endpoint]:
        """Return the endpoints that end together: its own, and that of its page."""
        page = self.page.component
        return [self] if page is None else [self, endpoint_of(page)]

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """Take connections within the block, and end them with it, or when a signal comes."""
        for member in self.members():
            member.places.stopping = False  # a server before may have stopped
        async with OnInterrupt(self.stop), ending(self.stop):
            yield
