"""The state of a stream for its developer."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Iterator
from typing import Any

import pytest

from fastrtc.core import loop_lag
from fastrtc.server import debug_state
from fastrtc.server.debug_state import DebugState, watch
from fastrtc.server.endpoint import endpoint_of
from fastrtc.testing import Call, memory
from tests.support.peers import eventually
from tests.testing.programs import RATE, replying, tone


def reply(audio: Any) -> Iterator[Any]:
    yield RATE, tone(1.0)


def watched() -> tuple[Any, DebugState]:
    stream = replying(reply)
    return stream, watch(endpoint_of(stream))


def state_of(state: DebugState) -> dict[str, Any]:
    """The state as the page gets it."""
    read: dict[str, Any] = json.loads(json.dumps(state.as_dict(), allow_nan=False))
    return read


async def test_a_conversation_and_its_end() -> None:
    stream, state = watched()
    async with Call(stream) as call:
        [id] = stream.handlers
        await call.say((RATE, tone(0.6)))
        heard = state_of(state)["sessions"][0]
        await call.reply()
        await call.wait(0.3)
        said = state_of(state)["sessions"][0]
        await call.finish()
        await call.wait(1)
        done = state_of(state)
    assert heard["received"]["level_db"] > -20 and heard["state"] == "user_speaking"
    assert said["sent"]["level_db"] > -20 and said["state"] == "speaking"
    assert said["sent"]["queued_s"] > 0.2
    [session] = done["sessions"]
    assert session["handler"] == "ReplyOnPause" and session["transport"] == "webrtc"
    assert session["state"] == "listening" and session["received"]["dropped"] == 0
    [turn] = session["turns"]
    assert turn["outcome"] == "completed" and turn["silence_s"] > 0.2
    assert sum(turn["parts"].values()) - turn["silence_s"] < 1e-6
    assert done["load"] == {"sessions": 1, "places": 8, "draining": False}

    after = state_of(state)
    assert after["sessions"] == [] and after["ended_total"] == 1
    [ended] = after["ended"]
    assert ended["end"]["code"] == "closed" and len(ended["turns"]) == 1
    assert ended["key"] == session["key"]
    assert id not in json.dumps(after) + json.dumps(done), "ids are secrets"


async def test_connections_with_the_same_id_are_told_apart(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(memory, "_numbers", itertools.repeat(1))
    stream, state = watched()
    for _ in range(2):
        async with Call(stream) as call:
            await call.wait(0.1)
    first, second = state_of(state)["ended"]
    assert first["key"] == second["key"] and first["number"] != second["number"]


async def test_the_loop_is_measured_only_while_someone_looks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(loop_lag, "PERIOD_S", 0.005)
    monkeypatch.setattr(debug_state, "WATCHED_S", 0.1)
    _, state = watched()
    assert state.as_dict()["loop_lag_s"] is None
    await eventually(lambda: state._lags)
    assert state.as_dict()["loop_lag_s"] is not None
    await eventually(lambda: not state._lags)
    await asyncio.sleep(0.02)
    assert not state._lags


async def test_a_page_gets_the_turns_as_well() -> None:
    stream, _ = watched()
    async with Call(stream) as call:
        [connection] = endpoint_of(stream).places
        session = connection.session
        ask = {"type": "turns", "data": {"on": True}}
        session.loop.call_soon(session.messages.receive, ask)
        await call.say((RATE, tone(0.6)))
        await call.reply()
        await call.finish()
        await call.wait(1)
    turns = [message["data"] for message in call.messages if message["type"] == "turn"]
    assert [turn["outcome"] for turn in turns] == ["completed"]


async def test_refused_connections_are_counted() -> None:
    stream, state = watched()
    endpoint_of(stream).hooks.monitors.refused("server_stopping")
    assert state.as_dict()["refused"] == 1
