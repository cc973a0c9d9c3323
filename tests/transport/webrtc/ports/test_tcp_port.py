"""A TCP port that connections share."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress

import pytest

from fastrtc.transport.webrtc.ports import tcp_port
from fastrtc.transport.webrtc.ports.errors import PortUnavailable
from fastrtc.transport.webrtc.ports.routes import Address
from fastrtc.transport.webrtc.ports.shared_port import Member
from fastrtc.transport.webrtc.ports.tcp_port import TcpPort
from tests.support.peers import eventually
from tests.support.ports import free_port
from tests.support.stun_server import binding_request


def framed(data: bytes) -> bytes:
    return len(data).to_bytes(2, "big") + data


async def disconnected(reader: asyncio.StreamReader) -> None:
    """Wait until the server has closed, or reset, a connection without an answer."""
    with suppress(ConnectionError):
        assert not await reader.read()


class Connection:
    """Keeps what it receives."""

    def __init__(self, port: TcpPort, ufrag: str) -> None:
        self.received: list[bytes] = []
        self.sources: set[Address] = set()
        self.member = Member(ufrag, self._receive)
        port.join(self.member)
        self.send = port.sender(self.member, "127.0.0.1")

    def _receive(self, data: bytes, source: Address, local: bytes) -> None:
        self.received.append(data)
        self.sources.add(source)


@pytest.fixture
def port() -> Iterator[TcpPort]:
    opened = TcpPort(free_port())
    yield opened
    opened.close()


@asynccontextmanager
async def client(
    port: TcpPort,
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port.port)
    try:
        yield reader, writer
    finally:
        writer.close()
        try:
            await writer.wait_closed()
        except OSError:  # it was reset
            pass


async def end(port: TcpPort, *connections: Connection) -> None:
    for connection in connections:
        port.leave(connection.member)
    for _ in range(5):  # the sockets close
        await asyncio.sleep(0)


async def test_a_client_talks_to_the_connection_that_it_names(port: TcpPort) -> None:
    first, second = Connection(port, "first"), Connection(port, "second")
    async with client(port) as (reader, writer):
        stream = framed(binding_request("second")) + framed(b"") + framed(b"\x80 media")
        for start in range(0, len(stream), 7):  # however it is cut into packets
            writer.write(stream[start : start + 7])
            await asyncio.sleep(0)
        await eventually(lambda: len(second.received) == 2)
        assert second.received[1] == b"\x80 media"
        (source,) = second.sources
        second.send(b"reply", source)
        first.send(b"of another connection", source)
        second.send(b"to nobody", ("127.0.0.1", 9))
        second.send(b"again", source)
        assert await reader.readexactly(14) == framed(b"reply") + framed(b"again")
        assert not first.received
        port.leave(second.member)
        assert await reader.read() == b"", "it is closed with its connection"
    await end(port, first)


@pytest.mark.parametrize(
    "data",
    [b"\x80 media", binding_request("nobody"), b"GET / HTTP/1.1\r\n" * 2000],
    ids=["media", "unknown", "HTTP"],
)
async def test_a_stranger_is_disconnected(port: TcpPort, data: bytes) -> None:
    connection = Connection(port, "a")
    async with client(port) as (reader, writer):
        writer.write(framed(data) if len(data) < 65536 else data)
        await disconnected(reader)
    assert not connection.received
    await end(port, connection)


async def test_a_silent_stranger_is_disconnected(
    port: TcpPort, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tcp_port, "INTRODUCTION_S", 0.05)
    connection = Connection(port, "a")
    async with client(port) as (reader, _):
        await disconnected(reader)
    await end(port, connection)


async def test_the_oldest_of_many_strangers_is_disconnected(
    port: TcpPort, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tcp_port, "MAX_STRANGERS", 2)
    connection = Connection(port, "a")
    async with client(port) as (first, _), client(port) as (second, _), client(port):
        await disconnected(first)
        assert not second.at_eof()
    await end(port, connection)


async def test_what_a_client_does_not_read_is_dropped(
    port: TcpPort, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tcp_port, "MAX_UNSENT_BYTES", 10_000)
    connection = Connection(port, "a")
    async with client(port) as (reader, writer):
        writer.write(framed(binding_request("a")))
        await eventually(lambda: connection.received)
        (source,) = connection.sources
        (accepted,) = port._clients.values()
        for _ in range(20_000):
            connection.send(bytes(1000), source)
        assert accepted._transport is not None
        assert accepted._transport.get_write_buffer_size() <= 10_000
        assert len(await reader.readexactly(1002)) == 1002, "what is sent is whole"
    await end(port, connection)


async def test_a_client_that_goes_is_forgotten(port: TcpPort) -> None:
    connection = Connection(port, "a")
    async with client(port) as (_, writer):
        writer.write(framed(binding_request("a")))
        await eventually(lambda: port._clients)
    await eventually(lambda: not port._clients)
    connection.send(b"too late", next(iter(connection.sources)))
    await end(port, connection)


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
def test_a_port_in_use(family: socket.AddressFamily) -> None:
    with socket.socket(family, socket.SOCK_STREAM) as other:
        if family == socket.AF_INET6:
            other.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        other.bind(("", 0))
        other.listen()
        number = other.getsockname()[1]
        with pytest.raises(PortUnavailable, match=f"TCP port {number} cannot be opened: .*in use"):
            TcpPort(number)
