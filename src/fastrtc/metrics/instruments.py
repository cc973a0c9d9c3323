"""The metrics that Prometheus reads: their names, labels and buckets."""

from __future__ import annotations

from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from prometheus_client import Counter, Gauge, Histogram

from ..server.monitors import TransportName

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

__all__ = ["END_REASONS", "PARTS", "TRANSPORTS", "Instruments", "instruments_of"]

TRANSPORTS: tuple[TransportName, ...] = ("webrtc", "websocket", "telephone")
END_REASONS = ("closed", "server", "error", "time_limit", "idle", "replaced", "not_connected")
REFUSALS = (
    "concurrency_limit_reached",
    "connection_already_exists",
    "cross_site",
    "invalid_offer",
    "line_busy",
    "server_stopping",
    "too_many_connecting",
    "unauthorized",
    "unknown_host",
)
"""The usual reasons for refusing a connection; others appear with the first refusal."""

PARTS = ("end_of_turn", "handler", "first_audio", "playout", "heard")
DIRECTIONS = ("in", "out")

TURN_BUCKETS_S = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 30.0)
"""People answer each other after 0.2 s; from 1 s on, an answer is slow."""

LAG_BUCKETS_S = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 5.0)
"""From 20 ms on, frames of audio are late."""

RTT_BUCKETS_S = (0.005, 0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 1.0, 2.0)
LOSS_BUCKETS = (0.0, 0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)


class Instruments:
    """The metrics of the streams of this process, in one registry.

    With several processes, ``prometheus_client`` adds up the values of all of them: so each value
    is written when it changes, and none is computed when it is read.

    Args:
        registry: The registry.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self.sessions = Gauge(
            "fastrtc_sessions",
            "Connections that occupy a place, with those that are being established",
            ["transport"],
            registry=registry,
            multiprocess_mode="livesum",
        )
        self.ends = Counter(
            "fastrtc_session_ends",
            "Connections that have ended; not_connected if they were never established",
            ["reason"],
            registry=registry,
        )
        self.refused = Counter(
            "fastrtc_offers_refused",
            "New connections that were refused, over every transport",
            ["reason"],
            registry=registry,
        )
        self.turn = Histogram(
            "fastrtc_turn_seconds",
            "Parts of a turn, from the end of the user's speech to the reply that is heard",
            ["part"],
            buckets=TURN_BUCKETS_S,
            registry=registry,
        )
        self.interruptions = Counter(
            "fastrtc_interruptions",
            "Interruptions of audio by the user or the program; false if the reply went on",
            ["kind"],
            registry=registry,
        )
        self.lag = Histogram(
            "fastrtc_loop_lag_seconds",
            "How late the event loop called a timer, twice a second while there are connections",
            buckets=LAG_BUCKETS_S,
            registry=registry,
        )
        self.dropped = Counter(
            "fastrtc_frames_dropped",
            "Frames that were dropped because a queue was full",
            ["direction"],
            registry=registry,
        )
        self.rtt = Histogram(
            "fastrtc_rtt_seconds",
            "Round trip times of connections, each every 5 s",
            buckets=RTT_BUCKETS_S,
            registry=registry,
        )
        self.loss = Histogram(
            "fastrtc_loss_ratio",
            "Shares of packets lost on their way to the server in 5 s",
            buckets=LOSS_BUCKETS,
            registry=registry,
        )
        for metric, values in (
            (self.sessions, TRANSPORTS),
            (self.ends, END_REASONS),
            (self.refused, REFUSALS),
            (self.turn, PARTS),
            (self.interruptions, ("true", "false")),
            (self.dropped, DIRECTIONS),
        ):
            for value in values:  # so that rates are known from the first event on
                metric.labels(value)


_of_registries: WeakKeyDictionary[CollectorRegistry, Instruments] = WeakKeyDictionary()


def instruments_of(registry: CollectorRegistry) -> Instruments:
    """Return the metrics in a registry; create them the first time."""
    found = _of_registries.get(registry)
    if found is None:
        found = _of_registries[registry] = Instruments(registry)
    return found
