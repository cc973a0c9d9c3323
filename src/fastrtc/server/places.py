"""The connections of one endpoint and their limit."""

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
from .monitors import TransportName
from .starting_sockets import StartingSockets

__all__ = ["Places", "ignore_change"]

logger = logging.getLogger(__name__)


def ignore_change(transport: TransportName, change: int) -> None:
    """Do nothing."""


class Places:
    """The connections of one endpoint by id, for all transports.

    Args:
        forget: Called with the id of a connection when its place is freed.
        occupied: Called with the transport and 1 when a place is occupied, and -1 when it is freed.

    Attributes:
        stopping: Whether the server is stopping and refuses new connections.
        starting: The open WebSockets that may need a place at any moment, and have none yet.
    """

    def __init__(
        self,
        forget: Callable[[str], None],
        occupied: Callable[[TransportName, int], None] = ignore_change,
    ) -> None:
        self._forget = forget
        self._occupied = occupied
        self.stopping = False
        self.starting = StartingSockets()
        self._reserved: dict[str, TransportName] = {}
        self._held: set[str] = set()  # by provider's call id, not by connection id
        self._connections: dict[str, Connection] = {}
        self._closing: set[Session] = set()

    def __contains__(self, id: object) -> bool:
        """Whether the id is in use."""
        return id in self._reserved

    def __len__(self) -> int:
        """Number of occupied places."""
        return len(self._reserved) + len(self._held)

    def __iter__(self) -> Iterator[Connection]:
        """Iterate over a snapshot of the connections that are not closing."""
        return iter(list(self._connections.values()))

    def count(self, transport: TransportName) -> int:
        """Return the number of places that are occupied over a transport."""
        held = len(self._held) if transport == "telephone" else 0
        return held + sum(each == transport for each in self._reserved.values())

    @property
    def connecting(self) -> int:
        """Number of connections that are not established yet."""
        return len(self) - sum(
            _is_established(connection.session) for connection in self._connections.values()
        )

    def check_connecting(self, limit: int) -> None:
        """Check that another connection may start to connect.

        Raises:
            SessionRefused: If *limit* connections are not established yet, over any transport.
        """
        if self.connecting >= limit:
            raise SessionRefused("too_many_connecting", limit=limit)

    def check_total(self, limit: int | None) -> None:
        """Check that this process alone has fewer connections than all processes may have.

        Raises:
            SessionRefused: If it has *limit* connections; None means no limit.
        """
        if limit is not None and len(self) >= limit and not self.end_suspended():
            raise SessionRefused("concurrency_limit_reached", limit=limit)

    def end_suspended(self) -> bool:
        """End the session that has waited longest for its client; return whether a place is free.

        One whose client is connecting again is not ended.
        """
        waiting: dict[float, Session] = {}
        for session in (connection.session for connection in self._connections.values()):
            if session.resumption is not None and not _has_client(session):
                waiting.setdefault(session.resumption.suspended_at, session)
        if not waiting:
            return False
        before = len(self)
        text = "Another client needs the place of this one, which has not returned"
        waiting[min(waiting)].close(text, end="closed")
        return len(self) < before  # one of another event loop ends later

    def get(self, id: str) -> Connection | None:
        """Return the connection with an id, or None if it is unknown or closing."""
        return self._connections.get(id)

    @property
    def has_held(self) -> bool:
        """Whether places are reserved for telephone calls that have not connected yet."""
        return bool(self._held)

    def end_attempt(self, id: str) -> bool:
        """End a connection unless it is established; return whether the id is known."""
        connection = self._connections.get(id)
        if connection is not None and connection.session.state is State.NEW:
            connection.session.close("the client uses a WebSocket instead")
        return connection is not None

    def is_full(self, limit: int | None, starting: int = 0) -> bool:
        """Return whether all places are occupied, or the server is stopping.

        Args:
            limit: Number of places; None means no limit.
            starting: Number of clients that will need a place and have none yet.
        """
        return self.stopping or limit is not None and len(self) + starting >= limit

    def free(self, limit: int | None) -> int | None:
        """Return the number of free places; None if there is no limit."""
        if self.stopping:
            return 0
        return None if limit is None else max(0, limit - len(self))

    def reserve(self, id: str, limit: int | None, transport: TransportName = "webrtc") -> None:
        """Reserve a place.

        Args:
            id: The id of the connection.
            limit: Maximum number of connections; None means no limit.
            transport: The transport of the connection.

        Raises:
            SessionRefused: If the id is in use, all places are occupied, the server is stopping, or
                too many threads of closed connections are blocked. If places are occupied, the
                session that has waited longest for its client makes room.
        """
        if id in self._reserved and not self.stopping:
            raise SessionRefused("connection_already_exists")
        self._check_room(limit)
        self._reserved[id] = transport
        self._occupied(transport, 1)

    def _check_room(self, limit: int | None) -> None:
        if self.stopping:
            raise SessionRefused("server_stopping")
        if self.is_full(limit) and not self.end_suspended():
            raise SessionRefused("concurrency_limit_reached", limit=limit)
        if len(abandoned) >= LIMIT:
            raise SessionRefused("too_many_blocked_threads", limit=LIMIT)

    def hold(self, call: str, limit: int | None) -> None:
        """Reserve a place for a telephone call that has not connected yet.

        Args:
            call: The provider's id of the call, which is not a connection id.
            limit: Maximum number of connections; None means no limit.

        Raises:
            SessionRefused: As for ``reserve``.
        """
        self._check_room(limit)
        if call not in self._held:
            self._held.add(call)
            self._occupied("telephone", 1)

    def release_call(self, call: str) -> None:
        """Free the place of a call; further calls do nothing."""
        if call in self._held:
            self._held.discard(call)
            self._occupied("telephone", -1)

    def add(self, connection: Connection) -> None:
        """Add a connection in a reserved place.

        Raises:
            SessionRefused: If the server has started to stop in the meantime.
        """
        self._connections[connection.id] = connection
        if self.stopping:
            raise SessionRefused("server_stopping")

    def replace(self, connection: Connection, transport: TransportName) -> None:
        """Replace the record of a connection that has another transport."""
        before = self._reserved[connection.id]
        self._reserved[connection.id] = transport
        self._connections[connection.id] = connection
        if before != transport:
            self._occupied(before, -1)
            self._occupied(transport, 1)

    def release(self, id: str, session: Session | None = None) -> None:
        """Free a place; further calls do nothing.

        Args:
            id: The id.
            session: The closing session, if no connection was added yet.
        """
        transport = self._reserved.pop(id, None)
        if transport is None:
            return
        connection = self._connections.pop(id, None)
        if connection is not None:
            session = connection.session
        if session is not None:
            self._closing.add(session)
            session.on_closed(self._closing.discard)
        self._occupied(transport, -1)
        self._forget(id)

    async def close(self, reason: str, timeout: float = 5.0) -> None:
        """Close all sessions and wait until they are closed.

        Sessions that are not closed in time are abandoned.

        Args:
            reason: Sent to the clients.
            timeout: Maximum time to wait, in seconds.
        """
        for connection in self:
            connection.session.close(reason, GOING_AWAY, tell=True)
        await self._wait_until_closed(self._closing, timeout)

    async def close_with_the_loop(self, timeout: float) -> None:
        """Close the established sessions of the running loop; their clients cannot be told.

        Those of other loops go on, and those that are not established keep their places: each
        request of a test client has a loop of its own.

        Args:
            timeout: Maximum time to wait, in seconds.
        """
        loop = asyncio.get_running_loop()
        for connection in self:
            if connection.session.state is State.LIVE and connection.session.loop is loop:
                connection.session.close("the event loop ends")
        ending = {session for session in self._closing if session.loop is loop}
        await self._wait_until_closed(ending, timeout)
        self.stopping = False  # another loop may serve after this

    async def _wait_until_closed(self, sessions: Iterable[Session], timeout: float) -> None:
        left = await _closed(sessions, timeout)
        if left:
            self._closing -= left
            for session in left:
                session.abandon()
            logger.warning("%d sessions did not close within %.0f s", len(left), timeout)

    async def drain(self, limit: float) -> None:
        """Refuse new sessions, and wait for the existing ones to end; further calls do nothing.

        Sessions that wait for their clients are not waited for.

        Args:
            limit: Maximum time to wait, in seconds; the clients are notified of it.
        """
        again, self.stopping = self.stopping, True
        if again or not limit:
            return
        warning = f"The server is about to stop: this connection ends in {limit:.0f} s at most"
        sessions = [connection.session for connection in self]
        for session in sessions:
            session.outbox.post(warning_message(warning))
        await _closed({*filter(_has_client, sessions), *self._closing}, limit)


def _is_established(session: Session) -> bool:
    resumption = session.resumption
    connecting = resumption is not None and resumption.connecting
    return session.state is not State.NEW and not connecting


def _has_client(session: Session) -> bool:
    resumption = session.resumption
    return resumption is None or not resumption.suspended or resumption.connecting


async def _closed(sessions: Iterable[Session], timeout: float) -> set[Session]:
    """Wait until sessions are closed; return those that are not by the timeout."""
    waiting = {asyncio.ensure_future(session.closed.wait()): session for session in sessions}
    if not waiting:
        return set()
    try:
        _, pending = await asyncio.wait(waiting, timeout=timeout)
    finally:
        for task in waiting:
            task.cancel()
    return {waiting[task] for task in pending}
