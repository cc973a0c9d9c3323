"""The states of a socket before its client has started, and while it is being closed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from ...core.close_reason import POLICY_VIOLATION, TRY_AGAIN_LATER, CloseReason
from ...core.limits import Limits
from .open_socket import OpenSocket
from .pending import PendingConnections

__all__ = ["Closing", "Opening"]


class Opening:
    """The state of a socket whose client has not started.

    Args:
        pending: The registry of sockets that have not started.
        limits: How long the client may take to start, and how many sockets may be pending.
        hang_up: Closes the socket.
    """

    def __init__(
        self,
        pending: PendingConnections,
        limits: Limits,
        hang_up: Callable[[CloseReason], None],
    ) -> None:
        timeout_s = limits.start_within_s
        too_late = CloseReason(POLICY_VIOLATION, f"No start within {timeout_s:.0f} s")
        too_many = CloseReason(TRY_AGAIN_LATER, "Too many connections are waiting to start")
        self._pending = pending
        self._timer = asyncio.get_running_loop().call_later(timeout_s, hang_up, too_late)
        pending.enter(self, lambda: hang_up(too_many), limit=limits.sockets_waiting)

    def end(self) -> None:
        """Leave the state; idempotent."""
        self._timer.cancel()
        self._pending.leave(self)


@dataclass(frozen=True)
class Closing:
    """The state of a socket that is being closed.

    Attributes:
        reason: Why it is closed; the first reason counts.
        opened: The transport of the session, if its client had started.
    """

    reason: CloseReason
    opened: OpenSocket | None
