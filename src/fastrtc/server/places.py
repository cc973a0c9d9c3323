"""The connections of one endpoint, and how many there may be."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Iterator

from ..core.close_reason import GOING_AWAY
from ..core.errors import SessionRefused
from ..core.messages import warning_message
from ..handlers.abandoned import LIMIT, abandoned
from ..session.session import Session, State
from .connection import Connection

__all__ = ["Places"]

logger = logging.getLogger(__name__)


class Places:
    """The connections of one endpoint by id, whatever they travel over.

    Args:
        forget: Called with the id of a connection when its place is free again.

    Attributes:
        stopping: Whether the server stops: there is no place for new connections.
    """

    def __init__(self, forget: Callable[[str], None]) -> None:
        self._forget = forget
        self.stopping = False
        self._reserved: set[str] = set()
        self._held: set[str] = set()  # by ids of calls, which are not those of connections
        self._connections: dict[str, Connection] = {}
        self._closing: set[Session] = set()

    def __contains__(self, id: object) -> bool:
        """Whether the id is in use."""
        return id in self._reserved

    def __len__(self) -> int:
        """How many places are taken."""
        return len(self._reserved) + len(self._held)

    def __iter__(self) -> Iterator[Connection]:
        """Iterate over the connections that have not begun to end, as they are now."""
        return iter(list(self._connections.values()))

    @property
    def connecting(self) -> int:
        """How many of them are of connections that are not established yet."""
        return len(self) - sum(
            connection.session.state is not State.NEW for connection in self._connections.values()
        )

    def check_connecting(self, limit: int) -> None:
        """Check that another connection may be established.

        Raises:
            SessionRefused: If *limit* of them are, over whatever transport.
        """
        if self.connecting >= limit:
            raise SessionRefused("too_many_connecting", limit=limit)

    def get(self, id: str) -> Connection | None:
        """Return the connection that has an id, unless it has begun to end."""
        return self._connections.get(id)

    def is_full(self, limit: int | None) -> bool:
        """Tell whether all places are taken, or the server stops."""
        return self.stopping or limit is not None and len(self) >= limit

    def reserve(self, id: str, limit: int | None) -> None:
        """Take a place.

        Raises:
            SessionRefused: If the id is in use, all places are taken, the server stops, or too
                many threads of connections that have ended are blocked.
        """
        if id in self._reserved and not self.stopping:
            raise SessionRefused("connection_already_exists")
        self._check_room(limit)
        self._reserved.add(id)

    def _check_room(self, limit: int | None) -> None:
        if self.stopping:
            raise SessionRefused("server_stopping")
        if self.is_full(limit):
            raise SessionRefused("concurrency_limit_reached", limit=limit)
        if len(abandoned) >= LIMIT:
            raise SessionRefused("too_many_blocked_threads", limit=LIMIT)

    def hold(self, call: str, limit: int | None) -> None:
        """Keep a place for a telephone call that has not connected yet.

        Args:
            call: The provider's id of the call; no connection has it as its own.
            limit: How many places there are; None is no limit.

        Raises:
            SessionRefused: As of ``reserve``.
        """
        self._check_room(limit)
        self._held.add(call)

    def let_go(self, call: str) -> None:
        """Free the place of a call; again and again does no harm."""
        self._held.discard(call)

    def add(self, connection: Connection) -> None:
        """Fill a place that was reserved.

        Raises:
            SessionRefused: If the server has begun to stop meanwhile.
        """
        self._connections[connection.id] = connection
        if self.stopping:
            raise SessionRefused("server_stopping")

    def release(self, id: str, session: Session | None = None) -> None:
        """Free a place; again and again does no harm.

        Args:
            id: The id.
            session: What closes, if the place was not filled yet.
        """
        if id not in self._reserved:
            return
        self._reserved.discard(id)
        connection = self._connections.pop(id, None)
        if connection is not None:
            session = connection.session
        if session is not None:
            self._closing.add(session)
            session.on_closed(self._closing.discard)
        self._forget(id)

    async def close(self, reason: str, timeout: float = 5.0) -> None:
        """Close all sessions and wait until they are closed.

        Those that are not closed in time are left behind, and not waited for again.

        Args:
            reason: What the clients are told.
            timeout: How long to wait at most, in seconds.
        """
        for connection in self:
            connection.session.close(reason, GOING_AWAY, tell=True)
        await self._wait_until_closed(timeout)

    async def close_with_the_loop(self, timeout: float) -> None:
        """Close the sessions that are established, whose clients cannot be told any more.

        The others keep their places: each request of a test client has a loop of its own.

        Args:
            timeout: How long to wait at most, in seconds.
        """
        for connection in self:
            if connection.session.state is State.LIVE:
                connection.session.close("the event loop ends")
        await self._wait_until_closed(timeout)
        self.stopping = False  # another loop may serve after this

    async def _wait_until_closed(self, timeout: float) -> None:
        left = await _closed(self._closing, timeout)
        if left:
            self._closing -= left
            for session in left:
                session.abandon()
            logger.warning("%d sessions did not close within %.0f s", len(left), timeout)

    async def drain(self, limit: float) -> None:
        """Take no new sessions, and let those that there are come to their end, once.

        Args:
            limit: How long to wait for them at most, in seconds; the clients are told.
        """
        again, self.stopping = self.stopping, True
        if again or not limit:
            return
        warning = f"The server is about to stop: this connection ends in {limit:.0f} s at most"
        sessions = [connection.session for connection in self]
        for session in sessions:
            session.outbox.post(warning_message(warning))
        await _closed({*sessions, *self._closing}, limit)


async def _closed(sessions: Iterable[Session], timeout: float) -> set[Session]:
    """Wait until sessions are closed; give those that are not when the time is over."""
    waiting = {asyncio.ensure_future(session.closed.wait()): session for session in sessions}
    if not waiting:
        return set()
    _, pending = await asyncio.wait(waiting, timeout=timeout)
    for task in pending:
        task.cancel()
    return {waiting[task] for task in pending}
