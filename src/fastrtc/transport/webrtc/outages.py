"""Short outages of the network, during which audio waits instead of being lost."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

__all__ = ["ANSWER_S", "watch_outages"]

SILENT_S = 0.5
"""After so long without a datagram of the client, in seconds, it is asked whether it is there.
Clients that send audio send one every 20 ms, in DTX every 0.4 s."""

CHECKS = 3
"""How often it is asked before the audio waits, as datagrams get lost."""

ANSWER_S = 0.5
"""How long the answers may take at least, in seconds, before the audio waits."""

UNKNOWN_S = 1.5
"""How long they may take while the round trip is not known, in seconds. Nothing is lost by waiting
longer: the audio goes on where the client was heard last."""

LOOK_S = 0.05
"""How often the return of the client is looked for during an outage, in seconds."""


async def watch_outages(
    heard_at: Callable[[], float | None],
    ask: Callable[[], Awaitable[object]],
    hold: Callable[[], None],
    release: Callable[[float], None],
    ended: Callable[[], bool],
    round_trip_s: Callable[[], float | None] = lambda: None,
) -> None:
    """Hold the audio of a client while nothing is heard of it.

    A distant client that only listens is silent for longer than an answer takes to arrive: its
    audio does not wait, as it would be heard twice.

    Args:
        heard_at: Returns when a datagram of the client arrived last, on the clock of the loop.
        ask: Asks the client for a datagram, and waits for it, up to ``ANSWER_S``.
        hold: Called at the beginning of an outage.
        release: Called at its end, with the time at which the client was heard last before.
        ended: Returns whether the connection has ended.
        round_trip_s: Returns the round trip to the client in seconds; None while it is unknown.
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
        await _ask_repeatedly(ask, partial(_is_silent, heard_at, last, ended), round_trip_s())
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


async def _ask_repeatedly(
    ask: Callable[[], Awaitable[object]], silent: Callable[[], bool], round_trip_s: float | None
) -> None:
    """Ask the client until it is heard, or must have been if it were there."""
    loop = asyncio.get_running_loop()
    wait_s = UNKNOWN_S if round_trip_s is None else max(ANSWER_S, 2 * round_trip_s)
    asked_at = loop.time()
    asking: list[asyncio.Future[object]] = []
    try:
        while silent() and (waited_s := loop.time() - asked_at) < wait_s:
            if waited_s >= len(asking) * wait_s / CHECKS:
                asking.append(asyncio.ensure_future(ask()))
            await asyncio.sleep(LOOK_S)
    finally:
        for one in asking:
            one.cancel()


def _is_silent(
    heard_at: Callable[[], float | None], since: float, ended: Callable[[], bool]
) -> bool:
    return heard_at() == since and not ended()
