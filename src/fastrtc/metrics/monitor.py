"""Write what happens to the connections of a stream into metrics."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from ..core.conversation_events import (
    ConversationEvent,
    FalseInterruption,
    ReplyInterrupted,
    TurnListener,
)
from ..core.loop_lag import LoopLag
from ..core.stats import ConnectionStats
from ..core.turn import Turn
from ..server.connection import Connection
from ..server.endpoint import Endpoint
from ..server.monitors import EndReason, Monitor, TransportName
from ..session.session import Session
from .instruments import PARTS, TRANSPORTS, Instruments, instruments_of

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

__all__ = ["PrometheusMonitor", "PrometheusTurns", "measure"]

STATS_EVERY = 10
"""After how many measurements of the event loop the connections are measured: every 5 s."""


class PrometheusTurns(TurnListener):
    """Record the turns of connections in metrics.

    Args:
        instruments: The metrics.
    """

    def __init__(self, instruments: Instruments) -> None:
        self._instruments = instruments

    def on_event(self, event: ConversationEvent) -> None:
        """Count interruptions of audio."""
        if isinstance(event, ReplyInterrupted) and event.audible:
            self._instruments.interruptions.labels("true").inc()
        elif isinstance(event, FalseInterruption):
            self._instruments.interruptions.labels("false").inc()

    def on_turn(self, turn: Turn) -> None:
        """Record the parts of the silence before a reply."""
        parts = turn.parts
        if parts is None:
            return
        for part in PARTS:
            seconds: float | None = getattr(parts, part)
            if seconds is not None:
                self._instruments.turn.labels(part).observe(seconds)


class PrometheusMonitor(Monitor):
    """Record the connections of a stream in metrics.

    Args:
        instruments: The metrics.
    """

    def __init__(self, instruments: Instruments) -> None:
        self.instruments = instruments
        self._loops: WeakKeyDictionary[asyncio.AbstractEventLoop, _MeasuredLoop] = (
            WeakKeyDictionary()
        )

    def occupied(self, transport: TransportName, change: int) -> None:
        """Count the occupied places."""
        self.instruments.sessions.labels(transport).inc(change)

    def refused(self, reason: str) -> None:
        """Count the refused connections."""
        self.instruments.refused.labels(reason).inc()

    def established(self, connection: Connection) -> None:
        """Measure a connection and its event loop from now on."""
        loop = connection.session.loop
        measured = self._loops.get(loop)
        if measured is None:
            measured = self._loops[loop] = _MeasuredLoop(self.instruments)
        measured.add(connection)

    def replaced(self, connection: Connection) -> None:
        """Measure a session that goes on over another transport."""
        self.established(connection)

    def ended(self, connection: Connection, reason: EndReason) -> None:
        """Count the end of a connection, and measure it for the last time."""
        self.instruments.ends.labels(reason).inc()
        measured = self._loops.get(connection.session.loop)
        if measured is not None:
            measured.remove(connection)


class _MeasuredLoop:
    """Measure an event loop, and the connections on it, while there are any."""

    def __init__(self, instruments: Instruments) -> None:
        self._instruments = instruments
        self._lag = LoopLag(self._measure)
        self._connections: dict[Session, _MeasuredConnection] = {}
        self._measurements = 0

    def add(self, connection: Connection) -> None:
        self._count_dropped(connection.session)
        measured = _MeasuredConnection(connection, self._instruments)
        before = self._connections.get(connection.session)
        if before is not None:  # the media of a resumed session, which count, are the same
            measured.dropped = before.dropped
        self._connections[connection.session] = measured
        self._lag.start()

    def remove(self, connection: Connection) -> None:
        self._count_dropped(connection.session)
        self._connections.pop(connection.session, None)
        if not self._connections:
            self._lag.stop()

    def _count_dropped(self, session: Session) -> None:
        measured = self._connections.get(session)
        if measured is not None:
            measured.count_dropped()

    def _measure(self, lag_s: float) -> None:
        self._instruments.lag.observe(lag_s)
        self._measurements += 1
        if self._measurements % STATS_EVERY == 0:
            for measured in list(self._connections.values()):
                measured.measure()


class _MeasuredConnection:
    """The figures of a connection that were recorded so far.

    Attributes:
        dropped: The frames that were dropped so far, by direction.
    """

    def __init__(self, connection: Connection, instruments: Instruments) -> None:
        self._connection = connection
        self._instruments = instruments
        self.dropped = {"in": 0, "out": 0}
        self._received = self._lost = 0

    def measure(self) -> None:
        stats = self.count_dropped()
        if stats.round_trip_s is not None:
            self._instruments.rtt.observe(stats.round_trip_s)
        if stats.packets_received is None or stats.packets_lost is None:
            return
        received = stats.packets_received - self._received
        lost = max(0, stats.packets_lost - self._lost)
        self._received, self._lost = stats.packets_received, stats.packets_lost
        if received + lost > 0:
            self._instruments.loss.observe(lost / (received + lost))

    def count_dropped(self) -> ConnectionStats:
        stats = self._connection.transport.stats()
        dropped = {"in": stats.frames_dropped_in, "out": stats.frames_dropped_out}
        for direction, count in dropped.items():
            more = count - self.dropped[direction]
            if more > 0:
                self._instruments.dropped.labels(direction).inc(more)
        self.dropped = dropped
        return stats


def measure(endpoint: Endpoint, registry: CollectorRegistry) -> None:
    """Record the connections of a stream in a registry; once, however often this is called."""
    monitors, instruments = endpoint.hooks.monitors, instruments_of(registry)
    for each in monitors:
        if isinstance(each, PrometheusMonitor) and each.instruments is instruments:
            return
    for member in endpoint.members():
        for transport in TRANSPORTS:
            instruments.sessions.labels(transport).inc(member.places.count(transport))
    monitors.append(PrometheusMonitor(instruments))
    endpoint.hooks.turn_listeners.append(lambda session: PrometheusTurns(instruments))
