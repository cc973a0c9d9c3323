"""What a Ray actor executes as the directory of a cluster."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

from .memory import MemoryDirectory

__all__ = ["DirectoryActor"]

IDLE_S = 300.0
"""Time without an operation after which the actor ends, in seconds. Heartbeats are operations."""


class DirectoryActor:
    """The actor: a directory in memory, and the secret of the cluster.

    Args:
        lost_after_s: Time without a heartbeat after which a node counts as dead, in seconds.
        secret: The secret, which a restart of the actor does not change.
        end: Ends the actor; called when it is idle.
        clock: Returns the time in seconds.
    """

    def __init__(
        self,
        lost_after_s: float,
        secret: str,
        end: Callable[[], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._directory = MemoryDirectory(lost_after_s, clock)
        self._secret = secret
        self._end = end
        self._clock = clock
        self._used_at = clock()
        self._waiting: asyncio.Task[None] | None = None

    async def secret(self) -> str:
        """Return the secret."""
        self._use()
        return self._secret

    async def call(self, operation: str, *args: Any) -> Any:
        """Execute an operation of the directory.

        Raises:
            NodeUnknown: See ``Directory``.
            FleetFull: See ``Directory``.
        """
        self._use()
        return await getattr(self._directory, operation)(*args)

    def _use(self) -> None:
        self._used_at = self._clock()
        if self._waiting is None:
            self._waiting = asyncio.create_task(self._end_when_idle())

    async def _end_when_idle(self) -> None:
        left = IDLE_S
        while left > 0:
            await asyncio.sleep(left)
            left = self._used_at + IDLE_S - self._clock()
        self._end()
