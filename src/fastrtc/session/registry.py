"""The sessions of one endpoint, and how many there may be."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from ..core.errors import SessionRefused
from .session import Session

__all__ = ["Registry"]

logger = logging.getLogger(__name__)


class Registry:
    """The sessions of one endpoint by id, whatever they travel over.

    Args:
        forget: Called with the id of a session when its place is free again.
    """

    def __init__(self, forget: Callable[[str], None]) -> None:
        self._forget = forget
        self._reserved: set[str] = set()
        self._sessions: dict[str, Session] = {}
        self._closing: set[Session] = set()

    def __contains__(self, id: object) -> bool:
        """Whether the id is in use."""
        return id in self._reserved

    def __len__(self) -> int:
        """How many places are taken."""
        return len(self._reserved)

    def get(self, id: str) -> Session | None:
        """Give the session that has an id, unless it has begun to end."""
        return self._sessions.get(id)

    def is_full(self, limit: int | None) -> bool:
        """Tell whether all places are taken."""
        return limit is not None and len(self._reserved) >= limit

    def reserve(self, id: str, limit: int | None) -> None:
        """Take a place.

        Raises:
            SessionRefused: If the id is in use, or all places are taken.
        """
        if id in self._reserved:
            raise SessionRefused("connection_already_exists")
        if self.is_full(limit):
            raise SessionRefused("concurrency_limit_reached", limit=limit)
        self._reserved.add(id)

    def add(self, session: Session) -> None:
        """Fill a place that was reserved."""
        self._sessions[session.id] = session

    def release(self, id: str) -> None:
        """Free a place; again and again does no harm."""
        if id not in self._reserved:
            return
        self._reserved.discard(id)
        session = self._sessions.pop(id, None)
        if session is not None:
            self._closing.add(session)
            session.on_closed(self._closing.discard)
        self._forget(id)

    async def close(self, reason: str, timeout: float = 5.0) -> None:
        """Close all sessions and wait until they are closed.

        Args:
            reason: What the clients are told.
            timeout: How long to wait at most, in seconds.
        """
        for session in list(self._sessions.values()):
            session.end(reason)
        waiting = [asyncio.ensure_future(s.closed.wait()) for s in self._closing]
        if waiting:
            _, pending = await asyncio.wait(waiting, timeout=timeout)
            for task in pending:
                task.cancel()
            if pending:
                logger.warning("%d sessions did not close within %.0f s", len(pending), timeout)
