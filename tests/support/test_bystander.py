"""A bystander detects the effects of an attack."""

import asyncio
import hashlib
import mmap
import time

import pytest

from tests.support.bystander import CPU_S, MEMORY, assert_little, bystander


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
