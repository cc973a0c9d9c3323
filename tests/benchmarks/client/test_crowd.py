"""The search for the ceiling, with a crowd that needs no server."""

import os
from typing import Any

import pytest

from benchmarks.client.crowd import Look, find_ceiling
from benchmarks.client.lateness import Lateness
from benchmarks.client.server import Usage
from tests.support.virtual_time import virtual_time


def look(late: int, *, lag: int = 0, machine: float = 0.1) -> Look:
    lateness = Lateness({0: 100 - late, 500: late})
    return Look(Usage(0, 1, 0.5), 0.1, machine, lateness, Lateness({lag: 100}), 100)


class MadeUpCrowd:
    """Holds so many sessions on time; some looks are spoiled by something else."""

    def __init__(self, ceiling: int, *, most: int = 1000, stalls: int = 0) -> None:
        self.ceiling, self.most, self.stalls = ceiling, most, stalls
        self.count = 0
        self.tried: list[int] = []

    async def hold(self, count: int) -> str | None:
        self.count = min(count, self.most)
        self.tried.append(count)
        return None if count <= self.most else "full"

    async def look(self, seconds: float) -> Look:
        if self.stalls:
            self.stalls -= 1
            return look(late=50)
        return look(late=0 if self.count <= self.ceiling else 2)


async def search(crowd: Any, most: int = 1000) -> Any:
    return await find_ceiling(crowd, first=8, seconds=5, growth=1.5, within=1, most=most)


@virtual_time
async def test_it_ends_between_what_was_on_time_and_what_was_not():
    found = await search(MadeUpCrowd(20))
    assert found.held == 20
    assert found.at.late_share == 0
    assert found.above.late_share == pytest.approx(0.02)


@virtual_time
async def test_a_stall_gets_a_second_chance():
    crowd = MadeUpCrowd(10, stalls=1)
    assert (await search(crowd)).held == 10
    assert crowd.tried[:2] == [8, 12]


@virtual_time
async def test_sessions_that_the_server_refuses_are_too_many():
    assert (await search(MadeUpCrowd(100, most=17))).held == 17


@virtual_time
async def test_a_server_that_refuses_all_is_no_ceiling_but_an_error():
    with pytest.raises(RuntimeError, match="not even 8 sessions could connect: full"):
        await search(MadeUpCrowd(100, most=0))


@virtual_time
async def test_the_most_that_is_asked_for_is_not_exceeded():
    crowd = MadeUpCrowd(100)
    found = await search(crowd, most=11)
    assert (found.held, found.above, crowd.tried) == (11, None, [8, 11])


@virtual_time
async def test_a_server_that_holds_none():
    found = await search(MadeUpCrowd(0))
    assert (found.held, found.at) == (0, None)


def test_the_machine_is_what_is_measured_when_it_or_the_clients_can_do_no_more():
    assert not look(late=0).machine_bound
    assert look(late=0, lag=41).machine_bound
    assert look(late=0, machine=float(os.cpu_count() or 1)).machine_bound
