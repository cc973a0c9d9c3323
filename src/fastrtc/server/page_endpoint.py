"""The endpoint of a component on a page."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from fastapi import WebSocket

from ..core.errors import SessionRefused
from ..core.outputs import AdditionalOutputs
from ..handlers.inputs import WebRTCData, max_inputs
from ..session.media import Media
from ..session.session import Session
from ..transport.base import Transport
from .connection import Connection
from .endpoint import Endpoint
from .owner import Listener, Owner
from .places import Places
from .socket_endpoint import SocketEndpoint

__all__ = ["PageEndpoint"]


class PageEndpoint(SocketEndpoint):
    """The connections of a ``WebRTC`` component.

    Args:
        owner: The component.
        listener: Notified of changes of connections.
        serve_socket: Serves a WebSocket of the page as a connection.
        places: Creates the ``Places`` of the connections.

    Attributes:
        serve_socket: Serves a WebSocket of the page as a connection.
        stream: The ``Stream`` whose page contains the component; None for the program's own page.
        outputs_events: The events of the page for ``AdditionalOutputs``.
    """

    def __init__(
        self,
        owner: Owner,
        listener: Listener,
        serve_socket: Callable[[SocketEndpoint, WebSocket], Awaitable[None]],
        *,
        places: Callable[..., Places] = Places,
    ) -> None:
        super().__init__(owner, listener, places=places)
        self.serve_socket = serve_socket
        self.stream: Owner | None = None
        self.outputs_events: list[Any] = []
        self._stream_endpoint: Endpoint | None = None
        self._number: int | str = 0

    @property
    def name(self) -> str:  # type: ignore[override]
        """The name of the page in a cluster, the same in all processes."""
        of_stream = self._stream_endpoint
        return f"page:{self._number if of_stream is None else of_stream.name}"

    def set_number(self, number: int | str) -> None:
        """Set what identifies the component of a page without a ``Stream``, in all processes."""
        self._number = number

    def join(self, other: Endpoint) -> None:
        """Use the options and the shutdown of a ``Stream``."""
        self.stream = other.owner
        self._stream_endpoint = other
        self.shutdown = other.shutdown
        self.hooks = other.hooks

    def set_page_input(self, value: WebRTCData | str, args: Sequence[Any]) -> None:
        """Set the inputs of a handler to those of the page; see ``WebRTC.set_input_gradio``."""
        media = self.media(value) if isinstance(value, str) else None
        if media is not None and args and max_inputs(media.handler) == len(args):
            media.set_args(list(args))
        else:
            super().set_page_input(value, args)

    def add(
        self, session: Session, media: Media, transport: Transport, callbacks: Sequence[Any]
    ) -> Connection:
        """Add a connection; see ``Endpoint.add``. A reply to a text box requests its text."""
        connection = super().add(session, media, transport, callbacks)
        if getattr(self.owner, "variant", None) == "textbox" and hasattr(
            session.handler, "needs_args"
        ):
            session.handler.needs_args = True
        return connection

    def put_outputs(self, id: str, outputs: AdditionalOutputs) -> None:
        """Pass outputs of a connection to the events of the page."""
        for event in self.outputs_events:
            event.put(id, outputs)

    async def fetch_outputs(self, event: Any, id: str) -> None:
        """Put outputs that wait in another process, which has the connection, into an event."""
        cluster = self.cluster
        if cluster is None or id in self.places:
            return
        fetched = await cluster.fetch_page_outputs(id, self.outputs_events.index(event))
        for outputs in fetched:
            event.put(id, outputs)
        if fetched:
            event.connection_ended(id)  # this process is not notified of its end

    def forget(self, id: str) -> None:
        """Remove everything that is stored for an id; see ``Endpoint.forget``."""
        super().forget(id)
        for event in self.outputs_events:
            event.connection_ended(id)

    async def stop_with_launch(self) -> None:
        """Stop with the server of the page, which may be launched again."""
        await self.stop()
        await self.leave_cluster()
        self.places.stopping = False

    async def refusal_of(self, request: Any, token: Any = None) -> SessionRefused | None:
        """Check the origin and the token of a request of the page, and call ``authorize``.

        Gradio passes the request itself, or a ``gr.Request`` that contains it.
        """
        return await super().refusal_of(getattr(request, "request", request), token)
