"""A server that is told to stop while somebody is connected.

    python -m tests.faults.stopping_app echo|blocked|flooding DRAIN_LIMIT

prints its port, and what becomes of its handlers.
"""

import asyncio
import sys
import threading
from typing import Any

import uvicorn
from fastapi import FastAPI

from fastrtc import Stream, StreamHandler
from tests.support.peers import LOCAL
from tests.webrtc.handlers import AsyncAudioEcho


class Echo(AsyncAudioEcho):
    async def shutdown(self) -> None:
        print("shutdown", flush=True)


class Blocked(StreamHandler):
    """Hangs in each of its methods, as code that waits for a service that is gone."""

    def copy(self) -> "Blocked":
        return Blocked()

    def receive(self, frame: Any) -> None:
        threading.Event().wait()

    def emit(self) -> Any:
        threading.Event().wait()

    def shutdown(self) -> None:
        print("shutdown", flush=True)
        threading.Event().wait()


class Flooding(Echo):
    """Sends more than the network holds."""

    async def receive(self, frame: Any) -> None:
        print("flooding", flush=True)
        while True:
            await self.send_message("x" * 50_000)
            await asyncio.sleep(0)


class Server(uvicorn.Server):
    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets)
        print(self.servers[0].sockets[0].getsockname()[1], flush=True)


if __name__ == "__main__":
    stream = Stream(
        {"echo": Echo, "blocked": Blocked, "flooding": Flooding}[sys.argv[1]](),
        modality="audio",
        mode="send-receive",
        concurrency_limit=10,
        server_rtc_configuration=LOCAL,
        verbose=False,
        drain_limit=float(sys.argv[2]),
    )
    app = FastAPI()
    stream.mount(app)
    Server(uvicorn.Config(app, port=0, log_level="warning")).run()
