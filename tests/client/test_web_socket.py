"""What the Python client does over a WebSocket only."""

import asyncio
import sys
from typing import Any

import numpy as np
import pytest
from fastapi import FastAPI, WebSocket

from fastrtc import Client, ClientError
from fastrtc.handlers.link import link_of
from tests.client.test_client import closed, hear, message, served
from tests.support.servers import serving
from tests.websocket.served import Echo, sine


async def test_mulaw() -> None:
    async with (
        served() as there,
        Client(there.address, "websocket", sample_rate=8000, encoding="mulaw") as client,
    ):
        await client.send_audio((8000, sine(0.5, 8000)))
        chunks = await hear(client, 0.4)
    assert chunks[0].rate == 8000
    assert np.abs(np.concatenate([chunk.samples for chunk in chunks])).max() > 12000


class Interrupted(Echo):
    """Has much to say, and is interrupted."""

    async def emit(self) -> Any:
        await self.heard.get()
        return 24000, sine(20.0)[None]


async def test_an_interruption_drops_what_was_not_read() -> None:
    async with served(Interrupted()) as there, Client(there.address, "websocket") as client:
        handler = await there.handler(client.id)
        await hear(client, 0.1)
        await asyncio.sleep(0.1)
        handler.clear_queue()
        await message(client, type="clear")
        unread = client._incoming.audio_queue._items
        assert len(unread) < 50


async def test_a_pause_holds_what_was_not_read() -> None:
    async with served(Interrupted()) as there, Client(there.address, "websocket") as client:
        handler = await there.handler(client.id)
        link = link_of(handler)
        await hear(client, 0.1)
        link.pause()
        await message(client, type="pause")
        reading = asyncio.ensure_future(anext(client.audio()))
        await asyncio.sleep(0.1)
        assert not reading.done()
        link.resume()
        await message(client, type="resume")
        await asyncio.wait_for(reading, 5)
        link.pause()
        await message(client, type="pause")
        handler.clear_queue()
        await message(client, type="clear")
        assert not client._incoming.audio_queue._held


async def test_a_pause_before_any_audio_is_ended_by_a_clear() -> None:
    async with served(Interrupted()) as there, Client(there.address, "websocket") as client:
        handler = await there.handler(client.id)
        link_of(handler).pause()
        await message(client, type="pause")
        handler.clear_queue()
        await message(client, type="clear")
        await hear(client, 0.1)


async def test_a_server_that_negotiates_nothing() -> None:
    app = FastAPI()

    @app.websocket("/websocket/offer")
    async def offer(socket: WebSocket) -> None:
        await socket.accept()
        async for text in socket.iter_text():
            if "ping" in text:
                await socket.send_text('{"event": "pong"}')

    with serving(app) as url:
        with pytest.raises(ClientError, match="no audio format") as caught:
            await Client(url, "websocket").connect()
    assert caught.value.code == "not_supported"


async def test_a_server_that_closes_the_socket() -> None:
    app = FastAPI()

    @app.websocket("/websocket/offer")
    async def offer(socket: WebSocket) -> None:
        await socket.accept()
        await socket.send_text('{"event": "started"}')
        await socket.send_text("[1]")
        await socket.send_bytes(b"odd")
        await socket.send_text("[" * 100_000)
        await socket.close(1011, "broken")

    with serving(app) as url:
        async with Client(url, "websocket") as client:
            error = await closed(client)
            messages = [one async for one in client.messages()]
            assert messages[0] == {"type": "text", "data": [1]} and len(messages) == 2
            assert [one async for one in client.audio()] == []
    assert error is not None and error.code == "handler_error" and "broken" in str(error)


async def test_an_invalid_id_is_refused_with_the_reason() -> None:
    async with served() as there:
        with pytest.raises(ClientError, match="websocket_id must be"):
            await Client(there.address, "websocket", id="").connect()


async def test_video_needs_webrtc() -> None:
    with pytest.raises(ValueError, match="only audio"):
        Client("http://x", "websocket", modality="video")


async def test_old_websockets_leave_the_other_transport_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delitem(sys.modules, "fastrtc.client.web_socket", raising=False)
    monkeypatch.setitem(sys.modules, "websockets.asyncio.client", None)
    with pytest.raises(ImportError, match="needs websockets 13 or newer"):
        Client("http://127.0.0.1:1", "websocket")
    await Client("http://127.0.0.1:1").close()
