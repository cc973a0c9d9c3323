"""What an endpoint reads of its ``Stream`` or component, and whom it tells."""

from __future__ import annotations

from collections.abc import Collection, MutableMapping
from typing import Any, Protocol

from ..core.limits import Limits
from ..core.types import Modality, Mode
from ..session.outputs import OutputQueue
from .authorization import Authorize
from .connection import Connection

__all__ = ["Listener", "Owner"]


class Owner(Protocol):
    """What an endpoint reads of its ``Stream`` or component, each time that it needs it."""

    event_handler: Any
    modality: Modality
    mode: Mode
    concurrency_limit: int | None
    time_limit: float | None
    allow_extra_tracks: bool
    server_rtc_configuration: Any
    authorize: Authorize | None
    allowed_origins: Collection[str] | str | None
    allowed_hosts: Collection[str] | str | None
    limits: Limits
    drain_limit: float

    @property
    def additional_outputs(self) -> MutableMapping[str, OutputQueue]:
        """The output queues by id."""
        ...

    async def close_sessions(self, reason: str = ...) -> None:
        """End all connections."""
        ...


class Listener(Protocol):
    """What is told of the connections of an endpoint: it keeps what programs see of them."""

    def changed(self, connection: Connection) -> None:
        """Show a connection that has begun, or whose data channel has opened."""

    def ending(self, id: str) -> None:
        """Call what the program does when a connection begins to end."""

    def ended(self, id: str) -> None:
        """Show a connection no more."""
