"""The endpoint of a component on a page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..core.errors import SessionRefused
from ..core.outputs import AdditionalOutputs
from ..session.media import Media
from ..session.session import Session
from ..transport.base import Transport
from .connection import Connection
from .endpoint import Endpoint
from .owner import Listener, Owner
from .places import Places

__all__ = ["PageEndpoint"]


class PageEndpoint(Endpoint):
    """The connections of a ``WebRTC`` component.

    Attributes:
        stream: The ``Stream`` whose page contains the component; None for the program's own page.
        outputs_events: The events of the page for ``AdditionalOutputs``.
    """

    def __init__(
        self, owner: Owner, listener: Listener, *, places: Callable[..., Places] = Places
    ) -> None:
        super().__init__(owner, listener, places=places)
        self.stream: Owner | None = None
        self.outputs_events: list[Any] = []

    def join(self, other: Endpoint) -> None:
        """Use the options and the shutdown of a ``Stream``."""
        self.stream = other.owner
        self.shutdown = other.shutdown

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

    def forget(self, id: str) -> None:
        """Remove everything that is stored for an id; see ``Endpoint.forget``."""
        super().forget(id)
        for event in self.outputs_events:
            event.connection_ended(id)

    async def stop_with_launch(self) -> None:
        """Stop with the server of the page, which may be launched again."""
        await self.stop()
        self.places.stopping = False

    async def refusal_of(self, request: Any) -> SessionRefused | None:
        """Check the origin of a request of the page, and call ``authorize``.

        Gradio passes the request itself, or a ``gr.Request`` that contains it.
        """
        return await super().refusal_of(getattr(request, "request", request))
