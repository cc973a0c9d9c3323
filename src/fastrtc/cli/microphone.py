"""The page of ``fastrtc doctor --microphone``: audio from the microphone to a handler and back."""

from __future__ import annotations

import asyncio
import mimetypes
import sys
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI
from fastapi.responses import FileResponse
from fastapi.staticfiles import StaticFiles

from .._version import __version__
from ..server.authorization import serving_locally
from ..server.shutdown import interrupt_on_sigterm
from ..stream import Stream
from ..tracks import AsyncStreamHandler
from ..utils import wait_for_item
from .ports import HOST

__all__ = ["make_app", "serve"]

PAGE = Path(__file__).with_name("microphone.html")


class _Echo(AsyncStreamHandler):
    """Send the audio back, to show that it has reached Python."""

    def __init__(self) -> None:
        super().__init__(input_sample_rate=48_000, output_sample_rate=48_000)
        self._heard: asyncio.Queue[Any] = asyncio.Queue(50)  # 1 s

    async def receive(self, frame: Any) -> None:
        if not self._heard.full():
            self._heard.put_nowait(frame)

    async def emit(self) -> Any:
        return await wait_for_item(self._heard)

    def copy(self) -> _Echo:
        return _Echo()


def make_app() -> FastAPI:
    """Create the application: the page, the JavaScript client, and a stream that echoes audio."""
    stream = Stream(
        _Echo(),
        modality="audio",
        concurrency_limit=4,
        server_rtc_configuration={"iceServers": []},
        verbose=False,
    )
    app = FastAPI(title="fastrtc doctor", version=__version__)
    stream.mount(app)
    mimetypes.add_type("text/javascript", ".js")  # the registry of Windows may have another type
    app.mount("/fastrtc", StaticFiles(packages=[("fastrtc", "static")]))

    @app.get("/", include_in_schema=False)
    def page() -> FileResponse:
        return FileResponse(PAGE)

    return app


def serve(port: int) -> None:
    """Serve the page on this machine until Ctrl-C, on a port that `port_problem` has checked."""
    print(f"Open http://127.0.0.1:{port} and press Start (Ctrl-C ends it)", file=sys.stderr)
    with serving_locally():
        app = make_app()
    with interrupt_on_sigterm():
        uvicorn.run(app, host=HOST, port=port, log_level="warning")
