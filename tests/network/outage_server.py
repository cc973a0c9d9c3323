"""A stream whose clients may resume, steered over stdin; see `tests/support/commands.py`.

{"do": "look"}      returns what has happened, and what there is
{"do": "send", "text": "1"}    sends a message to each client

`/page` is a client in JavaScript, which `tests/network/test_outages_of_pages.py` steers.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import uvicorn
from fastapi import FastAPI
from fastapi.responses import FileResponse
from fastapi.staticfiles import StaticFiles

from fastrtc import AsyncStreamHandler, Context, Ice, Stream, wait_for_item
from tests.support.commands import answer_requests
from tests.support.connections import left
from tests.support.steps import stepped

__all__ = ["Reader"]

PAGE = Path(__file__).with_name("outage_page.html")
RATE = 24_000
CHUNK_S = 0.5

happened: list[list[Any]] = []
heard_s: dict[str, float] = {}
contexts: dict[str, Context] = {}


class Reader(AsyncStreamHandler):
    """Says steps, and counts what it hears."""

    steps = 250

    def __init__(self) -> None:
        super().__init__(output_sample_rate=RATE, input_sample_rate=RATE)
        self.audio: asyncio.Queue[Any] = asyncio.Queue()

    def copy(self) -> Reader:
        return Reader()

    async def start_up(self) -> None:
        happened.append(["start_up", id(self)])
        samples = stepped(RATE, self.steps)
        size = round(CHUNK_S * RATE)
        for start in range(0, len(samples), size):
            self.audio.put_nowait((RATE, samples[np.newaxis, start : start + size]))

    async def receive(self, frame: Any) -> None:
        pass

    async def emit(self) -> Any:
        return await wait_for_item(self.audio)

    async def shutdown(self) -> None:
        happened.append(["shutdown", id(self)])

    async def on_message(self, message: dict[str, Any]) -> None:
        happened.append(["message", message])


async def connected(context: Context) -> None:
    contexts[context.webrtc_id] = context


async def reconnected(context: Context) -> None:
    kind = "webrtc" if context.websocket is None else "websocket"
    host = None if context.request is None else context.request.headers.get("host")
    happened.append(["reconnected", kind, host])


async def disconnected(context: Context, end: Any) -> None:
    contexts.pop(context.webrtc_id, None)
    happened.append(["disconnected", end.code, end.reason])


async def wait(seconds: float) -> str:
    await asyncio.sleep(seconds)
    return "waited"


class _Server(uvicorn.Server):
    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets)
        print(json.dumps("ready"), flush=True)


class _Commands:
    def __init__(self, stream: Stream) -> None:
        self._stream = stream

    async def look(self) -> dict[str, Any]:
        return {
            "happened": happened,
            "connections": list(self._stream.connections),
            "tables": left(self._stream),
            "tasks": len(asyncio.all_tasks()),
            "threads": len(threading.enumerate()),
            "files": len(os.listdir("/proc/self/fd")),
        }

    async def send(self, text: str) -> int:
        for context in contexts.values():
            context.send({"type": "text", "data": text})
        return len(contexts)


async def main(port: int, within_s: float, steps: int, host: str = "0.0.0.0") -> None:
    Reader.steps = steps
    stream = Stream(
        Reader(),
        modality="audio",
        mode="send-receive",
        verbose=False,
        concurrency_limit=1000,
        ice=Ice(udp_port=40000),
        server_rtc_configuration={"iceServers": []},
        resume_within_s=within_s,
        on_connect=connected,
        on_reconnect=reconnected,
        on_disconnect=disconnected,
    )
    stream.method("wait")(wait)
    app = FastAPI()
    stream.mount(app)
    app.mount("/fastrtc", StaticFiles(packages=[("fastrtc", "static")]))
    app.get("/page")(lambda: FileResponse(PAGE, media_type="text/html"))
    server = _Server(uvicorn.Config(app, host=host, port=port, log_level="error"))
    serving = asyncio.ensure_future(server.serve())
    await answer_requests(_Commands(stream))
    server.should_exit = True
    await serving


if __name__ == "__main__":
    asyncio.run(main(**json.loads(sys.argv[1])))
