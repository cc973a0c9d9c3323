"""A stream behind a real server, and clients that speak to it over real sockets."""

import asyncio
import base64
import json
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext, suppress
from typing import Any

import numpy as np
import uvicorn
from fastapi import FastAPI
from numpy.typing import NDArray
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosedError

from fastrtc import AsyncStreamHandler, Stream
from fastrtc.audio.encodings import ENCODINGS
from tests.support.connections import left

__all__ = [
    "Client",
    "Echo",
    "Served",
    "never_reading",
    "serve",
    "served_here",
    "sine",
    "wait_until",
]

PATIENCE = 20  # s; nothing takes so long, but the machine may be busy
Samples = NDArray[np.int16]


class Echo(AsyncStreamHandler):
    """Gives back what it gets, and notes what happens to it."""

    def __init__(self, rate: int = 24000, **options: Any) -> None:
        super().__init__(input_sample_rate=rate, output_sample_rate=rate, **options)
        self.options = options
        self.heard: asyncio.Queue[Any] = asyncio.Queue()
        self.shutdowns = 0
        self.copies: list[Echo] = []

    def copy(self) -> "Echo":
        made = type(self)(self.input_sample_rate, **self.options)
        made.copies = self.copies
        self.copies.append(made)
        return made

    async def receive(self, frame: tuple[int, Samples]) -> None:
        self.heard.put_nowait(frame)

    async def emit(self) -> Any:
        return await self.heard.get()

    async def shutdown(self) -> None:
        self.shutdowns += 1


class Client:
    """One client. What it gets is kept in ``messages``; audio is decoded into ``audio``.

    ``heard_before`` has the number of audio messages that came before each of the others.
    """

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.messages: list[dict[str, Any]] = []
        self.audio: list[Samples] = []
        self.heard_before: list[int] = []
        self.encoding = ENCODINGS["mulaw"]
        self._came = asyncio.Condition()
        self._reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        with suppress(ConnectionClosedError):
            await self._read_all()
        async with self._came:
            self._came.notify_all()

    async def _read_all(self) -> None:
        async for text in self.socket:
            message = {"binary": text} if isinstance(text, bytes) else json.loads(text)
            payload = text if isinstance(text, bytes) else None
            if message.get("event") == "media":
                payload = base64.b64decode(message["media"]["payload"])
            async with self._came:
                if payload is None:
                    self.messages.append(message)
                    self.heard_before.append(len(self.audio))
                else:
                    self.audio.append(self.encoding.decode(payload))
                self._came.notify_all()

    async def send(self, message: Any) -> None:
        text = message if isinstance(message, str | bytes) else json.dumps(message)
        await self.socket.send(text)

    async def start(self, id: str = "a", **audio: Any) -> dict[str, Any] | None:
        """Start, and wait for the answer if audio is negotiated."""
        message: dict[str, Any] = {"event": "start", "websocket_id": id}
        if not audio:
            await self.send(message)
            return None
        self.encoding = ENCODINGS[audio.get("encoding", "mulaw")]
        await self.send({**message, "audio": audio})
        return await self.wait_for(event="started")

    async def say(self, samples: Samples) -> None:
        payload = base64.b64encode(self.encoding.encode(samples)).decode()
        await self.send({"event": "media", "media": {"payload": payload}})

    async def wait(self, found: Callable[[], Any]) -> Any:
        """Wait until what has come makes it true."""
        async with self._came:
            await asyncio.wait_for(self._came.wait_for(found), PATIENCE)
            return found()

    async def wait_for(self, **fields: Any) -> dict[str, Any]:
        """Wait for a message that has these fields."""

        def found() -> Any:
            return next((m for m in self.messages if fields.items() <= m.items()), None)

        return await self.wait(found)

    async def hear(self, seconds: float, rate: int = 24000) -> Samples:
        """Wait for so much audio."""
        await self.wait(lambda: sum(map(len, self.audio)) >= seconds * rate)
        return np.concatenate(self.audio)

    async def closed(self) -> int | None:
        """Wait until the server has closed the socket; give the code."""
        await asyncio.wait_for(self.socket.wait_closed(), PATIENCE)
        await self._reading
        return self.socket.close_code


class Served:
    def __init__(self, stream: Stream, address: str, server: uvicorn.Server) -> None:
        self.stream = stream
        self.address = address
        self.server = server

    @asynccontextmanager
    async def client(self, **options: Any) -> AsyncIterator[Client]:
        async with connect(self.address, **options) as socket:
            client = Client(socket)
            try:
                yield client
            finally:
                await socket.close()
                await client.closed()

    async def handler(self, id: str = "a") -> Any:
        """Wait for the handler of a connection."""
        await wait_until(lambda: id in self.stream.handlers)
        return self.stream.handlers[id]

    async def is_empty(self) -> None:
        """Wait until nothing of any connection is left."""
        await wait_until(lambda: not left(self.stream))


@asynccontextmanager
async def serve(
    handler: Any = None, app: FastAPI | None = None, server: Any = None, **options: Any
) -> AsyncIterator[Served]:
    """Serve a stream with uvicorn, on a free port, in this loop."""
    options = {"modality": "audio", "verbose": False, "concurrency_limit": 100, **options}
    stream = Stream(handler or Echo(), **options)
    app = app or FastAPI()
    stream.mount(app)
    config = uvicorn.Config(app, port=0, log_level="warning", **(server or {}))
    running = uvicorn.Server(config)
    async with served_here(app, running) as url:
        yield Served(stream, f"{url}/websocket/offer", running)
    assert left(stream) == 0


@asynccontextmanager
async def served_here(app: FastAPI, server: uvicorn.Server | None = None) -> AsyncIterator[str]:
    """Serve an app with uvicorn, on a free port, in this loop; yield its address."""
    running = server or uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning"))
    running.capture_signals = _no_signals  # the test's own are to stay
    task = asyncio.create_task(running.serve())
    await wait_until(lambda: running.started or task.done())
    port = running.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"ws://127.0.0.1:{port}"
    finally:
        running.should_exit = True
        await task


@asynccontextmanager
async def never_reading(address: str) -> AsyncIterator[None]:
    """A client that starts, says a little, and reads nothing of what it is sent."""
    host, port = address.removeprefix("ws://").split("/")[0].split(":")
    reader, writer = await asyncio.open_connection(host, int(port), limit=1 << 10)
    raw = writer.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 12)
    writer.write(
        b"GET /websocket/offer HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
        b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    await reader.readuntil(b"\r\n\r\n")
    writer.transport.pause_reading()
    writer.write(_frame(b'{"event": "start", "websocket_id": "a"}'))
    writer.write(_frame(b'{"event": "media", "media": {"payload": "/////w=="}}'))
    try:
        yield
    finally:
        writer.transport.abort()


def _frame(text: bytes) -> bytes:
    """A text frame as clients send it, with a mask of zeros (RFC 6455, section 5.2)."""
    return b"\x81" + bytes([0x80 | len(text)]) + bytes(4) + text


async def wait_until(condition: Callable[[], Any]) -> None:
    """Wait for what nothing tells of."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)


def _no_signals() -> AbstractContextManager[None]:
    return nullcontext()


def sine(seconds: float, rate: int = 24000, hertz: float = 1000) -> Samples:
    turns = np.arange(round(seconds * rate)) * hertz / rate
    return np.round(16000 * np.sin(2 * np.pi * turns)).astype(np.int16)
