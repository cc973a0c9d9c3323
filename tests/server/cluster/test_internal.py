"""The internal endpoint of a node: who is answered, and what others cost."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from fastrtc.server.cluster import internal
from fastrtc.server.cluster.client import InternalClient, NodeUnreachable
from fastrtc.server.cluster.directory import Node
from fastrtc.server.cluster.internal import HEADER, MAX_BODY_BYTES, InternalServer
from fastrtc.server.cluster.listening import Listening, listen
from fastrtc.server.cluster.options import Cluster
from fastrtc.server.cluster.signature import RequestSigner, RequestVerifier
from tests.support.peers import eventually

SECRET = "the secret of these tests"


class Served:
    """A running endpoint that reverses the bodies that it gets."""

    def __init__(self, listening: Listening) -> None:
        self.calls: list[tuple[str, bytes]] = []
        self.cancelled = 0
        self.node = Node("n1", listening.address)
        self.server = InternalServer(RequestVerifier(SECRET, "n1"), self.handle)
        self.client = InternalClient(RequestSigner(SECRET))

    async def handle(self, name: str, body: bytes) -> bytes:
        self.calls.append((name, body))
        if name == "wait":
            try:
                await asyncio.sleep(30)
            except asyncio.CancelledError:
                self.cancelled += 1
                raise
        return body[::-1]

    async def request(self, name: str, body: bytes, timeout_s: float = 5.0) -> bytes:
        return await self.client.request(self.node, name, body, timeout_s)


@asynccontextmanager
async def served(address: str = "127.0.0.1", **options: Any) -> AsyncIterator[Served]:
    cluster = Cluster("sqlite:/unused", secret=SECRET, address=address)
    listening = listen(cluster, "n1")
    one = Served(listening)
    await one.server.start(listening.socket)
    try:
        yield one
    finally:
        await one.client.close()
        await one.server.stop()
        listening.close()


async def test_a_signed_request_is_answered():
    async with served() as one:
        assert await one.request("reverse", b"abc") == b"cba"
        assert await one.request("reverse", b"") == b""
        assert one.calls == [("reverse", b"abc"), ("reverse", b"")]


async def test_a_unix_socket_serves_too(tmp_path: Any):
    async with served(f"unix:{tmp_path}") as one:
        assert one.node.address.startswith(f"unix:{tmp_path}/")
        assert await one.request("reverse", b"abc") == b"cba"
    assert not list(tmp_path.iterdir())


async def test_large_bodies_pass():
    async with served() as one:
        body = bytes(range(256)) * (MAX_BODY_BYTES // 256)
        assert await one.request("reverse", body) == body[::-1]


async def test_many_requests_at_once():
    async with served() as one:
        bodies = [str(number).encode() for number in range(100)]
        answers = await asyncio.gather(*(one.request("reverse", body) for body in bodies))
        assert answers == [body[::-1] for body in bodies]


def signed(name: str = "reverse", body: bytes = b"abc", **other: Any) -> dict[str, str]:
    secret, target = other.get("secret", SECRET), other.get("target", "n1")
    return {HEADER: RequestSigner(secret).sign(target, name, body).header}


@pytest.mark.parametrize(
    "request_",
    [
        {"method": "GET", "url": "/"},
        {"method": "POST", "url": "/reverse", "content": b"abc"},
        {"method": "GET", "url": "/reverse", "headers": signed(body=b"")},
        {"method": "POST", "url": "/other", "content": b"abc", "headers": signed()},
        {"method": "POST", "url": "/reverse", "content": b"abd", "headers": signed()},
        {"method": "POST", "url": "/reverse", "content": b"ab", "headers": signed()},
        {
            "method": "POST",
            "url": "/reverse",
            "content": b"abc",
            "headers": signed(secret="another secret"),
        },
        {"method": "POST", "url": "/reverse", "content": b"abc", "headers": signed(target="n2")},
        {"method": "POST", "url": "/reverse", "headers": {HEADER: "é".encode()}},
    ],
    ids=[
        "no signature",
        "unsigned",
        "another method",
        "another call",
        "another body",
        "a part of the body",
        "another secret",
        "another node",
        "not ASCII",
    ],
)
async def test_all_others_get_403_and_nothing_else(request_: dict[str, Any]):
    async with served() as one, httpx.AsyncClient(base_url=one.node.address) as client:
        response = await client.request(**request_)
        assert (response.status_code, response.content) == (403, b"")
        assert not one.calls


async def test_a_request_is_accepted_once():
    async with served() as one, httpx.AsyncClient(base_url=one.node.address) as client:
        headers = signed()
        answers = [await client.post("/reverse", content=b"abc", headers=headers) for _ in range(2)]
        assert [answer.status_code for answer in answers] == [200, 403]
        assert len(one.calls) == 1


async def test_a_body_without_a_signature_is_not_read():
    async with served() as one:
        host, port = one.node.address.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(b"POST /reverse HTTP/1.1\r\nhost: x\r\ncontent-length: 10000000\r\n\r\n")
        assert (await reader.readline()).startswith(b"HTTP/1.1 403")
        assert (await reader.read()).endswith(b"\r\n\r\n")
        writer.close()


@pytest.mark.parametrize(
    "sent", [b"\r\n\r\n", b"\0" * 100, b"GET / HTTP/9.9\r\n\r\n", b"x" * 200_000, b"POST"]
)
async def test_garbage_closes_only_its_own_connection(sent: bytes):
    async with served() as one:
        host, port = one.node.address.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(sent)
        writer.write_eof()
        try:
            assert b"200" not in await reader.read()
        except ConnectionError:
            pass
        writer.close()
        assert await one.request("reverse", b"abc") == b"cba"


async def test_an_idle_connection_is_closed(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(internal, "FIRST_TIMEOUT_S", 0.05)
    async with served() as one:
        host, port = one.node.address.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        assert await reader.read() == b""
        writer.close()


async def test_a_response_that_is_not_read_is_dropped(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(internal, "IDLE_TIMEOUT_S", 0.2)
    async with served() as one:
        host, port = one.node.address.removeprefix("http://").split(":")
        body = bytes(MAX_BODY_BYTES)
        reader, writer = await asyncio.open_connection(host, int(port), limit=1)
        writer.write(b"POST /reverse HTTP/1.1\r\nhost: x\r\n")
        writer.write(f"{HEADER}: {signed(body=body)[HEADER]}\r\n".encode())
        writer.write(f"content-length: {len(body)}\r\n\r\n".encode() + body)
        await writer.drain()
        await eventually(lambda: one.calls)
        await eventually(lambda: not one.server._connections)
        writer.transport.abort()


async def test_a_call_ends_with_its_caller():
    async with served() as one:
        waiting = asyncio.ensure_future(one.request("wait", b"", 30.0))
        await eventually(lambda: one.calls)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        await eventually(lambda: one.cancelled)


async def test_a_call_that_takes_too_long_is_reported():
    async with served() as one:
        with pytest.raises(NodeUnreachable, match="does not answer"):
            await one.request("wait", b"", 0.1)


async def test_stop_ends_calls_that_run():
    async with served() as one:
        waiting = asyncio.ensure_future(one.request("wait", b"", 30.0))
        await eventually(lambda: one.calls)
        await one.server.stop()
        with pytest.raises(NodeUnreachable):
            await waiting
        assert one.cancelled == 1


async def test_a_node_that_is_gone_is_reported():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    client = InternalClient(RequestSigner(SECRET))
    for address in (f"http://127.0.0.1:{port}", "unix:/nowhere.sock", "http://[", "nonsense"):
        with pytest.raises(NodeUnreachable):
            await client.request(Node("n1", address), "reverse", b"", 1.0)
    await client.close()


async def test_another_secret_is_named():
    async with served() as one:
        client = InternalClient(RequestSigner("another secret"))
        with pytest.raises(NodeUnreachable, match="FASTRTC_CLUSTER_SECRET"):
            await client.request(one.node, "reverse", b"", 1.0)
        await client.close()


async def test_an_answer_of_an_impostor_is_refused():
    async def impostor(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 40\r\n\r\n" + bytes(40))
        writer.close()

    server = await asyncio.start_server(impostor, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    client = InternalClient(RequestSigner(SECRET))
    with pytest.raises(NodeUnreachable, match="signature"):
        await client.request(Node("n1", f"http://127.0.0.1:{port}"), "reverse", b"", 1.0)
    await client.close()
    server.close()
    await server.wait_closed()
