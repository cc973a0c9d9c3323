import asyncio
import time
from math import inf

import pytest

from tests.support.stalls import AUDIBLE_S, TRIES, Stalls, without_a_stall


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


@pytest.mark.parametrize(("stalled", "times"), [(0, 1), (1, 2), (9, TRIES)])
async def test_a_caller_asks_again_only_after_a_stall(stalled: int, times: int) -> None:
    async def ask() -> None:
        asked.append(len(asked))
        await asyncio.sleep(0.02)
        if len(asked) <= stalled:
            time.sleep(1.5 * AUDIBLE_S)  # noqa: ASYNC251, the loop stands still
        await asyncio.sleep(0.02)

    asked: list[int] = []
    await without_a_stall(ask)
    assert len(asked) == times
