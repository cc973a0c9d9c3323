"""WebSockets that are opened and not used, or used too much."""

import asyncio
import json
import time
import zlib
from typing import Any

import psutil
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from fastrtc import Limits
from tests.websocket.served import Echo, serve, sine, wait_until

MIB = 1 << 20
PCM = {"encoding": "pcm16"}


@pytest.mark.parametrize("route", ["/websocket/offer", "/telephone/handler"])
async def test_whoever_opens_many_sockets_and_starts_none_keeps_nobody_out(route: str) -> None:
    async with serve(limits=Limits(sockets_waiting=10)) as served:
        address = served.address.replace("/websocket/offer", route)
        idle = [await connect(address) for _ in range(30)]
        assert len(served.stream._lobby) == 10
        codes = []
        for socket in idle[:20]:
            await asyncio.wait_for(socket.wait_closed(), 20)
            codes.append(socket.close_code)
        assert codes == [1013] * 20
        async with served.client() as client:
            await client.start("honest", **PCM)
            await client.say(sine(0.02))
            await client.hear(0.02)
        await asyncio.gather(*(socket.close() for socket in idle))
        await wait_until(lambda: len(served.stream._lobby) == 0)


async def test_whoever_says_everything_but_start_is_not_kept() -> None:
    async with serve(limits=Limits(start_within_s=0.3)) as served, served.client() as client:
        with pytest.raises(ConnectionClosed):
            while True:
                await client.send({"event": "ping"})
                await asyncio.sleep(0.02)
        assert await client.closed() == 1008


async def test_a_client_that_sends_too_fast_is_read_at_its_rate_and_delays_nobody() -> None:
    async with serve(limits=Limits(messages_per_s=100)) as served:
        async with served.client() as fast, served.client() as honest:
            await honest.start("honest", **PCM)
            begun = time.monotonic()
            for _ in range(1100):
                await fast.send({"event": "ping"})
            await honest.say(sine(0.02))
            await honest.hear(0.02)
            await fast.wait(lambda: len(fast.messages) == 1100)
            assert time.monotonic() - begun >= 0.9  # 1000 at once, then 100 in a second


@pytest.mark.parametrize("implementation", ["websockets-sansio", "wsproto"])
async def test_a_message_that_inflates_is_bounded(implementation: str) -> None:
    """64 MiB of zeros in 64 KiB (RFC 7692): uvicorn's ws_max_size, then message_bytes."""
    options = {"ws": implementation, "ws_max_size": 2 * MIB}
    async with serve(server=options) as served:
        before = psutil.Process().memory_info().rss
        async with served.client(compression="deflate") as client:
            frame = _deflated(64 * MIB)
            assert len(frame) < 128 * 1024
            client.socket.transport.write(frame)
            assert await client.closed() in (1009, 1006)
        assert psutil.Process().memory_info().rss - before < 48 * MIB
        async with served.client() as client:
            await client.send({"event": "ping"})
            await client.wait_for(event="pong")


def _deflated(size: int) -> bytes:
    """A frame of a compressed text, with a mask of zeros (RFC 6455 section 5.2)."""
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    data = deflate.compress(b" " * size) + deflate.flush(zlib.Z_SYNC_FLUSH)
    data = data.removesuffix(b"\x00\x00\xff\xff")
    return b"\xc1\xff" + len(data).to_bytes(8, "big") + bytes(4) + data


async def test_a_session_is_not_reached_by_whoever_knows_its_id() -> None:
    async with serve(Echo()) as served, served.client() as mine, served.client() as other:
        await mine.start("mine", **PCM)
        for message in (
            {"event": "start", "websocket_id": "mine"},
            {"event": "stop", "websocket_id": "mine"},
            {"event": "media", "websocket_id": "mine", "media": {"payload": "AAAA"}},
        ):
            try:
                await other.send(message)
            except ConnectionClosed:
                break
        assert await other.closed() == 1008
        assert other.messages[0] == {
            "status": "failed",
            "meta": {"error": "connection_already_exists"},
        }
        await mine.say(sine(0.02))
        await mine.hear(0.02)


async def test_what_a_client_sends_is_not_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    evil = "\x1b[2J\r\nERROR:root:forged"
    async with serve() as served:
        for first in ({"event": evil}, {"event": "start", "websocket_id": evil}, evil):
            async with served.client(additional_headers={"x": "y"}, user_agent_header="z") as one:
                await one.send(first)
                await one.wait_for(type="error")
        address = served.address.replace("/websocket/offer", "/telephone/handler")
        starts: list[Any] = [
            {"event": "start", "streamSid": evil, "start": {}},
            {"event": "start", "start": {"mediaFormat": {"encoding": evil}}, "streamSid": "MZ"},
            {"event": "start", evil: evil},
        ]
        for start in starts:
            async with connect(address) as socket:
                await socket.send(json.dumps(start))
                await asyncio.wait_for(socket.wait_closed(), 20)
    assert "\x1b" not in caplog.text and "\nERROR:root:forged" not in caplog.text
