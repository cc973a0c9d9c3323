"""Connections to other nodes: kept, and closed when the node is gone."""

import asyncio
from contextlib import suppress

import pytest

from fastrtc.server.cluster import client
from fastrtc.server.cluster.client import MAX_AT_ONCE, NodeUnreachable
from fastrtc.server.cluster.directory import Node
from fastrtc.server.cluster.signature import RequestSigner
from tests.server.cluster.test_internal import SECRET, served
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


async def test_a_burst_of_requests_uses_a_few_connections():
    async with served() as one:
        bodies = [b"%d" % number for number in range(500)]
        answers = await asyncio.gather(*(one.request("reverse", body, 9.0) for body in bodies))
        assert answers == [body[::-1] for body in bodies]
        assert len(one.server._connections) <= MAX_AT_ONCE


async def test_idle_connections_are_closed_and_their_node_is_forgotten(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(client, "KEEP_ALIVE_S", 0.1)
    async with served() as one, served() as other:
        waiting = asyncio.ensure_future(one.request("wait", b"", 30.0))
        for node in (one.node, other.node):
            assert await one.client.request(node, "reverse", b"abc", 5.0) == b"cba"
        await eventually(lambda: list(one.client._pools) == [one.node.address])
        await eventually(lambda: not other.server._connections)
        assert len(one.server._connections) == 1, "of the request that waits"
        waiting.cancel()
        await asyncio.wait([waiting])
        await eventually(lambda: not one.client._pools)


async def test_a_connection_that_the_node_has_closed_is_not_used():
    async with served() as one:
        await one.request("reverse", b"abc")
        (connection,) = one.server._connections
        connection.cancel()
        await eventually(lambda: not one.server._connections)
        assert await one.request("reverse", b"abc") == b"cba"


@pytest.mark.parametrize(
    ("response", "reason"),
    [
        (b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nx", "it has closed"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n" % (64 << 20), "more than"),
        (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", "illegal status line"),
        (b"", "it has closed"),
        (b"HTTP/1.1 100 Continue\r\n\r\n", "begins with InformationalResponse"),
        (b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n", "FASTRTC_CLUSTER_SECRET"),
    ],
    ids=["cut", "endless", "no HTTP", "empty", "informational", "refused"],
)
async def test_a_response_that_cannot_be_used_is_an_error(response: bytes, reason: str):
    async def respond(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(response)
        with suppress(OSError):
            if b"chunked" in response:
                for _ in range(1024):
                    writer.write(bytes(65536))
                    await writer.drain()
        writer.close()

    server = await asyncio.start_server(respond, "127.0.0.1", 0)
    address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    requests = client.InternalClient(RequestSigner(SECRET))
    with pytest.raises(NodeUnreachable, match=reason):
        await requests.request(Node("n1", address), "reverse", b"abc", 20.0)
    await requests.close()
    server.close()
    await server.wait_closed()


@pytest.mark.parametrize("address", ["http://127.0.0.1:x", "http://[x", "unix:/nowhere", "http://"])
async def test_an_address_that_cannot_be_used_is_an_error(address: str):
    requests = client.InternalClient(RequestSigner(SECRET))
    with pytest.raises(NodeUnreachable, match="does not answer"):
        await requests.request(Node("n1", address), "reverse", b"abc", 5.0)
    await requests.close()
