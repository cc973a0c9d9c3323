"""With a real server: tests/webrtc/test_turn.py."""

from __future__ import annotations

import asyncio
from typing import Any

import aioice.turn
import pytest
from aioice import stun

from fastrtc.transport.webrtc._aiortc import turn
from fastrtc.transport.webrtc._aiortc.turn import watch_turn
from tests.support.patches import without


async def test_turn_servers_are_asked_as_ever_where_nobody_watches(monkeypatch):
    asked = []

    async def create(*args: Any, **kwargs: Any) -> str:
        asked.append((args, kwargs))
        return "endpoint"

    monkeypatch.setattr(aioice.turn, "create_turn_endpoint", create)
    with watch_turn() as attempts:
        create_turn_endpoint = aioice.turn.create_turn_endpoint
        await asyncio.create_task(create_turn_endpoint(None, server_addr=("a", 1)))
        await create_turn_endpoint(None, ("b", 2), "user")
    assert await create_turn_endpoint(None, server_addr=("c", 3)) == "endpoint"
    assert [(attempt.server, attempt.succeeded) for attempt in attempts] == [
        ("a:1", True),
        ("b:2", True),
    ]
    assert asked[1:] == [((None, ("b", 2), "user"), {}), ((None,), {"server_addr": ("c", 3)})]
    with watch_turn():
        assert aioice.turn.create_turn_endpoint is create_turn_endpoint  # replaced only once


async def test_a_server_that_has_no_room(monkeypatch):
    async def create(*args: Any, **kwargs: Any) -> None:
        refusal = stun.Message(stun.Method.ALLOCATE, stun.Class.ERROR)
        refusal.attributes["ERROR-CODE"] = (486, "Allocation Quota Reached")
        raise stun.TransactionFailed(refusal)

    monkeypatch.setattr(aioice.turn, "create_turn_endpoint", create)
    with watch_turn() as attempts, pytest.raises(stun.TransactionFailed):
        await aioice.turn.create_turn_endpoint(None, server_addr=("a", 1))
    assert attempts[0].failure == "refused to relay: 486 Allocation Quota Reached"


async def test_without_the_names_nothing_is_watched(monkeypatch):
    async def create(*args: Any, **kwargs: Any) -> str:
        return "endpoint"

    monkeypatch.setattr(aioice.turn, "create_turn_endpoint", create)
    with without(turn.ATTEMPTS), watch_turn() as attempts:
        assert await aioice.turn.create_turn_endpoint(None, server_addr=("a", 1)) == "endpoint"
    assert attempts == []
    assert aioice.turn.create_turn_endpoint is create


async def test_a_relay_is_given_up_as_ever_without_the_names():
    transport = aioice.turn.TurnTransport(None)  # type: ignore[arg-type]
    with without(turn.RELEASE):
        turn._give_up_soon(transport)  # looks for nothing in it
