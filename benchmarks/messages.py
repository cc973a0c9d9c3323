"""What one WebSocket message in and one out cost: `python -m benchmarks.messages` (see README.md).

As `packets` does for WebRTC: one process holds talking echo sessions on a virtual clock, the
clients are raw sockets whose messages were written beforehand, and what comes back is counted when
the measurement is over. `--server starlette` and `--server asgi` echo the same messages without
fastrtc: what uvicorn, websockets and Starlette take alone.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import contextlib
import gc
import itertools
import os
import socket
import time
import uuid
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import uvicorn
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from benchmarks.client.load import frame, mulaw_samples, taken
from benchmarks.client.media import speech_like
from benchmarks.packets import (
    HANDLER_RATE,
    HANDLERS,
    PERIOD,
    WARM_UP,
    WINDOW,
    Profiling,
    VirtualLoop,
    shares,
    talk,
)
from benchmarks.packets import PARTS as PACKET_PARTS
from fastrtc import Stream
from fastrtc.audio.g711 import encode_mulaw

PATH = "/websocket/offer"
READ_EVERY = 25  # messages, so that the server can go on sending


def fastrtc_app(handler: str) -> Any:
    """An echo of ours."""
    app = FastAPI()
    stream = Stream(
        HANDLERS[handler](),
        modality="audio",
        mode="send-receive",
        concurrency_limit=1_000_000,
        verbose=False,
    )
    stream.mount(app)
    return app


def starlette_app(handler: str) -> Any:
    """The shortest program that sends back each message."""

    async def echo(websocket: WebSocket) -> None:
        await websocket.accept()
        with contextlib.suppress(WebSocketDisconnect):
            while True:
                await websocket.send_text(await websocket.receive_text())

    return Starlette(routes=[WebSocketRoute(PATH, echo)])


def asgi_app(handler: str) -> Any:
    """The same without Starlette."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "websocket":
            return
        while (message := await receive())["type"] != "websocket.disconnect":
            if message["type"] == "websocket.connect":
                await send({"type": "websocket.accept"})
            else:
                await send({"type": "websocket.send", "text": message["text"]})

    return app


PARTS = {
    "JSON and base64": ("socket/messages.py", "json/", "base64.py", "core/messages.py"),
    "mu-law": ("g711.py",),
    "uvicorn: system calls": (
        "_SelectorSocketTransport.write",
        "_read_ready__data_received",
        "pause_reading",
        "resume_reading",
    ),
    "Starlette": ("starlette/", "fastapi/"),
    "uvicorn and websockets": ("uvicorn/", "websockets/"),
    "limits and queue of the socket": (
        "transport/socket/",
        "realtime_limit.py",
        "limits.py",
        "web_socket.py",
        "stalled_client.py",
    ),
    **{
        part: PACKET_PARTS[part]
        for part in ("blocks for receive", "calls of the handler", "pacing", "event loop")
    },
}
"""Parts of the table, as in `packets`."""

SERVERS = {"fastrtc": fastrtc_app, "starlette": starlette_app, "asgi": asgi_app}


class Client:
    """A connected client: only its socket is left."""

    def __init__(self, messages: list[bytes]) -> None:
        self._messages = itertools.cycle(messages)
        self._sent = 0
        self.received = bytearray()

    async def connect(self, port: int) -> None:
        reader, self._writer = await asyncio.open_connection("127.0.0.1", port)
        key = base64.b64encode(os.urandom(16)).decode()
        self._writer.write(
            f"GET {PATH} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\n"
            "Sec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        await reader.readuntil(b"\r\n\r\n")
        start = f'{{"event": "start", "websocket_id": "{uuid.uuid4().hex}"}}'
        self._writer.write(frame(start.encode()))

    def leave(self) -> None:
        """Let the event loop read nothing any more."""
        found: Any = self._writer.get_extra_info("socket")
        loop: Any = asyncio.get_running_loop()
        loop._remove_reader(found.fileno())
        self._socket: socket.socket = found._sock

    def send(self) -> None:
        self._socket.send(next(self._messages))
        self._sent += 1
        if self._sent % READ_EVERY == 0:
            self.read()

    def read(self) -> None:
        """Take what has come, so that there is room for more."""
        with contextlib.suppress(BlockingIOError):
            while True:
                self.received += self._socket.recv(1 << 20)

    def close(self) -> None:
        self._writer.close()

    def answers(self) -> int:
        """The number of audio messages read so far."""
        found = (taken(self.received) for _ in itertools.count())
        whole = itertools.takewhile(lambda message: message is not None, found)
        return sum(message is not None and mulaw_samples(message[1]) > 0 for message in whole)


def written() -> list[bytes]:
    """A second of audio as a client sends it, 20 ms each."""
    size = round(HANDLER_RATE * PERIOD)
    samples = speech_like()[::2][: 50 * size]
    payloads = (encode_mulaw(samples[k : k + size]) for k in range(0, 50 * size, size))
    encoded = (base64.b64encode(bytes(payload)).decode() for payload in payloads)
    return [
        frame(f'{{"event": "media", "media": {{"payload": "{payload}"}}}}'.encode())
        for payload in encoded
    ]


async def run(
    app: Any, sessions: int, measured: Callable[[], AbstractContextManager[None]]
) -> tuple[float, int]:
    """CPU seconds, and messages sent by the server, in the measured part."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(256)
        config = uvicorn.Config(
            app, log_level="warning", ws_ping_interval=None, timeout_graceful_shutdown=1
        )
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        messages = written()
        clients = [Client(messages) for _ in range(sessions)]
        for client in clients:
            await client.connect(listener.getsockname()[1])
        await asyncio.sleep(0.5)
        for client in clients:
            client.leave()
        loop: Any = asyncio.get_running_loop()
        loop.virtual.now = loop.time()
        await talk(clients, WARM_UP)
        for client in clients:
            client.read()
            client.received.clear()
        gc.collect()
        gc.disable()
        with measured():
            began = time.process_time()
            await talk(clients, WINDOW)
            used = time.process_time() - began
        gc.enable()
        for client in clients:
            client.read()
            client.close()
        server.should_exit = True
        await serving
        return used, sum(client.answers() for client in clients)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("handler", nargs="?", default="echo-async", choices=sorted(HANDLERS))
    parser.add_argument("--server", default="fastrtc", choices=SERVERS)
    parser.add_argument("--sessions", type=int, default=4)
    parser.add_argument("--window", type=float, default=WINDOW, help="virtual seconds")
    Profiling.add_options(parser)
    options = parser.parse_args()
    globals()["WINDOW"] = options.window
    profiling = Profiling(options)
    loop = VirtualLoop()
    asyncio.set_event_loop(loop)
    app = SERVERS[options.server](options.handler)
    used, sent = loop.run_until_complete(run(app, options.sessions, profiling.measured))
    count = round(options.window / PERIOD) * options.sessions
    print(f"{used / count * 1e6:.1f} us per message; {sent} of {count} were answered", flush=True)
    profiling.print_calls(count, "message")
    if options.sample:
        for part, share in shares(profiling.stacks, PARTS).items():
            print(f"{100 * share:5.1f}%  {part}")
    profiling.finish()


if __name__ == "__main__":
    main()
