"""RTVI over SmallWebRTC as a use of a WebRTC connection."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...server.endpoint import Endpoint
from ...server.webrtc_protocol import WebRTCProtocol
from ...session.media import Media
from ...session.session import Session
from ...transport.webrtc.channel_messages import ChannelMessages
from ...transport.webrtc.peer import Peer
from ...transport.webrtc.second_video import SecondVideo
from .channel import RTVIChannel

__all__ = ["NAME", "SCREEN", "RTVI"]

NAME = "rtvi"

SCREEN = "screen_receive"
"""The method of a handler that gets the pictures of the client's screen."""


class RTVI(WebRTCProtocol):
    """The messages of RTVI, and the tracks of its clients.

    Args:
        endpoint: The endpoint of the stream.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint

    def extra_tracks(self, allowed: bool) -> bool:
        """Return True: clients offer a camera and a screen, whatever the stream uses."""
        return True

    def messages(
        self, session: Session, media: Media, options: Mapping[str, Any]
    ) -> ChannelMessages:
        """Create the messages of a new session."""
        methods = self._endpoint.hooks.methods
        return RTVIChannel(session, media, lambda name: name in methods)

    def attach(self, peer: Peer, options: Mapping[str, Any]) -> None:
        """Pass the screen of the client to a handler that takes it."""
        receive = getattr(peer.session.handler, SCREEN, None)
        if callable(receive):
            peer.second_video = SecondVideo(peer.session, SCREEN, receive)
