"""A call over memory measures what a call over WebRTC does."""

import asyncio
import itertools

from fastrtc.testing import Turn

from .agreement import CONVERSATIONS, hold

MAX_DIFFERENCE_S = 0.06
AT_A_TIME = 3
MORE_CALLS = 10  # one by one: what agrees once does, as the machine may have stalled


async def test_ten_conversations() -> None:
    assert len(CONVERSATIONS) == 10
    turn = asyncio.Semaphore(AT_A_TIME)

    async def differ(name: str) -> dict[str, str]:
        async with turn:
            live = await hold(name, "webrtc")
        return differences((await hold(name, "memory")).turns, live.turns)

    found = dict(zip(CONVERSATIONS, await asyncio.gather(*map(differ, CONVERSATIONS)), strict=True))
    for _ in range(MORE_CALLS):
        name = next((name for name in found if found[name]), None)
        if name is None:
            return
        again = await differ(name)
        found[name] = {what: again[what] for what in found[name] if what in again}
    assert not any(found.values()), found


def differences(simulated: list[Turn], live: list[Turn]) -> dict[str, str]:
    """What differs between the turns of two calls, and how."""
    found = {}
    if len(simulated) != len(live):
        found["number of turns"] = f"{len(simulated)} and {len(live)}"
    for number, (one, other) in enumerate(zip(simulated, live, strict=False)):
        for name in ("latency_s", "stopped_after_s"):
            a, b = getattr(one, name), getattr(other, name)
            if a != b and not abs(a - b) < MAX_DIFFERENCE_S:
                found[f"{name} of turn {number}"] = f"{a:.3f} and {b:.3f}"
        if one.interrupted != other.interrupted:
            found[f"turn {number} is interrupted"] = f"{one.interrupted} and {other.interrupted}"
        elif not one.interrupted and words(one) != words(other):  # else the last word is cut
            found[f"words of turn {number}"] = f"{one.heard!r} and {other.heard!r}"
    return found


def words(turn: Turn) -> list[str]:
    """The words that are heard; one with a gap in it may be heard twice."""
    return [word for word, _ in itertools.groupby(turn.heard.split())]
