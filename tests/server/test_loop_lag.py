"""The measurement of an event loop."""

from __future__ import annotations

import asyncio
import time

import pytest

from fastrtc.server import loop_lag
from fastrtc.server.loop_lag import LoopLag
from tests.support.peers import eventually


@pytest.fixture(autouse=True)
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop_lag, "PERIOD_S", 0.02)


async def test_a_blocked_loop_is_measured() -> None:
    measured: list[float] = []
    lag = LoopLag(measured.append)
    lag.start()
    lag.start()
    await eventually(lambda: measured)
    time.sleep(0.1)  # noqa: ASYNC251, it blocks the loop
    await eventually(lambda: max(measured) > 0.05)
    lag.stop()


async def test_nothing_is_measured_after_the_stop() -> None:
    measured: list[float] = []
    lag = LoopLag(measured.append)
    lag.start()
    lag.stop()
    lag.stop()
    await asyncio.sleep(0.06)
    assert not measured
    lag.start()
    await eventually(lambda: measured)
    lag.stop()


def test_each_loop_is_measured_in_turn() -> None:
    measured: list[float] = []
    lag = LoopLag(measured.append)

    async def run() -> None:
        before = len(measured)
        lag.start()
        await eventually(lambda: len(measured) > before)

    asyncio.run(run())
    asyncio.run(run())
