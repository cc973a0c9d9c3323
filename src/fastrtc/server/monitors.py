"""Observers of the connections of a stream, such as its metrics."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal, TypeAlias

from ..core.close_reason import EndCode
from ..core.errors import InvalidOffer, SessionRefused
from ..core.log_throttle import LogThrottle
from ..session.session import State

if TYPE_CHECKING:
    from .connection import Connection

__all__ = ["EndReason", "Monitor", "Monitors", "TransportName"]

logger = logging.getLogger(__name__)
_failures = LogThrottle()

INVALID_OFFER = "invalid_offer"
"""The reason for refusing an offer that is malformed or does not fit the stream."""

TransportName: TypeAlias = Literal["webrtc", "websocket", "telephone"]

EndReason: TypeAlias = EndCode | Literal["not_connected"]
"""Why a connection has ended; ``not_connected`` if it was never established."""


class Monitor:
    """Observes the connections of a stream. All methods do nothing; override those needed.

    They are called on the event loop and must not block. Exceptions are logged.
    """

    def occupied(self, transport: TransportName, change: int) -> None:
        """Record that the number of occupied places has changed by *change*: 1 or -1."""

    def refused(self, reason: str) -> None:
        """Record that a new connection was refused.

        Args:
            reason: The code of the ``SessionRefused``, or ``"invalid_offer"``.
        """

    def added(self, connection: Connection) -> None:
        """Record a new connection, which is not established yet."""

    def established(self, connection: Connection) -> None:
        """Record that a connection is established."""

    def replaced(self, connection: Connection) -> None:
        """Record that a session goes on over another transport."""

    def ended(self, connection: Connection, reason: EndReason) -> None:
        """Record that a connection is closed."""


class Monitors(Monitor):
    """The monitors of a stream and its page, called one after the other."""

    def __init__(self) -> None:
        self._monitors: list[Monitor] = []

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self._monitors)

    def __iter__(self) -> Iterator[Monitor]:
        """Iterate over the monitors."""
        return iter(list(self._monitors))

    def append(self, monitor: Monitor) -> None:
        """Add a monitor, which learns of what happens from now on."""
        self._monitors.append(monitor)

    def occupied(self, transport: TransportName, change: int) -> None:
        """See ``Monitor``."""
        self._call(lambda each: each.occupied(transport, change))

    def refused(self, reason: str) -> None:
        """See ``Monitor``."""
        self._call(lambda each: each.refused(reason))

    def added(self, connection: Connection) -> None:
        """See ``Monitor``; the others follow from the session of the connection."""
        if not self._monitors:
            return
        session = connection.session
        live = False

        def start() -> None:
            nonlocal live
            live = True
            self.established(connection)

        def end(_: object) -> None:
            reason = session.reason
            code: EndReason = "closed" if reason is None else reason.end_code
            self.ended(connection, code if live else "not_connected")

        session.on_closed(end)
        self._call(lambda each: each.added(connection))
        if session.state is State.LIVE:
            start()
        else:
            session.on_start(start)

    def established(self, connection: Connection) -> None:
        """See ``Monitor``."""
        self._call(lambda each: each.established(connection))

    def replaced(self, connection: Connection) -> None:
        """See ``Monitor``."""
        self._call(lambda each: each.replaced(connection))

    def ended(self, connection: Connection, reason: EndReason) -> None:
        """See ``Monitor``."""
        self._call(lambda each: each.ended(connection, reason))

    @contextmanager
    def counting_refusals(self) -> Iterator[None]:
        """Record the refusal of a new connection that the block raises."""
        try:
            yield
        except SessionRefused as refusal:
            self.refused(refusal.code)
            raise
        except InvalidOffer:
            self.refused(INVALID_OFFER)
            raise

    def _call(self, call: Callable[[Monitor], None]) -> None:
        for monitor in self._monitors:
            try:
                call(monitor)
            except Exception as error:  # the connection goes on
                _failures.log(logger.error, "%r failed", monitor, exc_info=error)
