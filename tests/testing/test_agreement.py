"""A call over memory measures what a call over WebRTC does."""

import asyncio
from collections.abc import Iterator

from fastrtc.testing import Turn

from .agreement import CONVERSATIONS, hold

MAX_DIFFERENCE_S = 0.06
AT_A_TIME = 3
MORE_CALLS = 10  # one by one, as the machine may have stalled


async def test_ten_conversations() -> None:
    assert len(CONVERSATIONS) == 10
    turn = asyncio.Semaphore(AT_A_TIME)

    async def differ(name: str) -> list[str]:
        async with turn:
            live = await hold(name, "webrtc")
        return list(differences((await hold(name, "memory")).turns, live.turns))

    found = dict(zip(CONVERSATIONS, await asyncio.gather(*map(differ, CONVERSATIONS)), strict=True))
    for _ in range(MORE_CALLS):
        name = next((name for name in found if found[name]), None)
        if name is None:
            return
        found[name] = await differ(name)
    assert not any(found.values()), found


def differences(simulated: list[Turn], live: list[Turn]) -> Iterator[str]:
    """Say how the turns of two calls differ."""
    if len(simulated) != len(live):
        yield f"{len(simulated)} turns and {len(live)}"
    for one, other in zip(simulated, live, strict=False):
        for name in ("latency_s", "stopped_after_s"):
            a, b = getattr(one, name), getattr(other, name)
            if a != b and not abs(a - b) < MAX_DIFFERENCE_S:
                yield f"{name} of {one.said!r} is {a:.3f} and {b:.3f}"
        if one.interrupted != other.interrupted:
            yield f"{one.said!r} is interrupted: {one.interrupted} and {other.interrupted}"
        elif not one.interrupted and one.heard != other.heard:  # else the last word is cut
            yield f"the reply to {one.said!r} is {one.heard!r} and {other.heard!r}"
