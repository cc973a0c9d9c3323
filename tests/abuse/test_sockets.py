"""WebSockets that are opened and not used, or used too much."""

import asyncio
import functools
import itertools
import json
import time
import tracemalloc
import zlib
from contextlib import AsyncExitStack, suppress
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from fastrtc import Limits
from tests.support.bystander import assert_little, bystander
from tests.support.connections import connections_of
from tests.websocket.served import Echo, serve, sine, wait_until

MIB = 1 << 20
PCM = {"encoding": "pcm16"}


@pytest.mark.parametrize("route", ["/websocket/offer", "/telephone/handler"])
async def test_many_sockets_that_start_nothing_keep_no_client_out(route: str) -> None:
    async with serve(limits=Limits(sockets_waiting=10)) as served, bystander() as other:
        address = served.address.replace("/websocket/offer", route)
        async with other.undisturbed() as cost:
            idle = [await connect(address) for _ in range(30)]
        assert_little(cost)
        assert len(connections_of(served.stream).pending) == 10
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
        await wait_until(lambda: len(connections_of(served.stream).pending) == 0)


async def test_a_client_that_never_sends_start_is_not_kept() -> None:
    async with serve(limits=Limits(start_within_s=0.3)) as served, served.client() as client:
        with pytest.raises(ConnectionClosed):
            while True:
                await client.send({"event": "ping"})
                await asyncio.sleep(0.02)
        assert await client.closed() == 1008


async def test_a_client_that_sends_too_fast_is_read_at_its_rate_and_delays_no_other() -> None:
    async with serve(limits=Limits(messages_per_s=100)) as served:
        async with served.client() as fast, served.client() as honest:
            await honest.start("honest", **PCM)
            async with bystander() as other, other.undisturbed() as cost:
                begun = time.monotonic()
                for _ in range(1100):
                    await fast.send({"event": "ping"})
                await honest.say(sine(0.02))
                await honest.hear(0.02)
                await fast.wait(lambda: len(fast.messages) == 1100)
                assert time.monotonic() - begun >= 0.9  # 1000 at once, then 100 in a second
        assert_little(cost)


HANDSHAKE = (
    b"GET /websocket/offer HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


class Dribbler:
    """A client over a bare socket that sends byte after byte, 1 ms apart.

    Args:
        address: Of the stream.
        head: Of its request; if it is complete, the answer is waited for.
        then: What it sends byte by byte, as often as it can.
        first: What it sends at once, before that.
    """

    def __init__(self, address: str, head: bytes, then: bytes, first: bytes = b"") -> None:
        host, port = address.removeprefix("ws://").split("/")[0].split(":")
        self._address = (host, int(port))
        self._head = head
        self._first = first
        self._then = then
        self.sent = 0
        self.got = b""

    async def __aenter__(self) -> "Dribbler":
        reader, self._writer = await asyncio.open_connection(*self._address)
        self._writer.write(self._head)
        if self._head.endswith(b"\r\n\r\n"):
            await reader.readuntil(b"\r\n\r\n")
        self._writer.write(self._first)
        self._tasks = [asyncio.create_task(self._read(reader)), asyncio.create_task(self._send())]
        return self

    async def _read(self, reader: asyncio.StreamReader) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(1 << 16):
                self.got += data

    async def _send(self) -> None:
        with suppress(ConnectionError):
            for byte in itertools.cycle(self._then):
                self._writer.write(bytes([byte]))
                await self._writer.drain()
                self.sent += 1
                await asyncio.sleep(0.001)

    async def hears(self, text: bytes) -> None:
        await wait_until(lambda: text in self.got)

    async def __aexit__(self, *error: object) -> None:
        self._writer.transport.abort()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


async def test_a_dribbled_handshake_takes_no_place() -> None:
    """Nothing ends it but a proxy. Until it is complete there is a socket, and nothing of ours."""
    async with serve(concurrency_limit=1, limits=Limits(sockets_waiting=1)) as served:
        async with AsyncExitStack() as dribblers, bystander() as other:
            ones = [
                await dribblers.enter_async_context(
                    Dribbler(served.address, HANDSHAKE[:-2] + b"X-Long: ", b"x")
                )
                for _ in range(50)
            ]
            async with other.undisturbed() as cost:
                least = max(one.sent for one in ones) + 50
                await wait_until(lambda: all(one.sent > least for one in ones))
            assert_little(cost)
            assert len(connections_of(served.stream).pending) == 0
            async with served.client() as client:
                await client.start("honest", **PCM)
                await client.say(sine(0.02))
                await client.hear(0.02)
            assert not any(one.got for one in ones)


# RFC 6455 section 5.2, with masks of zeros
FRAME = b"\x81\xff" + (1 << 20).to_bytes(8, "big") + bytes(4)  # of 1 MiB
PIECES = b"\x01\x80" + bytes(4)  # an empty one, of a text that goes on
PIECE = b"\x00\x81" + bytes(4) + b"x"  # a further one, of one byte
START = b'{"event": "start", "websocket_id": "a"}'
STARTED = b"\x81" + bytes([0x80 | len(START)]) + bytes(4) + START


@pytest.mark.parametrize("implementation", ["websockets-sansio", "wsproto"])
class TestAMessageThatIsDribbled:
    @pytest.mark.parametrize(
        ("first", "then"), [(FRAME, b"x"), (PIECES, PIECE)], ids=["frame", "pieces"]
    )
    async def test_instead_of_a_start(self, implementation: str, first: bytes, then: bytes) -> None:
        limits = Limits(start_within_s=0.5)
        async with serve(limits=limits, server={"ws": implementation}) as served:
            async with Dribbler(served.address, HANDSHAKE, then, first) as one:
                await one.hears(b"No start within")
            await wait_until(lambda: len(connections_of(served.stream).pending) == 0)

    async def test_in_one_frame(self, implementation: str) -> None:
        """No answer to a ping can come in between: uvicorn closes it (after 40 s by default)."""
        server = {"ws": implementation, "ws_ping_interval": 0.2, "ws_ping_timeout": 0.8}
        async with serve(concurrency_limit=1, server=server) as served:
            async with Dribbler(served.address, HANDSHAKE, b"x", STARTED + FRAME) as one:
                handler = await served.handler()
                await one.hears(b"keepalive ping timeout")
                await served.is_empty()
            assert handler.shutdowns == 1

    async def test_in_pieces(self, implementation: str) -> None:
        """Answers could come in between (here no ping is sent): it is a session like others."""
        server = {"ws": implementation, "ws_ping_interval": None}
        async with serve(concurrency_limit=1, time_limit=0.5, server=server) as served:
            async with Dribbler(served.address, HANDSHAKE, PIECE, STARTED + PIECES) as one:
                handler = await served.handler()
                await one.hears(b"\x03\xe8Time limit reached")  # the close frame, code 1000
                await served.is_empty()
            assert handler.shutdowns == 1


@pytest.mark.parametrize("options", [{}, {"ws_max_size": 2 * MIB}], ids=["default", "2 MiB"])
@pytest.mark.parametrize("implementation", ["websockets-sansio", "wsproto"])
async def test_a_message_that_inflates_is_bounded(
    implementation: str, options: dict[str, Any]
) -> None:
    """256 MiB of spaces in 256 KiB (RFC 7692): uvicorn's ws_max_size, then message_bytes."""
    bomb = _bomb()
    async with serve(server={"ws": implementation, **options}) as served, bystander() as other:
        async with served.client(compression="deflate") as client, AsyncExitStack() as watching:
            bounded = implementation != "wsproto"  # which inflates what it reads, and then looks
            if bounded:
                await watching.enter_async_context(other.undisturbed())
            tracemalloc.start()
            client.socket.transport.write(bomb)
            assert await client.closed() in (1009, 1006)
            _, peak = tracemalloc.get_traced_memory()
            tracemalloc.stop()
        assert not bounded or peak < 3 * options.get("ws_max_size", 16 * MIB)
        async with served.client() as client:
            await client.send({"event": "ping"})
            await client.wait_for(event="pong")


@functools.cache
def _bomb() -> bytes:
    """A frame of a compressed text, with a mask of zeros (RFC 6455 section 5.2)."""
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    data = b"".join(deflate.compress(b" " * MIB) for _ in range(256))
    data += deflate.flush(zlib.Z_SYNC_FLUSH).removesuffix(b"\x00\x00\xff\xff")
    assert len(data) < 512 * 1024
    return b"\xc1\xff" + len(data).to_bytes(8, "big") + bytes(4) + data


async def test_an_id_alone_does_not_give_access_to_its_session() -> None:
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
