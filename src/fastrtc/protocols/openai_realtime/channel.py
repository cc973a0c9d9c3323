"""The protocol over WebRTC: its events go over a data channel, the audio over the tracks."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from ...server.webrtc_protocol import WebRTCProtocol
from ...session.media import Media
from ...session.session import Session
from ...transport.webrtc.channel_messages import ChannelMessages
from .connection import RealtimeConnection

__all__ = ["LABEL", "NAME", "RealtimeOverWebRTC"]

NAME = "openai-realtime"
"""The name of the protocol."""

MAX_MESSAGE = 256 * 1024
"""Maximum size of an event on the data channel, in bytes or characters: what Chromium accepts."""

LABEL = "oai-events"
"""The label of the data channel."""


class RealtimeMessages(ChannelMessages):
    """The events of one session.

    Args:
        session: The session.
        media: Its media.
        options: The ``model``, and the ``session`` that the client has sent with its offer.
    """

    def __init__(self, session: Session, media: Media, options: Mapping[str, Any]) -> None:
        super().__init__(session)
        self._connection = RealtimeConnection(
            session,
            media,
            options.get("model", ""),
            self.put,
            webrtc=True,
            unplayed_s=media.queued_s,
        )
        self._connection.prepare(options.get("session"))

    def accepts(self, label: str) -> bool:
        """Return whether it is the channel for events."""
        return label == LABEL

    def open(self, channel: Any, *, resumes: bool = False) -> None:
        """Greet the client."""
        self._channel = channel
        self._connection.open(time.monotonic())
        super().open(channel, resumes=resumes)

    def send(self, text: str) -> None:
        """Send a message of the session as events."""
        self._connection.translate(text)

    def receive(self, message: str | bytes) -> None:
        """Process an event of the client."""
        if len(message) > MAX_MESSAGE:
            self._connection.refuse(f"An event may have {MAX_MESSAGE} bytes, not {len(message)}")
        else:
            self._connection.receive(message)


class RealtimeOverWebRTC(WebRTCProtocol):
    """Create the events of each connection."""

    def messages(
        self, session: Session, media: Media, options: Mapping[str, Any]
    ) -> ChannelMessages:
        """Create the events of a new session."""
        return RealtimeMessages(session, media, options)
