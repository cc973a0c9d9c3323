"""The same over each implementation of WebSockets that uvicorn has."""

import ssl
from pathlib import Path

import pytest
from websockets.asyncio.client import connect

from tests.support.certificates import write_certificate
from tests.websocket.served import Client, serve, sine

IMPLEMENTATIONS = ["websockets-sansio", "wsproto"]


@pytest.mark.parametrize("ws", IMPLEMENTATIONS)
async def test_a_session_from_its_start_to_its_end(ws: str) -> None:
    async with serve(server={"ws": ws}) as served, served.client() as client:
        await client.start(encoding="pcm16")
        await client.say(sine(0.1))
        await client.hear(0.1)
        await client.send("no JSON")
        await client.wait_for(type="error")
        await client.send({"event": "stop"})
        assert await client.closed() == 1000
        await served.is_empty()


@pytest.mark.parametrize("ws", IMPLEMENTATIONS)
async def test_a_message_that_is_too_big(ws: str) -> None:
    async with serve(server={"ws": ws}) as served, served.client() as client:
        await client.start()
        await client.send("x" * ((1 << 20) + 1))
        assert await client.closed() == 1009
        await served.is_empty()


@pytest.mark.parametrize("ws", IMPLEMENTATIONS)
@pytest.mark.parametrize("how", ["stop", "close", "vanish"])
async def test_a_session_over_tls(ws: str, how: str, tmp_path: Path) -> None:
    certificate, key = map(str, write_certificate(tmp_path))
    tls = ssl.create_default_context(cafile=certificate)
    async with serve(server={"ws": ws, "ssl_certfile": certificate, "ssl_keyfile": key}) as served:
        async with connect(served.address.replace("ws:", "wss:"), ssl=tls) as socket:
            client = Client(socket)
            await client.start(encoding="pcm16")
            await client.say(sine(0.1))
            await client.hear(0.1)
            if how == "stop":
                await client.send({"event": "stop"})
                assert await client.closed() == 1000
            elif how == "vanish":
                socket.transport.abort()
        await client.closed()
        await served.is_empty()
