"""How a protocol uses a WebRTC connection: what differs from this package's own clients."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..core.errors import SessionRefused
from ..core.types import Mode
from ..session.media import Media
from ..session.session import Session
from ..transport.webrtc.channel_messages import ChannelMessages
from ..transport.webrtc.peer import Peer

__all__ = ["FASTRTC", "OWN", "WebRTCProtocol", "protocol_of"]

FASTRTC = "fastrtc"
"""The name of the protocol of this package's own clients."""


class WebRTCProtocol:
    """The protocol of this package's clients; a subclass changes what another one does otherwise.

    One object serves all connections of an endpoint. Options of a connection come from its request,
    and are picklable: in a cluster, another process may answer it.

    Attributes:
        resumes: Whether clients may resume each session, without asking for it.
    """

    resumes = False

    def mode(self, mode: Mode) -> Mode:
        """Return the direction in which an offer is answered, from that of the stream."""
        return mode

    def extra_tracks(self, allowed: bool) -> bool:
        """Return whether to accept tracks that the stream does not use, from its own option."""
        return allowed

    def messages(
        self, session: Session, media: Media, options: Mapping[str, Any]
    ) -> ChannelMessages:
        """Create the messages over the data channel of a new session, or one that is resumed."""
        return ChannelMessages(session)

    def attach(self, peer: Peer, options: Mapping[str, Any]) -> None:
        """Prepare a new connection, before its offer is answered."""


OWN = WebRTCProtocol()


def protocol_of(protocols: Mapping[str, WebRTCProtocol], name: str) -> WebRTCProtocol:
    """Return the protocol of a name.

    Raises:
        SessionRefused: If the endpoint is not mounted with it, as in another process of a cluster.
    """
    found = protocols.get(name)
    if found is None and name != FASTRTC:
        raise SessionRefused("protocol_not_mounted", reason=f"There is no protocol {name!r} here")
    return found or OWN
