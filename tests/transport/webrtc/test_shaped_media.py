"""A simulated network delays and loses RTP and RTCP alike, and nothing else."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from fastrtc.testing.impairments import Network
from fastrtc.testing.udp_path import UdpPath
from fastrtc.transport.webrtc.shaped_media import ShapedMedia
from tests.support.virtual_time import virtual_time

RTP, RTCP, STUN, DTLS = b"\x80\x6f", b"\x80\xc9", b"\x01\x01", b"\x17\xfe"


class Connection:
    """As aioice's: both ends are the test's."""

    def __init__(self, network: Network) -> None:
        self._loop = asyncio.get_running_loop()
        self.to_receive: asyncio.Queue[bytes | None] = asyncio.Queue()
        self.sent: list[tuple[float, bytes]] = []
        self.closed = False
        self.shaped = ShapedMedia(self, UdpPath(network, "out").carry, UdpPath(network, "in").carry)

    async def sendto(self, data: bytes, component: int) -> None:
        assert component == 1
        if self.closed:
            raise ConnectionError("Cannot send data, not connected")
        self.sent.append((self._loop.time(), data))

    async def recvfrom(self) -> tuple[bytes, int]:
        data = await self.to_receive.get()
        if data is None:
            raise ConnectionError("Connection lost while receiving data")
        return data, 1

    async def close(self) -> None:
        self.closed = True
        self.to_receive.put_nowait(None)
        with pytest.raises(ConnectionError):
            await self.recvfrom()  # of the shaped media
        with pytest.raises(ConnectionError):
            await self.recvfrom()
        await self.shaped.close()


async def send(connection: Connection, kind: bytes, count: int) -> list[float]:
    """Send packets, 20 ms apart, and return their delays in seconds."""
    loop = asyncio.get_running_loop()
    del connection.sent[:]
    began = loop.time()
    for number in range(count):
        await connection.sendto(kind + bytes([number]), 1)
        await asyncio.sleep(0.02)
    await asyncio.sleep(1.0)
    return [at - began - 0.02 * data[2] for at, data in connection.sent]


async def receive(connection: Connection, kind: bytes, count: int) -> list[float]:
    """Let packets arrive, 20 ms apart, and return by how much later they are received."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    delays: list[float] = []

    async def read() -> None:
        while True:
            data, component = await connection.recvfrom()
            assert component == 1
            delays.append(loop.time() - began - 0.02 * data[2])

    reading = asyncio.create_task(read())
    for number in range(count):
        connection.to_receive.put_nowait(kind + bytes([number]))
        await asyncio.sleep(0.02)
    await asyncio.sleep(1.0)
    reading.cancel()
    await asyncio.gather(reading, return_exceptions=True)
    return delays


@pytest.mark.parametrize("way", [send, receive])
@pytest.mark.parametrize("kind", [RTP, RTCP])
@virtual_time
async def test_media_are_delayed_and_lost(kind: bytes, way: Any) -> None:
    connection = Connection(Network(loss=0.25, jitter_ms=40))
    delays = await way(connection, kind, 200)
    assert 100 < len(delays) < 190
    assert min(delays) >= -1e-9 and max(delays) <= 0.04 + 1e-9
    assert sum(delays) / len(delays) == pytest.approx(0.02, abs=0.005)
    await connection.close()


@pytest.mark.parametrize("way", [send, receive])
@pytest.mark.parametrize("kind", [STUN, DTLS])
@virtual_time
async def test_other_packets_pass(kind: bytes, way: Any) -> None:
    connection = Connection(Network(loss=1.0, jitter_ms=40))
    assert await way(connection, kind, 10) == pytest.approx([0.0] * 10)
    await connection.close()


@virtual_time
async def test_what_is_on_its_way_when_the_connection_closes_is_lost() -> None:
    connection = Connection(Network(jitter_ms=40))
    connection.to_receive.put_nowait(RTP)
    await connection.sendto(RTP, 1)
    await connection.close()
    await asyncio.sleep(0.1)
    assert not connection.sent


@virtual_time
async def test_empty_datagrams_are_ignored() -> None:
    connection = Connection(Network())
    for data in (b"", DTLS, b"", RTP, b"\x80"):
        connection.to_receive.put_nowait(data)
    await connection.sendto(b"", 1)
    received = {await connection.recvfrom() for _ in range(3)}
    assert received == {(DTLS, 1), (RTP, 1), (b"\x80", 1)}
    await connection.close()


@virtual_time
async def test_a_network_that_fails_ends_the_connection(caplog: pytest.LogCaptureFixture) -> None:
    connection = Connection(Network())
    connection.shaped._incoming = lambda packet: 1 / 0  # type: ignore[assignment, func-returns-value]
    connection.to_receive.put_nowait(RTP)
    with pytest.raises(ConnectionError):
        await asyncio.wait_for(connection.recvfrom(), 1)
    assert "The simulated network failed" in caplog.text
    await connection.close()
