"""The state of ICE is read from real peers, and the round trip is measured."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiortc import RTCPeerConnection

from fastrtc.transport.webrtc._aiortc.ice_state import (
    PATCH,
    IceState,
    local_candidates,
    measure_round_trip,
    read_ice,
)
from tests.support.patches import new_connection, without
from tests.support.peers import eventually


@pytest.fixture
async def peers() -> AsyncIterator[list[RTCPeerConnection]]:
    pcs = [await new_connection(), await new_connection()]
    yield pcs
    await asyncio.gather(*(pc.close() for pc in pcs))


async def connect(one: RTCPeerConnection, other: RTCPeerConnection) -> None:
    await one.setLocalDescription(await one.createOffer())
    await other.setRemoteDescription(one.localDescription)
    await other.setLocalDescription(await other.createAnswer())
    await one.setRemoteDescription(other.localDescription)
    await eventually(lambda: one.connectionState == other.connectionState == "connected")


async def test_two_peers(peers: list[RTCPeerConnection]) -> None:
    one, other = peers
    assert read_ice(one) == IceState() and local_candidates(one) == ()
    await connect(one, other)
    gathered = {(c.host, c.port) for c in local_candidates(other)}
    found = read_ice(one)
    assert found.dtls == "connected"
    assert {(c.host, c.port) for c in found.remote if c.type == "host"} == gathered
    assert found.selected in found.checks
    assert found.selected is not None and found.selected.state == "succeeded"
    waited = await measure_round_trip(one)
    assert waited is not None and 0 < waited < 5


async def test_the_selected_pair_is_known_after_the_end(peers: list[RTCPeerConnection]) -> None:
    await connect(*peers)
    before = read_ice(peers[0])
    await peers[0].close()
    after = read_ice(peers[0])
    assert after.selected is not None
    assert after.selected.route in [check.route for check in before.checks]
    assert after.dtls == "closed"
    assert await measure_round_trip(peers[0]) is None


async def test_without_the_names_there_is_nothing(peers: list[RTCPeerConnection]) -> None:
    await connect(*peers)
    with without(PATCH):
        assert read_ice(peers[0]) == IceState() and local_candidates(peers[0]) == ()
        assert await measure_round_trip(peers[0]) is None
