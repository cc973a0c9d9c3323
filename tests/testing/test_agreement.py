"""The conversations that `python -m benchmarks.agreement` holds over memory and WebRTC, by hand."""

import pytest

from .agreement import CONVERSATIONS, differences, hold


@pytest.mark.parametrize("name", CONVERSATIONS)
async def test_a_conversation_is_the_same_each_time(name: str) -> None:
    first, second = (await hold(name, "memory")).turns, (await hold(name, "memory")).turns
    assert differences(first, second, within_s=0) == []
    assert [turn.interrupted for turn in first] == {
        1: [False],
        2: ["interrupted" in name, False],
    }[len(first)]


async def test_differences_are_found() -> None:
    one, other = (await hold("short", "memory")).turns, (await hold("interrupted", "memory")).turns
    assert {what for what, _ in differences(one, other, within_s=0.001)} >= {
        "number of turns",
        "stopped_after_s of turn 1",
        "interruption of turn 1",
    }
