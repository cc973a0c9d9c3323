"""Connections to other nodes: kept, and closed when the node is gone."""

import asyncio

import pytest

from fastrtc.server.cluster.client import NodeUnreachable
from tests.server.cluster.test_internal import served
from tests.support.peers import eventually


async def test_connections_are_kept():
    async with served() as one:
        for _ in range(5):
            await one.request("reverse", b"abc")
        assert len(one.server._connections) == 1


async def test_connections_are_kept_while_many_others_wait():
    async with served() as one:
        waiting = [asyncio.ensure_future(one.request("wait", b"", 30.0)) for _ in range(50)]
        await eventually(lambda: len(one.calls) == 50)
        kept = set()
        for _ in range(5):
            await one.request("reverse", b"abc")
            kept.add(frozenset(one.server._connections))
        assert len(kept) == 1 and len(one.server._connections) == 51
        for request in waiting:
            request.cancel()
        await asyncio.wait(waiting)


async def test_open_requests_fail_when_their_node_is_dropped():
    async with served() as one:
        waiting = asyncio.ensure_future(one.request("wait", b"", 30.0))
        await eventually(lambda: one.calls)
        await one.client.drop(one.node.address)
        with pytest.raises(NodeUnreachable):
            await asyncio.wait_for(waiting, 5.0)
        await one.client.drop("http://unknown")
        assert await one.request("reverse", b"abc") == b"cba"
