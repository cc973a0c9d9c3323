"""WHIP and WHEP as uses of a WebRTC connection."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...core.types import Mode
from ...handlers.base import StreamHandlerBase
from ...server.webrtc_protocol import WebRTCProtocol
from ...session.media import Media
from ...session.session import Session
from ...transport.webrtc.channel_messages import ChannelMessages

__all__ = ["Ingest", "NoMessages", "Egress", "accepts_ingest", "offers_playback"]


class NoMessages(ChannelMessages):
    """No messages: the clients have no data channel, and one that opens one gets nothing."""

    def accepts(self, label: str) -> bool:
        """Return that no channel is used."""
        return False


class _OneWay(WebRTCProtocol):
    """Media in one direction, and no messages."""

    def messages(
        self, session: Session, media: Media, options: Mapping[str, Any]
    ) -> ChannelMessages:
        """Create messages that are not sent."""
        return NoMessages(session)


class Ingest(_OneWay):
    """WHIP: the client sends, and the output of the handler is dropped."""

    def mode(self, mode: Mode) -> Mode:
        """Return that the client only sends."""
        return "send"


class Egress(_OneWay):
    """WHEP: the client receives what the handler makes."""

    def mode(self, mode: Mode) -> Mode:
        """Return that the client only receives."""
        return "receive"


def accepts_ingest(mode: Mode) -> bool:
    """Return whether a stream with a mode takes what a client sends."""
    return mode != "receive"


def offers_playback(mode: Mode, handler: Any) -> bool:
    """Return whether a stream makes media for a client that only receives.

    A function of frames makes none without the client's frames; a handler may, as in ``emit``.
    """
    return mode == "receive" or (mode == "send-receive" and isinstance(handler, StreamHandlerBase))
