"""A UDP port that connections share."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from fastrtc.transport.webrtc.ports import udp_port
from fastrtc.transport.webrtc.ports.errors import PortUnavailable
from fastrtc.transport.webrtc.ports.routes import Address
from fastrtc.transport.webrtc.ports.shared_port import Member
from fastrtc.transport.webrtc.ports.udp_port import MAX_READS, UdpPort
from tests.support.loop_thread import a_loop
from tests.support.peers import eventually
from tests.support.stun_server import binding_request


class Connection:
    """Keeps what it receives."""

    def __init__(self, port: UdpPort, ufrag: str) -> None:
        self.received: list[tuple[bytes, Address, bytes]] = []
        self.threads: set[int] = set()
        self.member = Member(ufrag, self._receive)
        port.join(self.member)

    def _receive(self, data: bytes, source: Address, local: bytes) -> None:
        self.threads.add(threading.get_ident())
        self.received.append((data, source, local))


@pytest.fixture
def port() -> Iterator[UdpPort]:
    opened = UdpPort(socket.AF_INET, 0)
    yield opened
    opened.close()


@pytest.fixture
def client() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind(("127.0.0.1", 0))
        udp.settimeout(5)
        yield udp


async def test_connections_of_a_port_get_their_own_datagrams(
    port: UdpPort, client: socket.socket
) -> None:
    first, second = Connection(port, "first"), Connection(port, "second")
    for data in (
        b"junk",
        binding_request("nobody"),
        binding_request("first"),
        binding_request("second"),
        b"\x80 media",
    ):
        client.sendto(data, ("127.0.0.1", port.port))
    await eventually(lambda: second.received)
    here = client.getsockname()
    assert [(source, local) for _, source, local in first.received] == [(here, b"\x7f\0\0\1")]
    port.routes.verify(second.member, here)
    client.sendto(b"\x80 media", ("127.0.0.1", port.port))
    await eventually(lambda: len(second.received) == 2)
    assert second.received[1] == (b"\x80 media", here, b"\x7f\0\0\1")
    for connection in (first, second):
        port.leave(connection.member)
    client.sendto(binding_request("first"), ("127.0.0.1", port.port))
    await asyncio.sleep(0.05)
    assert len(first.received) == 1


async def test_it_is_read_until_it_is_empty(port: UdpPort, client: socket.socket) -> None:
    connection = Connection(port, "a")
    port.routes.verify(connection.member, client.getsockname())
    count = 2 * MAX_READS + 3
    sent = [b"\x80" + bytes([n]) for n in range(count)]
    for data in sent:
        client.sendto(data, ("127.0.0.1", port.port))
    turns: list[int] = []
    while len(connection.received) < count:
        await asyncio.sleep(0)
        turns.append(len(connection.received))
    assert [data for data, _, _ in connection.received] == sent
    assert set(turns) - {0} == {MAX_READS, 2 * MAX_READS, count}
    port.leave(connection.member)


async def test_an_exception_concerns_one_connection(
    port: UdpPort, client: socket.socket, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(data: bytes, source: Address, local: bytes) -> None:
        raise RuntimeError("of one connection")

    bad = Member("bad", fail)
    port.join(bad)
    good = Connection(port, "good")
    client.sendto(binding_request("bad"), ("127.0.0.1", port.port))
    client.sendto(binding_request("good"), ("127.0.0.1", port.port))
    await eventually(lambda: good.received)
    assert "A datagram could not be processed" in caplog.text
    port.leave(bad)
    port.leave(good.member)


async def test_a_reply_comes_from_the_address_that_was_asked(
    port: UdpPort, client: socket.socket
) -> None:
    connection = Connection(port, "a")
    client.sendto(binding_request("a"), ("127.0.0.2", port.port))
    await eventually(lambda: connection.received)
    assert connection.received[0][2] == b"\x7f\0\0\2"
    port.sender(connection.member, "127.0.0.2")(b"reply", client.getsockname())
    assert client.recvfrom(100) == (b"reply", ("127.0.0.2", port.port))
    port.leave(connection.member)


async def test_what_cannot_be_sent_is_lost(port: UdpPort) -> None:
    connection = Connection(port, "a")
    send = port.sender(connection.member, "203.0.113.5")  # not an address of this machine
    send(b"data", ("127.0.0.1", 9))
    port.sender(connection.member, "127.0.0.1")(bytes(70000), ("127.0.0.1", 9))
    port.leave(connection.member)


def on(loop: asyncio.AbstractEventLoop, function: Callable[[], object]) -> object:
    """Call a function on a loop in another thread, and return its result."""

    async def call() -> object:
        return function()

    return asyncio.run_coroutine_threadsafe(call(), loop).result(5)


async def test_connections_of_several_event_loops(port: UdpPort, client: socket.socket) -> None:
    def send() -> None:
        for ufrag in ("there", "here"):
            client.sendto(binding_request(ufrag), ("127.0.0.1", port.port))

    with a_loop() as other:
        there = on(other, lambda: Connection(port, "there"))  # the first, so its loop reads
        assert isinstance(there, Connection)
        here = Connection(port, "here")
        send()
        await eventually(lambda: here.received and there.received)
        assert here.threads == {threading.get_ident()}
        assert here.threads.isdisjoint(there.threads)
        on(other, lambda: port.leave(there.member))
    send()
    await eventually(lambda: len(here.received) == 2)
    assert len(there.received) == 1
    port.leave(here.member)


async def test_a_loop_that_cannot_watch_sockets(
    port: UdpPort, client: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise NotImplementedError

    loop = asyncio.get_running_loop()
    add_reader = loop.add_reader
    monkeypatch.setattr(
        loop,
        "add_reader",
        lambda fd, *a: refuse() if fd == port._socket.fileno() else add_reader(fd, *a),
    )
    monkeypatch.setattr(loop, "remove_reader", refuse)
    connection = Connection(port, "a")
    await eventually(lambda: port._transport)
    client.sendto(binding_request("a"), ("127.0.0.1", port.port))
    await eventually(lambda: connection.received)
    port.leave(connection.member)
    await asyncio.sleep(0)


def test_a_port_in_use() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("0.0.0.0", 0))
        number = other.getsockname()[1]
        with pytest.raises(PortUnavailable, match=f"UDP port {number} cannot be opened: .*in use"):
            UdpPort(socket.AF_INET, number)


def test_without_the_local_address_of_datagrams(
    monkeypatch: pytest.MonkeyPatch, client: socket.socket
) -> None:
    monkeypatch.setattr(udp_port, "request_addresses", lambda _: False)
    port = UdpPort(socket.AF_INET, 0)
    send = port.sender(None, "127.0.0.1")  # type: ignore[arg-type]
    send(b"data", client.getsockname())
    assert client.recv(100) == b"data"
    send(bytes(70000), client.getsockname())
    port.close()
