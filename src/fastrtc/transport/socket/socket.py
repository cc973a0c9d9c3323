"""The interface of a server's WebSocket."""

from __future__ import annotations

from typing import Protocol

from ...core.close_reason import CloseReason

__all__ = ["Socket"]


class Socket(Protocol):
    """An accepted WebSocket of a server."""

    @property
    def is_read(self) -> bool:
        """Whether the client is connected, as far as is known."""
        ...

    @property
    def is_open(self) -> bool:
        """Whether the server has not closed the socket."""
        ...

    @property
    def close_code(self) -> int | None:
        """The code with which the client has closed it; None before, and if there is none."""
        ...

    def is_idle(self) -> bool:
        """Return whether all data is sent, so that ``send`` of a small message does not wait.

        False if that is not known.
        """
        ...

    async def receive(self) -> str | bytes | None:
        """Wait for the next message; None if the client has gone."""
        ...

    async def send(self, message: str | bytes) -> None:
        """Send a message; raises if the client has gone."""
        ...

    async def close(self, reason: CloseReason) -> None:
        """Close the socket; may raise if the client closes it, too."""
        ...

    def drop_if_unread(self, timeout_s: float) -> None:
        """Abort the TCP connection if the client does not read the close frame in time."""
        ...
