"""What a session needs of its transport, whichever that is."""

from __future__ import annotations

from typing import Protocol

from ..core.close_reason import CloseReason
from ..core.messages import DataChannel

__all__ = ["Transport"]


class Transport(Protocol):
    """Carries the media and the messages of one session."""

    @property
    def channel(self) -> DataChannel | None:
        """Where messages to the client go, for programs; None before there is a way."""
        ...

    def send(self, text: str) -> None:
        """Send a message to the client, on the event loop."""
        ...

    def clear(self) -> None:
        """Drop the audio that is not played yet, also at the client if it can; from any thread."""
        ...

    def unplayed_s(self) -> float:
        """Return how much audio the client has not played, in seconds; from any thread."""
        ...

    async def close(self, reason: CloseReason) -> None:
        """Send what is left to say, and close the connection."""
        ...
