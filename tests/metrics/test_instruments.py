"""The names of the metrics, which dashboards use."""

from typing import get_args

from prometheus_client import CollectorRegistry

from fastrtc.core.close_reason import EndCode
from fastrtc.core.turn import TurnParts
from fastrtc.metrics.instruments import END_REASONS, PARTS, TRANSPORTS, instruments_of
from fastrtc.server.monitors import TransportName


def test_the_names_and_the_labels() -> None:
    registry = CollectorRegistry()
    instruments = instruments_of(registry)
    instruments.refused.labels("server_stopping")
    found: dict[str, set[str]] = {}
    for family in registry.collect():
        labels = {name for sample in family.samples for name in sample.labels}
        found[f"{family.name}:{family.type}"] = labels - {"le"}
    assert found == {
        "fastrtc_sessions:gauge": {"transport"},
        "fastrtc_session_ends:counter": {"reason"},
        "fastrtc_offers_refused:counter": {"reason"},
        "fastrtc_turn_seconds:histogram": {"part"},
        "fastrtc_interruptions:counter": {"kind"},
        "fastrtc_loop_lag_seconds:histogram": set(),
        "fastrtc_frames_dropped:counter": {"direction"},
        "fastrtc_rtt_seconds:histogram": set(),
        "fastrtc_loss_ratio:histogram": set(),
    }
    assert instruments_of(registry) is instruments


def test_the_values_of_the_labels_are_those_of_the_package() -> None:
    assert set(TRANSPORTS) == set(get_args(TransportName))
    assert set(END_REASONS) == {*get_args(EndCode), "not_connected"}
    assert PARTS == TurnParts._fields
