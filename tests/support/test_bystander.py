"""A bystander detects the effects of an attack."""

import asyncio
import hashlib
import mmap
import time

import pytest

from tests.support.bystander import CPU_S, MEMORY, Cost, assert_little, bystander


def spend(seconds: float, memory: int) -> mmap.mmap:
    """Compute and take memory without holding up other threads."""
    data, until = bytes(1 << 20), time.thread_time() + seconds
    while time.thread_time() < until:
        hashlib.sha256(data).digest()
    kept = mmap.mmap(-1, memory)
    for page in range(0, memory, mmap.PAGESIZE):
        kept[page] = 1
    return kept


async def test_a_loop_that_stands_still_is_noticed() -> None:
    async with bystander() as other:
        with pytest.raises(AssertionError, match="no echo for 1"):
            async with other.undisturbed():
                time.sleep(1.2)  # noqa: ASYNC251


async def test_what_is_spent_is_noticed_though_the_echo_goes_on() -> None:
    async with bystander() as other:
        async with other.undisturbed() as cost:
            kept = await asyncio.to_thread(spend, 3 * CPU_S, 3 * MEMORY)
        assert cost.cpu_s > CPU_S
        assert cost.memory > MEMORY and kept
        with pytest.raises(AssertionError, match="s of CPU time"):
            assert_little(cost)


async def test_an_echo_alone_costs_nothing() -> None:
    async with bystander() as other:
        async with other.undisturbed() as cost:
            await other.hears(20)
        assert_little(cost)


@pytest.mark.parametrize(("echo_s", "allowed_s"), [(0.1, CPU_S), (0.5, CPU_S + 0.12)])
def test_a_long_attack_may_cost_more_as_the_cost_of_the_echo_is_not_exact(
    echo_s: float, allowed_s: float
) -> None:
    cost = Cost()
    cost.echo_s, cost.cpu_s = echo_s, allowed_s - 0.001
    assert_little(cost)
    cost.cpu_s = allowed_s + 0.001
    with pytest.raises(AssertionError, match="s of CPU time"):
        assert_little(cost)


def test_threads_have_memory() -> None:
    cost = Cost()
    cost.memory = MEMORY + 1_000_000
    assert_little(cost, threads=20)
    with pytest.raises(AssertionError, match="6.0 MB"):
        assert_little(cost)
