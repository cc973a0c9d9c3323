from __future__ import annotations

import asyncio
import types
from contextlib import suppress

import aioice
import pytest
from aiortc import RTCPeerConnection

from fastrtc.transport.webrtc._aiortc.closing import (
    CHECKS,
    CONNECTING,
    OWN_CLOSE,
    SOCKETS,
    close_connection,
    close_sockets,
    close_while_connecting,
)
from fastrtc.transport.webrtc._aiortc.transports import ice_connections
from tests.support.patches import new_connection, without


@pytest.mark.parametrize("close", [close_connection, RTCPeerConnection.close])
def test_a_connection_whose_loop_ends_is_closed(close):
    """With aiortc's own `close` for comparison: it never comes back, in 1.15 and 1.16."""
    closed, kept = [], []

    async def connect() -> None:
        one, other = await new_connection(), await new_connection()
        channel = one.createDataChannel("text")
        await one.setLocalDescription(await one.createOffer())
        await other.setRemoteDescription(one.localDescription)
        await other.setLocalDescription(await other.createAnswer())
        await one.setRemoteDescription(other.localDescription)
        opened = asyncio.Event()
        channel.on("open", opened.set)
        await opened.wait()

        async def until_the_loop_ends():
            try:
                yield
            finally:
                with suppress(asyncio.TimeoutError):
                    await asyncio.wait_for(close(one), 2)
                    closed.append(one)

        kept.extend((one, other, until_the_loop_ends()))
        await anext(kept[-1])

    asyncio.run(connect())
    assert len(closed) == (close is close_connection)


async def test_without_the_names_a_connection_is_closed_by_aiortc_alone():
    pc = await new_connection()
    before = dict(vars(pc))
    with without(CHECKS, CONNECTING, OWN_CLOSE, SOCKETS):
        close_while_connecting(pc)
        assert vars(pc) == before
        await close_connection(pc)
        await close_sockets(pc)
    assert pc.connectionState == "closed"


async def test_checks_end_with_their_connection_as_aioice_0_10_does_not_see_to(monkeypatch):
    async def close(self):
        """Close nothing."""

    monkeypatch.setattr(aioice.Connection, "close", close)
    pc = await new_connection()
    connections = ice_connections(pc)
    for connection in connections:
        pair = types.SimpleNamespace(task=asyncio.create_task(asyncio.sleep(3600)))
        connection._check_list.append(pair)
    await close_connection(pc)
    for connection in connections:
        (pair,) = connection._check_list
        await asyncio.wait([pair.task])
        assert pair.task.cancelled()
        assert await connection._check_list_state.get() == aioice.ice.ICE_FAILED
    assert connections
