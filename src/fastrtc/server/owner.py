"""Interfaces between an endpoint and its ``Stream`` or component."""

from __future__ import annotations

from collections.abc import Callable, Collection, MutableMapping
from typing import TYPE_CHECKING, Any, Protocol

from ..core.ice import Ice
from ..core.limits import Limits
from ..core.outputs import AdditionalOutputs
from ..core.types import Modality, Mode
from ..session.outputs import OutputQueue
from ..text_to_speech.protocol import TTSModel
from .authorization import Authorize
from .connection import Connection

if TYPE_CHECKING:
    from .cluster.options import Cluster

__all__ = ["Listener", "Owner"]


class Owner(Protocol):
    """The options of a ``Stream`` or component; an endpoint reads them when it needs them."""

    event_handler: Any
    modality: Modality
    mode: Mode
    concurrency_limit: int | None
    total_limit: int | None
    time_limit: float | None
    allow_extra_tracks: bool
    rtc_configuration: Any
    server_rtc_configuration: Any
    authorize: Authorize | None
    allowed_origins: Collection[str] | str | None
    allowed_hosts: Collection[str] | str | None
    limits: Limits
    ice: Ice
    drain_limit: float
    cluster: Cluster | str | None
    voice: TTSModel[Any] | None

    @property
    def additional_outputs(self) -> MutableMapping[str, OutputQueue]:
        """The output queues by id."""
        ...

    def set_additional_outputs(self, webrtc_id: str) -> Callable[[AdditionalOutputs], None]:
        """Create the function that receives the ``AdditionalOutputs`` of a connection."""
        ...

    async def close_sessions(self, reason: str = ...) -> None:
        """Close all connections."""
        ...


class Listener(Protocol):
    """Receives changes of connections, and keeps what programs see of them up to date."""

    def changed(self, connection: Connection) -> None:
        """Record a new connection, or that its data channel has opened."""

    def ending(self, id: str) -> None:
        """Run the program's own code when a connection starts to close."""

    def ended(self, id: str) -> None:
        """Remove a closed connection."""
