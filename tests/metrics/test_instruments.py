"""The names of the metrics, which dashboards use."""

import re
from pathlib import Path
from typing import get_args

from prometheus_client import CollectorRegistry

from fastrtc.core.close_reason import EndCode
from fastrtc.core.turn import TurnParts
from fastrtc.metrics.instruments import END_REASONS, PARTS, REFUSALS, TRANSPORTS, instruments_of
from fastrtc.server.monitors import INVALID_OFFER, TransportName
from fastrtc.server.stream_endpoint import LINE_BUSY

ROOT = Path(__file__).parents[2]


def test_the_names_and_the_labels() -> None:
    registry = CollectorRegistry()
    instruments = instruments_of(registry)
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
    documented = re.findall(r"^\| `(\w+)` \|", (ROOT / "docs/api.md").read_text("utf-8"), re.M)
    assert {*REFUSALS} <= {*documented, INVALID_OFFER, LINE_BUSY}


def test_all_counters_have_values_before_the_first_event() -> None:
    registry = CollectorRegistry()
    instruments_of(registry)
    for family in registry.collect():
        if family.type == "counter":
            totals = [each for each in family.samples if each.name.endswith("_total")]
            assert totals and not any(each.value for each in totals), family.name
