import asyncio
import time
from math import inf

import pytest

from tests.support.loop_thread import a_loop
from tests.support.peers import eventually
from tests.support.stalls import AUDIBLE_S, SERVERS, TRIES, Stalls, again_after_a_stall


def test_stalls_do_not_add_up_unless_they_follow_each_other() -> None:
    stalls = Stalls()
    for at, late_s in ((1.0, 0.009), (2.0, 0.3), (2.4, 0.1), (3.0, 0.2), (3.6, 0.25), (9.0, 0.5)):
        stalls.note(at, late_s)
    assert stalls.longest(-inf, inf) == pytest.approx(0.5)
    assert stalls.total() == pytest.approx(1.35)
    assert stalls.single() == pytest.approx(0.5)
    assert stalls.longest(0, 8) == pytest.approx(0.4)
    assert stalls.longest(2.9, 8.4) == pytest.approx(0.25)
    assert stalls.longest(3.7, 8.4) == stalls.longest(0, 1.5) == 0


def test_those_of_the_test_and_of_one_server_add_up() -> None:
    stalls = Stalls()
    for late_s, server in ((0.1, None), (0.2, "one"), (0.3, "another")):
        stalls.note(1.0, late_s, server)
    assert stalls.total() == stalls.longest() == pytest.approx(0.1 + 0.3)
    assert stalls.single() == pytest.approx(0.3)
    assert stalls.total(1.0) == stalls.total(-inf, 0.6) == 0


@pytest.mark.parametrize("watched", [True, False])
async def test_the_loops_of_servers_are_watched(watched: bool) -> None:
    stalls = Stalls()
    stalls.watch(servers=watched)
    with a_loop() as server:
        SERVERS.add(server)
        try:
            await asyncio.sleep(0.05)
            server.call_soon_threadsafe(time.sleep, 0.3)
            await asyncio.sleep(0.4)
            if watched:
                await eventually(lambda: server in stalls._late)
        finally:
            SERVERS.discard(server)
            stalls.end()
    assert (server in stalls._late) is watched
    assert not watched or stalls.single() > 0.2


@pytest.mark.parametrize(("stalled", "times"), [(0, 1), (1, 2), (9, TRIES)])
async def test_only_a_test_that_failed_after_a_stall_runs_again(
    stalled: int, times: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def longest(self: Stalls) -> float:
        return AUDIBLE_S if len(runs) <= stalled else 0.9 * AUDIBLE_S

    monkeypatch.setattr(Stalls, "longest", longest)  # the machine may stall, too

    @again_after_a_stall
    async def fail() -> None:
        runs.append(len(runs))
        raise ValueError("it failed")

    runs: list[int] = []
    with pytest.raises(ValueError, match="it failed"):
        await fail()
    assert len(runs) == times


async def test_a_test_that_passed_after_a_stall_does_not_run_again() -> None:
    @again_after_a_stall
    async def stall(value: int) -> int:
        runs.append(value)
        await asyncio.sleep(0.02)
        time.sleep(1.5 * AUDIBLE_S)  # noqa: ASYNC251, the loop stands still
        await asyncio.sleep(0.02)
        return value

    runs: list[int] = []
    assert await stall(3) == 3
    assert runs == [3]
