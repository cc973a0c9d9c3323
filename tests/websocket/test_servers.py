"""The same over each implementation of WebSockets that uvicorn has."""

import pytest

from tests.websocket.served import serve, sine

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
