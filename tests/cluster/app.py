"""An echo with inputs and outputs, which also runs with FastRTC 0.0.34.

GET  /outputs?webrtc_id=...     server-sent events: each input, and the process that echoes it
POST /inputs                    {"webrtc_id": "...", "value": "..."}
GET  /candidates?webrtc_id=...  the types of the client's candidates that the owner knows
GET  /page                      a page with the JavaScript client
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.responses import FileResponse, StreamingResponse
from fastapi.staticfiles import StaticFiles
from pydantic import BaseModel

from fastrtc import AdditionalOutputs, AsyncStreamHandler, Stream, wait_for_item

OURS = hasattr(Stream, "diagnose")


class Echo(AsyncStreamHandler):
    """Returns what it hears, and each input as an output."""

    def __init__(self) -> None:
        super().__init__(input_sample_rate=48000, output_sample_rate=48000)
        self.audio: asyncio.Queue[Any] = asyncio.Queue()
        self.echoed: Any = None

    def copy(self) -> Echo:
        return Echo()

    async def receive(self, frame: Any) -> None:
        self.audio.put_nowait(frame)

    async def emit(self) -> Any:
        args = self.latest_args
        value = args[1] if isinstance(args, list) and len(args) > 1 else None
        if value is not None and value != self.echoed:
            self.echoed = value
            return AdditionalOutputs(value, os.getpid())
        return await wait_for_item(self.audio)


options: dict[str, Any] = {}
if OURS:
    options = {
        "drain_limit": float(os.environ.get("DRAIN_LIMIT", "0")),
        "server_rtc_configuration": {"iceServers": []},
        "verbose": False,
    }
    if "TOTAL_LIMIT" in os.environ:
        options["total_limit"] = int(os.environ["TOTAL_LIMIT"])
stream = Stream(
    Echo(),
    modality="audio",
    mode="send-receive",
    concurrency_limit=int(os.environ.get("CONCURRENCY_LIMIT", "1000")),
    **options,
)
app = FastAPI()
stream.mount(app)
if OURS:
    stream.mount_health(app)
    app.mount("/fastrtc", StaticFiles(packages=[("fastrtc", "static")]))


class Input(BaseModel):
    """An input of a client."""

    webrtc_id: str
    value: str


@app.post("/inputs")
async def put_input(given: Input) -> int:
    stream.set_input(given.webrtc_id, given.value)
    return os.getpid()


@app.get("/outputs")
async def outputs(webrtc_id: str) -> StreamingResponse:
    async def events() -> AsyncIterator[str]:
        async for output in stream.output_stream(webrtc_id):
            yield f"data: {json.dumps(output.args)}\n\n"

    return StreamingResponse(events(), media_type="text/event-stream")


@app.get("/candidates")
def candidates(webrtc_id: str) -> list[str]:
    return [candidate.type for candidate in stream.diagnose(webrtc_id).remote]


@app.get("/page")
async def page() -> FileResponse:
    return FileResponse(Path(__file__).with_name("page.html"))
