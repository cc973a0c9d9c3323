"""Short outages of the network, during which audio waits instead of being lost."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

__all__ = ["ANSWER_S", "watch_outages"]

SILENT_S = 0.5
"""After so long without a datagram of the client, in seconds, it is asked whether it is there.
Clients that send audio send one every 20 ms, in DTX every 0.4 s."""

ANSWER_S = 0.5
"""How long the answer may take, in seconds, before the audio waits."""

LOOK_S = 0.05
"""How often the return of the client is looked for during an outage, in seconds."""


async def watch_outages(
    heard_at: Callable[[], float | None],
    ask: Callable[[], Awaitable[object]],
    hold: Callable[[], None],
    release: Callable[[float], None],
    ended: Callable[[], bool],
) -> None:
    """Hold the audio of a client while nothing is heard of it.

    Args:
        heard_at: Returns when a datagram of the client arrived last, on the clock of the loop.
        ask: Asks the client for a datagram, and waits for it, up to ``ANSWER_S``.
        hold: Called at the beginning of an outage.
        release: Called at its end, with the time at which the client was heard last before.
        ended: Returns whether the connection has ended.
    """
    loop = asyncio.get_running_loop()
    while not ended():
        last = heard_at()
        if last is None:
            await asyncio.sleep(SILENT_S)
            continue
        left_s = last + SILENT_S - loop.time()
        if left_s > 0:
            await asyncio.sleep(max(left_s, LOOK_S))
            continue
        await ask()
        if ended() or heard_at() != last:
            continue
        hold()
        asking: asyncio.Future[object] = asyncio.ensure_future(ask())
        try:
            while not ended() and heard_at() == last:
                await asyncio.sleep(LOOK_S)
                if asking.done():
                    asking = asyncio.ensure_future(ask())
        finally:
            asking.cancel()
        if not ended():
            release(last)
