"""The simulation of a cluster."""

import pytest

from benchmarks.directories import Costs
from benchmarks.fleet import Load, Report, simulate, table

COSTS = Costs(nodes=20, beat=50, claim=30, release=25, find=20, leave_item=30, refill=80, leave=90)
LOAD = Load(4, capacity=10, call_s=20.0, inputs_per_minute=6.0, drain_limit_s=10.0, steady_s=10.0)


@pytest.fixture(scope="module")
def report() -> Report:
    return simulate(20, COSTS, LOAD)


def test_requests_reach_the_owner_of_their_connection(report: Report) -> None:
    assert report.forwarded > 5
    assert report.lost_requests == 0


def test_the_load_is_the_one_asked_for(report: Report) -> None:
    assert report.heartbeats == pytest.approx(20, rel=0.1)
    assert report.offers == pytest.approx(20 * 4 / 20, rel=0.5)
    assert 0.0005 < report.redis_cores < 0.01


def test_places_of_dead_nodes_are_free_within_5_s(report: Report) -> None:
    assert report.killed_sessions > 0
    assert 3 <= report.places_free_after <= 5
    assert report.not_reconnected == 0
    assert report.reconnected_after < 10


def test_no_offer_fails_while_all_nodes_are_replaced(report: Report) -> None:
    assert report.rolling_offers > 0
    assert report.rolling_moved > 0
    assert report.failed_offers == 0


def test_a_redis_that_is_too_slow_is_noticed() -> None:
    slow = Costs(
        nodes=20,
        **dict.fromkeys(("beat", "claim", "release", "find", "leave_item", "refill", "leave"), 4e5),
    )
    report = simulate(20, slow, Load(1, capacity=6, call_s=20.0, drain_limit_s=5.0, steady_s=5.0))
    assert report.redis_cores > 1
    assert report.redis_wait_after_failure > 2
    assert report.lost_requests > 0


def test_the_table_has_a_column_for_each_cluster(report: Report) -> None:
    lines = table([report, report]).splitlines()
    assert {line.count("|") for line in lines} == {4}
    assert lines[0] == "| nodes | 20 | 20 |"
