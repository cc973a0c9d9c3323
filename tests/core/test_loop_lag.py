"""The measurement of an event loop."""

from __future__ import annotations

import asyncio
import time

import pytest

from fastrtc.core import loop_lag
from fastrtc.core.loop_lag import LoopLag, lag_of
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


async def test_all_that_measure_a_loop_share_a_timer() -> None:
    loop, measured = asyncio.get_running_loop(), [0, 0]
    assert lag_of(loop) is None

    def count(n: int) -> None:
        measured[n] += 1

    lags = [LoopLag(lambda lag_s, n=n: count(n)) for n in range(2)]  # type: ignore[misc]
    lags.append(LoopLag())
    for lag in lags:
        lag.start()
    assert lags[0]._meter is lags[1]._meter
    await eventually(lambda: measured == [2, 2])
    assert lag_of(loop) is not None
    lags[0].stop()
    await eventually(lambda: measured[1] == 4)
    assert measured[0] == 2 and lag_of(loop) is not None
    lags[1].stop()
    lags[2].stop()
    assert lag_of(loop) is None
