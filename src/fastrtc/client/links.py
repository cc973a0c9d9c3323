"""Create the connections of a client, one after the other if it resumes its session."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from ..core.types import Mode
from ..transport.webrtc.shaped_media import Carry
from .errors import JSON
from .link import LinkEvents, SocketEncoding, TransportLink
from .signaling import Route
from .webrtc import WebRTCLink

if TYPE_CHECKING:
    from .web_socket import WebSocketLink

__all__ = ["LinkFactory"]


@dataclass
class LinkFactory:
    """Create connections with the same options.

    Attributes:
        url: The URL of the page or stream, as of ``page_url``.
        id: The connection id.
        headers: The headers of each request.
        transport: ``"webrtc"`` or ``"websocket"``.
        kinds: ``"audio"``, ``"video"`` or both.
        mode: The direction of the media, from the client's point of view.
        configuration: The client's ICE servers; None for those of the page.
        sample_rate: Sample rate of received audio in Hz.
        encoding: Encoding of the audio on a WebSocket.
        trickle: Whether candidates are sent one by one after the offer.
        metadata: The metadata for the program; None for none.
        shape_network: Functions that carry RTP and RTCP packets to and from the server; or None.
        routes: Where offers go, as an earlier connection has found.
    """

    url: str
    id: str
    headers: Mapping[str, str]
    transport: Literal["webrtc", "websocket"]
    kinds: Sequence[str]
    mode: Mode
    configuration: Mapping[str, object] | None
    sample_rate: int
    encoding: SocketEncoding
    trickle: bool
    metadata: Mapping[str, JSON] | None
    shape_network: tuple[Carry, Carry] | None = None
    routes: dict[str, Route] = field(default_factory=dict)

    def create(self, events: LinkEvents) -> TransportLink:
        """Create a connection, which is not open yet.

        Raises:
            ImportError: If websockets is too old for a WebSocket.
        """
        if self.transport == "websocket":
            return _web_socket_link()(
                self.url,
                self.id,
                self.headers,
                self.sample_rate,
                self.encoding,
                events,
                self.metadata,
            )
        link = WebRTCLink(
            self.url,
            self.id,
            self.headers,
            self.kinds,
            self.mode,
            self.configuration,
            self.sample_rate,
            events,
            trickle=self.trickle,
            metadata=self.metadata,
            routes=self.routes,
        )
        link.shape_network = self.shape_network
        return link


def _web_socket_link() -> type[WebSocketLink]:
    """Import the WebSocket transport: Gradio before 5.6 permits only websockets 12."""
    try:
        from .web_socket import WebSocketLink
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "websockets":
            raise
        raise ImportError(
            'transport="websocket" needs websockets 13 or newer: pip install "websockets>=13", '
            "and Gradio 5.6 or newer"
        ) from error
    return WebSocketLink
