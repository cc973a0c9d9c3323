"""Connections on one port, with real clients."""

from __future__ import annotations

import asyncio
import socket
from contextlib import AsyncExitStack
from typing import Any

import pytest
from aioice import stun
from fastapi import FastAPI

from fastrtc import Ice, Stream
from fastrtc.transport.webrtc.ports.errors import PortUnavailable
from fastrtc.transport.webrtc.ports.open_ports import OPEN_PORTS
from tests.support.peers import LOCAL, AudioSource, Client, eventually, tone
from tests.support.ports import free_port
from tests.webrtc.handlers import AsyncAudioEcho, frequency

CLIENTS = 6


def stream_with(ice: Ice) -> Stream:
    return Stream(
        AsyncAudioEcho(),
        modality="audio",
        mode="send-receive",
        concurrency_limit=2 * CLIENTS,
        server_rtc_configuration=LOCAL,
        ice=ice,
    )


def remote_ports(client: Client) -> set[int]:
    """The ports that a client knows of the server."""
    sdp = client.pc.remoteDescription.sdp
    return {int(line.split()[5]) for line in sdp.splitlines() if line.startswith("a=candidate:")}


async def test_everybody_hears_their_own_echo() -> None:
    """On one port, of two streams."""
    number = free_port()
    streams = [stream_with(Ice(udp_port=number)) for _ in range(2)]
    clients = [
        Client(streams[n % 2], audio=AudioSource(tone(60, 300 + 100 * n))) for n in range(CLIENTS)
    ]
    async with AsyncExitStack() as stack:
        for client in clients:
            await stack.enter_async_context(client)
            assert remote_ports(client) == {number}
        for n, client in enumerate(clients):
            await eventually(lambda c=client: len(c.loud()) >= 30)
            heard = client.loud()[20][1]
            assert frequency(heard) == pytest.approx(300 + 100 * n, abs=50)
        assert list(OPEN_PORTS._open) == [("udp", number)]
    assert not OPEN_PORTS._open


async def test_each_connection_has_a_port_of_the_range() -> None:
    first = free_port()
    stream = stream_with(Ice(udp_ports=(first, first)))
    async with Client(stream, audio=AudioSource(tone(60))) as client:
        assert remote_ports(client) == {first}
        other = Client(stream, audio=AudioSource())
        assert await other.call() == {
            "status": "failed",
            "meta": {"error": "udp_ports_in_use", "limit": 1},
        }
        await other.close()
        await eventually(lambda: client.loud())
    async with Client(stream, audio=AudioSource()) as client:
        assert remote_ports(client) == {first}


async def test_a_server_does_not_start_without_its_port() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("0.0.0.0", 0))
        number = other.getsockname()[1]
        app = FastAPI()
        stream_with(Ice(udp_port=number)).mount(app)
        with pytest.raises(PortUnavailable, match=f"UDP port {number} cannot be opened"):
            async with app.router.lifespan_context(app):
                pass


async def test_an_offer_is_refused_if_the_port_is_taken(caplog: pytest.LogCaptureFixture) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("0.0.0.0", 0))
        number = other.getsockname()[1]
        stream = stream_with(Ice(udp_port=number))
        client = Client(stream, audio=AudioSource())
        refusal = await client.call()
        assert refusal["meta"]["error"] == "port_unavailable"
        assert f"UDP port {number} cannot be opened" in refusal["meta"]["reason"]
        await client.close()
    caplog.clear()
    async with Client(stream, audio=AudioSource()):
        pass


async def test_a_server_keeps_its_port_while_it_runs() -> None:
    number = free_port()
    app = FastAPI()
    stream = stream_with(Ice(udp_port=number))
    stream.mount(app)
    async with app.router.lifespan_context(app):
        async with Client(stream, audio=AudioSource()):
            pass
        assert ("udp", number) in OPEN_PORTS._open
    assert not OPEN_PORTS._open


async def test_strangers_are_answered_nothing() -> None:
    number = free_port()
    stream = stream_with(Ice(udp_port=number))
    async with Client(stream, audio=AudioSource(tone(60))) as client:
        ufrag = _line(client.pc.remoteDescription.sdp, "a=ice-ufrag:")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            stranger.bind(("127.0.0.1", 0))
            stranger.setblocking(False)
            before = len(client.loud())
            for data in [b"", b"\x80", bytes(100), bytes([22]) * 100, *_requests(ufrag)]:
                stranger.sendto(data, ("127.0.0.1", number))
            await eventually(lambda: len(client.loud()) > before + 10)
            with pytest.raises(BlockingIOError):
                stranger.recv(2000)


def _requests(ufrag: str) -> list[bytes]:
    """Return requests with a wrong password, without one, and for an unknown connection."""
    found = []
    for username, password in ((ufrag, b"wrong"), (ufrag, None), ("unknown", b"wrong")):
        request = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
        request.attributes["USERNAME"] = f"{username}:theirs"
        request.attributes["PRIORITY"] = 1
        if password is not None:
            request.add_message_integrity(password)
        found.append(bytes(request))
    return found


def _line(sdp: str, start: str) -> str:
    return next(line for line in sdp.splitlines() if line.startswith(start))[len(start) :]


async def test_a_client_that_vanishes_leaves_nothing(fast_consent: Any) -> None:
    stream = stream_with(Ice(udp_port=free_port()))
    client = Client(stream, audio=AudioSource())
    await client.connect()
    await client.vanish()
    await client.over()
    assert not OPEN_PORTS._open


async def test_a_client_that_never_connects_leaves_nothing() -> None:
    stream = stream_with(Ice(udp_port=free_port()))
    client = Client(stream, audio=AudioSource())
    await client.post(await client.offer())
    assert OPEN_PORTS._open
    await stream.close_sessions()
    await asyncio.sleep(0)
    assert not OPEN_PORTS._open
    await client.close()
