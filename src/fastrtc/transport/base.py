"""The interface between a session and its transport."""

from __future__ import annotations

from typing import Protocol

from ..core.close_reason import CloseReason
from ..core.diagnosis import Diagnosis
from ..core.messages import DataChannel
from ..core.stats import ConnectionStats

__all__ = ["Transport"]


class Transport(Protocol):
    """Carry the media and the messages of one session."""

    @property
    def channel(self) -> DataChannel | None:
        """The channel for a program's messages to the client; None before it is open."""
        ...

    def send(self, text: str) -> None:
        """Send a message to the client, on the event loop."""
        ...

    def clear(self) -> None:
        """Drop unplayed audio, also at the client where possible; callable from any thread."""
        ...

    def unplayed_s(self) -> float:
        """Return the audio that the client has not played, in seconds; callable from any thread."""
        ...

    def diagnose(self) -> Diagnosis:
        """Return the state of the connection, and why it is not established."""
        ...

    def stats(self) -> ConnectionStats:
        """Return the figures of the connection; callable from any thread."""
        ...

    async def close(self, reason: CloseReason) -> None:
        """Send the remaining messages, and close the connection."""
        ...
