"""Waiting for the answers of a STUN server."""

from __future__ import annotations

import asyncio

import pytest

from fastrtc.transport.webrtc.ports.stun_query import MIN_GRACE_S, collect, resolve
from tests.support.virtual_time import virtual_time


async def answer(after_s: float, value: str) -> str:
    await asyncio.sleep(after_s)
    return value


async def fail(after_s: float) -> str:
    await asyncio.sleep(after_s)
    raise OSError("unreachable")


def now() -> float:
    return asyncio.get_running_loop().time()


@virtual_time
async def test_all_answers_that_come_in_time() -> None:
    began = now()
    assert await collect([answer(0.01, "a"), answer(0.02, "b")], 0.5) == ["a", "b"]
    assert now() - began == pytest.approx(0.02)


@virtual_time
async def test_one_that_never_answers_holds_up_nobody() -> None:
    began = now()
    found = await collect([answer(100, "never"), answer(0.005, "a"), answer(0.008, "b")], 0.5)
    assert found == ["a", "b"]
    assert now() - began == pytest.approx(0.005 + MIN_GRACE_S)


@virtual_time
async def test_a_slow_server_is_waited_for_in_proportion() -> None:
    began = now()
    assert await collect([answer(0.1, "a"), answer(0.19, "b"), answer(9, "c")], 0.5) == ["a", "b"]
    assert now() - began == pytest.approx(0.2)


@virtual_time
async def test_none_that_answers_within_the_time_limit() -> None:
    began = now()
    assert await collect([answer(100, "never"), fail(0.01)], 0.5) == []
    assert now() - began == pytest.approx(0.5)


@virtual_time
async def test_failures_are_no_answers() -> None:
    began = now()
    assert await collect([fail(0.01), fail(0.02)], 0.5) == []
    assert await collect([fail(0.01), answer(0.05, "a")], 0.5) == ["a"]
    assert now() - began == pytest.approx(0.07)


async def test_addresses_need_no_lookup_and_names_do() -> None:
    assert await resolve("192.0.2.1", 3478) == ("192.0.2.1", 3478)
    assert await resolve("localhost", 3478) == ("127.0.0.1", 3478)
    with pytest.raises(OSError):  # noqa: PT011 (the text is the resolver's)
        await resolve("no-such-host.invalid", 3478)
