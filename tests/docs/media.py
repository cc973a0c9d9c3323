"""Small files and services that programs of the docs want to have."""

import contextlib
import wave
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import av
import numpy as np
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from tests.support.peers import tone

__all__ = ["echo_socket", "write_film", "write_speech"]


def write_film(path: Path, pictures: int = 15) -> None:
    """Write a film of half a second, which turns from black to white."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=30)
        stream.width, stream.height, stream.pix_fmt = 160, 120, "yuv420p"
        for number in range(pictures):
            grey = np.full((120, 160, 3), 255 * number // pictures, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(grey, format="bgr24")))
        container.mux(stream.encode())


def write_speech(path: Path, seconds: float = 1.0) -> None:
    """Write a sound file: 48 kHz, mono, 16 bit. It is a tone, for who only plays it."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(48000)
        file.writeframes(tone(seconds).tobytes())


@asynccontextmanager
async def echo_socket() -> AsyncIterator[str]:
    """Serve a WebSocket that sends back what it gets; gives its address."""

    async def echo(socket: ServerConnection) -> None:
        with contextlib.suppress(ConnectionClosed):
            async for message in socket:
                await socket.send(message)

    async with serve(echo, "127.0.0.1", 0) as server:
        host, port = server.sockets[0].getsockname()[:2]
        yield f"ws://{host}:{port}"
