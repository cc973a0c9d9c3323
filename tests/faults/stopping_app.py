"""A server that is told to stop while somebody is connected.

    python -m tests.faults.stopping_app echo|blocked|flooding DRAIN_LIMIT [WHERE]

prints its port, and what becomes of its handlers. WHERE is one of ``APPS``.
"""

import asyncio
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import uvicorn
from fastapi import FastAPI, WebSocket

from fastrtc import Stream, StreamHandler
from fastrtc.stream import Body
from tests.support.peers import LOCAL
from tests.webrtc.handlers import AsyncAudioEcho


class Echo(AsyncAudioEcho):
    async def shutdown(self) -> None:
        print("shutdown", flush=True)


class Blocked(StreamHandler):
    """Hangs in each of its methods that may, as code that waits for a service that is gone."""

    def copy(self) -> "Blocked":
        return Blocked()

    def receive(self, frame: Any) -> None:
        threading.Event().wait()

    def emit(self) -> Any:
        threading.Event().wait()

    async def shutdown(self) -> None:
        print("shutdown", flush=True)
        await asyncio.Event().wait()


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


def mounted(stream: Stream) -> FastAPI:
    app = FastAPI()
    stream.mount(app)
    return app


def below(stream: Stream) -> FastAPI:
    """An app that is mounted on another: Starlette does not run its lifespan."""
    app = FastAPI()
    app.mount("/api", mounted(stream))
    return app


def below_with_lifespan(stream: Stream) -> FastAPI:
    """The same, where the outer app has a lifespan of its own."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        yield

    app = FastAPI(lifespan=lifespan)
    app.mount("/api", mounted(stream))
    return app


def while_it_starts(stream: Stream) -> FastAPI:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        stream.mount(app, "/api")
        yield

    return FastAPI(lifespan=lifespan)


def routes_of_its_own(stream: Stream) -> FastAPI:
    """The stream is not mounted at all."""
    app = FastAPI()

    @app.post("/api/webrtc/offer")
    async def offer(body: Body) -> Any:
        return await stream.offer(body)

    @app.websocket("/api/websocket/offer")
    async def socket(websocket: WebSocket) -> None:
        await stream.websocket_offer(websocket)

    return app


APPS = {
    "mounted": mounted,
    "below": below,
    "below_with_lifespan": below_with_lifespan,
    "while_it_starts": while_it_starts,
    "routes_of_its_own": routes_of_its_own,
}


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
    app = APPS[sys.argv[3]](stream)
    with suppress(KeyboardInterrupt):  # raised by uvicorn when all is over
        Server(uvicorn.Config(app, port=0, log_level="warning", loop=sys.argv[4])).run()
