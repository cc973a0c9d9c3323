"""The connection below a WebSocket, as Starlette and uvicorn have it."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from fastrtc import get_current_context
from fastrtc.transport.socket._compat_server import connection_of, drop_if_unread
from tests.websocket.served import Echo, serve, sine, wait_until


@pytest.mark.parametrize("implementation", ["websockets-sansio", "wsproto"])
async def test_it_is_found(implementation: str) -> None:
    class Dropping(Echo):
        async def receive(self, frame: Any) -> None:
            connection = connection_of(get_current_context().websocket)
            assert connection is not None, "look at what Starlette and uvicorn have become"
            connection.abort()

    async with serve(Dropping(), server={"ws": implementation}) as served:
        async with served.client() as client:
            await client.start(encoding="pcm16")
            await client.say(sine(0.02))
            assert await client.closed() == 1006


@pytest.mark.parametrize("receive", [None, print, [].append, SimpleNamespace(transport=1).__init__])
async def test_where_there_is_none_nothing_is_done(receive: Any) -> None:
    websocket = SimpleNamespace(_receive=receive)
    assert connection_of(websocket) is connection_of(object()) is None
    drop_if_unread(websocket, 0)


@pytest.mark.parametrize("unread", [True, False])
async def test_it_is_dropped_when_something_waits_in_it(unread: bool) -> None:
    lost = asyncio.Event()

    class Server(asyncio.Protocol):
        def connection_made(self, transport: Any) -> None:
            self.transport = transport

        def connection_lost(self, error: Any) -> None:
            lost.set()

        async def receive(self) -> None: ...

    made: list[Server] = []
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: made.append(Server()) or made[-1], "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname(), limit=1)
    await wait_until(lambda: made)
    made[0].transport.write(bytes(1 << 24) if unread else b"read")
    drop_if_unread(SimpleNamespace(_receive=made[0].receive), 0.01)
    if unread:
        await asyncio.wait_for(lost.wait(), 20)
    else:
        assert await reader.readexactly(4) == b"read"
        await asyncio.sleep(0.1)
        assert not lost.is_set()
    writer.transport.abort()
    server.close()
    await asyncio.wait_for(lost.wait(), 20)
