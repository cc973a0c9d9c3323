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
import cProfile
import gc
import itertools
import os
import pstats
import socket
import sys
import tempfile
import time
import uuid
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
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
    control,
    sampling,
    shares,
)
from benchmarks.packets import PARTS as PACKET_PARTS
from benchmarks.packets import _Calls as Calls
from benchmarks.packets import _Loop as VirtualLoop
from fastrtc import Stream
from fastrtc.audio.g711 import encode_mulaw

PATH = "/websocket/offer"


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


async def talk(clients: list[Client], seconds: float) -> None:
    """Each client sends a message every 20 ms, spread over the period."""
    loop = asyncio.get_running_loop()
    begin = loop.time()
    for number in range(round(seconds / PERIOD)):
        for index, client in enumerate(clients):
            due = begin + PERIOD * (number + index / len(clients))
            if (ahead := due - loop.time()) > 0:
                await asyncio.sleep(ahead)
            client.send()
            if number % 25 == 24:
                client.read()


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
    parser.add_argument("--calls", action="store_true", help="count calls instead")
    parser.add_argument("--profile", action="store_true", help="run cProfile instead")
    parser.add_argument(
        "--callgrind",
        action="store_true",
        help="count instructions: run it with valgrind --tool=callgrind --instr-atstart=no",
    )
    parser.add_argument("--sample", metavar="PY-SPY", help="profile with this py-spy instead")
    options = parser.parse_args()
    globals()["WINDOW"] = options.window
    stacks = Path(tempfile.mkdtemp(), "stacks")
    calls, profile = Calls(), cProfile.Profile()

    @contextlib.contextmanager
    def measured() -> Any:
        if options.calls:
            sys.setprofile(calls)
        if options.profile:
            profile.enable()
        if options.callgrind:
            control("-i", "on")
        with sampling(options.sample, stacks) if options.sample else contextlib.nullcontext():
            yield
        if options.callgrind:
            control("-i", "off")
        profile.disable()
        sys.setprofile(None)

    loop = VirtualLoop()
    asyncio.set_event_loop(loop)
    app = SERVERS[options.server](options.handler)
    used, sent = loop.run_until_complete(run(app, options.sessions, measured))
    count = round(options.window / PERIOD) * options.sessions
    print(f"{used / count * 1e6:.1f} us per message; {sent} of {count} were answered", flush=True)
    if options.calls:
        total = sum(calls.python.values())
        print(f"{total / count:.1f} Python calls and {calls.c / count:.1f} C calls per message")
        for name, times in calls.python.most_common(70):
            print(f"{times / count:8.2f}  {name}")
    if options.sample:
        for part, share in shares(stacks, PARTS).items():
            print(f"{100 * share:5.1f}%  {part}")
    if options.profile:
        pstats.Stats(profile).sort_stats("tottime").print_stats(45)
    sys.stdout.flush()
    if not options.callgrind:
        os._exit(0)


if __name__ == "__main__":
    main()
