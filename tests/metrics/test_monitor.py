"""The figures of connections, recorded in metrics."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from fastrtc import Stream
from fastrtc.core import loop_lag
from fastrtc.core.conversation_events import ReplyInterrupted
from fastrtc.core.stats import ConnectionStats
from fastrtc.metrics.instruments import instruments_of
from fastrtc.metrics.monitor import PrometheusMonitor, PrometheusTurns
from fastrtc.server.endpoint import endpoint_of
from tests.support.connections import add_connection
from tests.support.peers import eventually
from tests.webrtc.handlers import AsyncAudioEcho


def test_interruptions_are_counted_if_audio_was_interrupted() -> None:
    registry = CollectorRegistry()
    turns = PrometheusTurns(instruments_of(registry))
    turns.on_event(ReplyInterrupted(1, 1.0, 0.0, audible=False))
    turns.on_event(ReplyInterrupted(2, 2.0, 0.5))
    assert registry.get_sample_value("fastrtc_interruptions_total", {"kind": "true"}) == 1


async def test_figures_are_recorded_as_they_change(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop_lag, "PERIOD_S", 0.002)
    registry = CollectorRegistry()
    stream = Stream(AsyncAudioEcho(), modality="audio", verbose=False)
    monitor = PrometheusMonitor(instruments_of(registry))
    session = add_connection(stream, "a")
    stats = ConnectionStats("a", "webrtc", packets_received=0, packets_lost=0)

    def connection() -> Any:
        transport = SimpleNamespace(stats=lambda: stats)
        return replace(endpoint_of(stream).get("a"), transport=transport)

    def value(name: str, **labels: str) -> float:
        return registry.get_sample_value(name, labels) or 0

    def dropped() -> tuple[float, float]:
        name = "fastrtc_frames_dropped_total"
        return value(name, direction="in"), value(name, direction="out")

    first = connection()
    monitor.established(first)
    stats = replace(
        stats,
        packets_received=90,
        packets_lost=10,
        round_trip_s=0.04,
        frames_dropped_in=3,
        frames_dropped_out=1,
    )
    await eventually(lambda: value("fastrtc_rtt_seconds_count") >= 2)
    assert value("fastrtc_rtt_seconds_bucket", le="0.05") == value("fastrtc_rtt_seconds_count")
    assert value("fastrtc_rtt_seconds_bucket", le="0.02") == 0
    assert value("fastrtc_loss_ratio_count") == 1, "nothing was received since"
    assert value("fastrtc_loss_ratio_sum") == pytest.approx(0.1)
    assert dropped() == (3, 1)

    monitor.replaced(connection())  # whose media, which count, are the same
    assert dropped() == (3, 1)
    stats = replace(stats, frames_dropped_in=5)
    monitor.ended(connection(), "closed")
    assert dropped() == (5, 1)
    lag = value("fastrtc_loop_lag_seconds_count")
    session.close("enough")
    await session.closed.wait()
    await asyncio.sleep(0.02)
    assert value("fastrtc_loop_lag_seconds_count") == lag
