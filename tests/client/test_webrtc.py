"""What the Python client does over WebRTC only: video, trickle ICE, and the failures of ICE."""

import asyncio
import socket
from typing import Any

import gradio as gr
import numpy as np
import pytest
from fastapi import FastAPI

from fastrtc import Client, ClientError, Stream
from tests.client.test_client import LOCAL, PATIENCE_S, closed, hear, served
from tests.support.connections import connections_of
from tests.support.servers import serving
from tests.webrtc.handlers import AsyncAudioEcho, AsyncAudioVideoEcho, flip
from tests.websocket.served import sine

RED_ABOVE_BLUE = np.zeros((120, 160, 3), np.uint8)
RED_ABOVE_BLUE[:60, :, 2] = RED_ABOVE_BLUE[60:, :, 0] = 220  # BGR


async def test_video_is_sent_and_received() -> None:
    async with (
        served(flip, modality="video") as there,
        Client(there.address, modality="video") as client,
    ):
        await asyncio.wait_for(see(client, 5), PATIENCE_S)


async def see(client: Client, count: int) -> None:
    """Send frames until as many have come back, upside down."""
    frames = client.video()
    coming = asyncio.ensure_future(anext(frames))
    while count:
        await client.send_video(RED_ABOVE_BLUE)
        await asyncio.wait([coming], timeout=0.05)
        if coming.done():
            image = coming.result().image
            assert image.dtype == np.uint8 and image.shape[2] == 3
            height = len(image)
            if image[height // 4].mean(axis=0)[0] > 150:  # blue is above
                count -= 1
            coming = asyncio.ensure_future(anext(frames))
    coming.cancel()


async def test_audio_and_video() -> None:
    async with (
        served(AsyncAudioVideoEcho(), modality="audio-video") as there,
        Client(there.address, modality="audio-video") as client,
    ):
        await client.send_audio((24000, sine(0.5)))
        assert await hear(client, 0.3)
        for _ in range(3):
            await client.send_video(RED_ABOVE_BLUE)
        assert (await asyncio.wait_for(anext(client.video()), PATIENCE_S)).image.size


async def test_candidates_are_trickled() -> None:
    async with served() as there, Client(there.address, trickle=True) as client:
        await client.send_audio((24000, sine(0.5)))
        assert await hear(client, 0.3)


async def test_malformed_images_are_refused() -> None:
    async with (
        served(flip, modality="video") as there,
        Client(there.address, modality="video") as client,
    ):
        with pytest.raises(ValueError, match="uint8"):
            await client.send_video(RED_ABOVE_BLUE[..., 0])
        with pytest.raises(ValueError, match="no audio"):
            await client.send_audio((24000, sine(0.1)))


async def test_another_modality_is_refused() -> None:
    async with served() as there:
        with pytest.raises(ClientError, match="the stream's modality is audio") as caught:
            await Client(there.address, modality="video").connect()
    assert caught.value.code == "bad_offer"


async def test_a_malformed_configuration() -> None:
    async with served() as there:
        with pytest.raises(ClientError, match="rtc_configuration") as caught:
            await Client(there.address, rtc_configuration={"iceServers": [{"urls": 1}]}).connect()
    assert caught.value.code == "bad_configuration"


async def test_a_gradio_page() -> None:
    stream = Stream(
        AsyncAudioEcho(),
        modality="audio",
        mode="send-receive",
        server_rtc_configuration=LOCAL,
        verbose=False,
    )
    with serving(gr.mount_gradio_app(FastAPI(), stream.ui, path="/talk")) as url:
        async with Client(f"{url}/talk") as client:
            await client.send_audio((24000, sine(0.5)))
            assert await hear(client, 0.3)


async def test_a_connection_that_the_program_closes() -> None:
    async with served() as there, Client(there.address) as client:
        there.stream.clean_up(client.id)
        error = await closed(client)
        assert error is not None and error.code == "ended_by_server"


async def test_an_empty_datagram_does_not_end_a_connection() -> None:
    async with served() as there, Client(there.address) as client:
        selected = there.stream.diagnose(client.id).selected
        assert selected is not None
        family = socket.AF_INET6 if ":" in selected.remote.host else socket.AF_INET
        with socket.socket(family, socket.SOCK_DGRAM) as anyone:
            anyone.sendto(b"", (selected.remote.host, selected.remote.port))
        await client.send_audio((24000, sine(0.5)))
        assert await hear(client, 0.3)


async def test_sending_video_ends_with_the_connection() -> None:
    def look(image: Any) -> Any:
        return image

    async with (
        served(look, modality="video") as there,
        Client(there.address, modality="video") as client,
    ):
        await client.send_video(RED_ABOVE_BLUE)
        connections_of(there.stream).session(client.id).close("over")

        async def send() -> None:
            while True:
                await client.send_video(RED_ABOVE_BLUE)

        with pytest.raises(ClientError):
            await asyncio.wait_for(send(), PATIENCE_S)
