"""What the transport needs of a server's WebSocket."""

from __future__ import annotations

from typing import Protocol

from ...core.close_reason import CloseReason

__all__ = ["Socket"]


class Socket(Protocol):
    """The WebSocket of a server, which has been accepted."""

    @property
    def is_read(self) -> bool:
        """Whether the client is there, as far as it is known."""
        ...

    @property
    def is_open(self) -> bool:
        """Whether the server has not closed it."""
        ...

    async def receive(self) -> str | bytes | None:
        """Wait for the next message; None if the client has gone."""
        ...

    async def send(self, message: str | bytes) -> None:
        """Send a message; raises when the client has gone."""
        ...

    async def close(self, reason: CloseReason) -> None:
        """Close it; may raise when both ends do."""
        ...

    def drop_if_unread(self, timeout_s: float) -> None:
        """Drop the TCP connection if the client has not taken the close frame in time."""
        ...
