"""A server of echo streams for the tests of networks, started with a line of JSON.

    {"port": 8000, "streams": {"/one": {"udp_port": 40000}, "/default": null}}

It prints `"ready"` once it accepts requests. `/browser?/one,/default` is a page that connects to
streams, one after the other; the server prints what it reports.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import FileResponse

from fastrtc import AsyncStreamHandler, Ice, Stream, wait_for_item

__all__ = ["Echo"]

PAGE = Path(__file__).with_name("browser.html")


class Echo(AsyncStreamHandler):
    """Returns what it hears."""

    def __init__(self) -> None:
        super().__init__(input_sample_rate=48000, output_sample_rate=48000)
        self.audio: asyncio.Queue[Any] = asyncio.Queue()

    def copy(self) -> Echo:
        return Echo()

    async def receive(self, frame: Any) -> None:
        self.audio.put_nowait(frame)

    async def emit(self) -> Any:
        return await wait_for_item(self.audio)


class _Server(uvicorn.Server):
    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets)
        if self.started:
            print(json.dumps("ready"), flush=True)


def main(port: int, streams: dict[str, dict[str, Any] | None], loop: str = "auto") -> None:
    app = FastAPI()

    @app.get("/browser")
    def page() -> FileResponse:
        return FileResponse(PAGE, media_type="text/html")

    @app.post("/report")
    async def report(request: Request) -> None:
        print(json.dumps(await request.json()), flush=True)

    for path, options in streams.items():
        arguments = dict(options or {})
        servers = arguments.pop("servers", None)
        if "udp_ports" in arguments:
            arguments["udp_ports"] = tuple(arguments["udp_ports"])
        stream = Stream(
            Echo(),
            modality="audio",
            verbose=False,
            mode="send-receive",
            concurrency_limit=None if arguments.pop("one", False) else 1000,
            ice=None if options is None else Ice(**arguments),
            server_rtc_configuration=None if servers is None else {"iceServers": servers},
        )
        stream.mount(app, path)
    config = uvicorn.Config(app, host="0.0.0.0", port=port, log_level="warning", loop=loop)
    _Server(config).run()


if __name__ == "__main__":
    logging.basicConfig(level=os.environ.get("LOG_LEVEL", "WARNING"))
    main(**json.loads(sys.argv[1]))
