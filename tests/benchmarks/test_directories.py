"""Measuring the directories of clusters."""

from dataclasses import astuple

from benchmarks.directories import measure_redis, measure_sqlite


async def test_each_operation_of_redis_is_measured() -> None:
    costs = await measure_redis(nodes=3, repeats=50)
    assert costs.nodes == 3
    assert all(cost > 0 for cost in (costs.beat, costs.claim, costs.find, costs.leave))


async def test_each_operation_of_sqlite_is_measured() -> None:
    assert all(cost > 0 for cost in astuple(await measure_sqlite(nodes=3, repeats=20)))
