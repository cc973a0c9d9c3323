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

    resumes = True

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        # Both of sessions that are not closed; the values refer to the keys.
        self._channels: dict[Session, RTVIChannel] = {}
        self._screens: dict[Session, SecondVideo] = {}

    def extra_tracks(self, allowed: bool) -> bool:
        """Return True: clients offer a camera and a screen, whatever the stream uses."""
        return True

    def messages(
        self, session: Session, media: Media, options: Mapping[str, Any]
    ) -> ChannelMessages:
        """Return the messages of a session, which has the same over all connections."""
        channel = self._channels.get(session)
        if channel is None:
            methods = self._endpoint.hooks.methods
            channel = RTVIChannel(session, media, lambda name: name in methods)
            self._channels[session] = channel
            session.on_closed(self._forget)
        return channel

    def attach(self, peer: Peer, options: Mapping[str, Any]) -> None:
        """Pass the screen of the client to a handler that takes it."""
        session = peer.session
        receive = getattr(session.handler, SCREEN, None)
        if not callable(receive):
            return
        if session not in self._screens:
            self._screens[session] = SecondVideo(session, SCREEN, receive)
        peer.second_video = self._screens[session]

    def _forget(self, session: Session) -> None:
        self._channels.pop(session, None)
        self._screens.pop(session, None)
