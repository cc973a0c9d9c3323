"""The endpoint of a component on a page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..core.errors import SessionRefused
from .endpoint import Endpoint
from .owner import Listener, Owner
from .places import Places

__all__ = ["PageEndpoint"]


class PageEndpoint(Endpoint):
    """The connections of a ``WebRTC`` component.

    Attributes:
        stream: The ``Stream`` whose page the component is on; None for a page of one's own.
        outputs_events: The events of the page for ``AdditionalOutputs``.
    """

    def __init__(
        self, owner: Owner, listener: Listener, *, places: Callable[..., Places] = Places
    ) -> None:
        super().__init__(owner, listener, places=places)
        self.stream: Owner | None = None
        self.outputs_events: list[Any] = []

    def join(self, other: Endpoint) -> None:
        """End with the connections of a ``Stream``, and have its options."""
        self.stream = other.owner
        self.shutdown = other.shutdown

    async def stop_with_launch(self) -> None:
        """Stop with the server of the page, which may be launched again."""
        await self.stop()
        self.places.stopping = False

    async def refusal_of(self, request: Any) -> SessionRefused | None:
        """Look at where a request of the page comes from, and ask ``authorize``.

        Gradio gives the request itself where a ``gr.Request`` is asked for, or that around it.
        """
        return await super().refusal_of(getattr(request, "request", request))
