"""The transport of a session in the same process."""

from __future__ import annotations

import json
from collections.abc import Callable

from ..core.close_reason import CloseReason
from ..core.diagnosis import Diagnosis
from ..core.messages import DataChannel
from ..core.stats import ConnectionStats
from ..handlers.base import StreamHandlerBase
from ..pacing.sent_audio import MAX_SENT_S, HeardUntil
from ..session.figures import common_stats
from ..session.media import Media
from ..session.session import Session

__all__ = ["MemoryTransport"]


class MemoryTransport:
    """The transport of the session; see ``transport.base`` and ``Resumable``.

    Args:
        session: The session.
        media: Its media.
        on_message: Called with each message of the server.

    Attributes:
        channel: The channel for messages of the program.
        heard_at: When the network was lost, on the clock of the loop; None before.
        max_unheard_s: See ``Resumable``.
    """

    max_unheard_s = MAX_SENT_S

    def __init__(
        self, session: Session, media: Media, on_message: Callable[[dict[str, object]], None]
    ) -> None:
        self._session = session
        self._media = media
        session.read_stats = self.stats
        self._on_message = on_message
        self.channel: DataChannel = _Channel(session)
        self.heard_at: float | None = None

    def bind(self) -> None:
        """Use the media of the session."""
        self._session.channel = self.channel
        self._media.use_no_buffer()
        if isinstance(self._session.handler, StreamHandlerBase):
            self._session.handler.set_channel(self.channel)

    def detach(self) -> None:
        """Do nothing: the line sends and receives."""

    def heard_until(self, heard: int | None) -> HeardUntil:
        """Return that the caller hears all that was sent until the network was lost."""
        return HeardUntil(sent_by=self.heard_at)

    def send(self, text: str) -> None:
        """Send a message to the caller."""
        try:
            message = json.loads(text)
        except ValueError:
            message = text
        if not isinstance(message, dict):
            message = {"type": "text", "data": message}
        self._on_message(message)

    def clear(self) -> None:
        """Drop unplayed audio."""
        # The caller's own buffer plays on, as a WebRTC client's does.

    def unplayed_s(self) -> float:
        """Return the audio that was not played."""
        return 0.0

    def diagnose(self) -> Diagnosis:
        """Return the state of the connection."""
        reason = self._session.reason
        return Diagnosis(
            self._session.id,
            "webrtc",
            "connected" if reason is None else "ended",
            reason="" if reason is None else reason.text,
        )

    def stats(self) -> ConnectionStats:
        """Return the figures of the connection."""
        return common_stats(self._session, self._media)

    async def close(self, reason: CloseReason) -> None:
        """Do nothing: there is no connection."""


class _Channel(DataChannel):
    """The channel for messages of the program to the caller."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def send(self, message: str) -> None:
        """Send a message; thread-safe."""
        self._session.outbox.post(message)
