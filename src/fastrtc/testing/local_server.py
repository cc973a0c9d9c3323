"""A stream on a server of its own, on 127.0.0.1, in a thread with an event loop of its own."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, TypeVar

import uvicorn
from fastapi import FastAPI

from .errors import CallFailed

if TYPE_CHECKING:
    from ..stream import Stream

__all__ = ["LocalServer"]

START_TIMEOUT_S = 30.0
"""How long the start of the server may take, in seconds, lifespan included."""

POLL_S = 0.005
"""Interval at which to look whether it has started or ended, in seconds."""

T = TypeVar("T")


class _Server(uvicorn.Server):
    """A server whose event loop is known."""

    loop: asyncio.AbstractEventLoop | None = None

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve until ``should_exit`` is set."""
        self.loop = asyncio.get_running_loop()
        await super().serve(sockets)


class LocalServer:
    """Serve a stream with uvicorn, mounted on an app of its own.

    It has an event loop of its own, whose tasks are those of the program.

    Args:
        stream: The stream.
    """

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._socket: socket.socket | None = None
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """The URL of the server."""
        assert self._socket is not None
        return f"http://127.0.0.1:{self._socket.getsockname()[1]}"

    async def start(self) -> None:
        """Start, and wait until the server accepts requests.

        Raises:
            CallFailed: If it does not start, such as when its lifespan fails.
        """
        app = FastAPI()
        self._stream.mount(app)
        config = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=5)
        self._server = server = _Server(config)
        self._socket = listening = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(
            target=_run, args=(server, listening), name="fastrtc-server", daemon=True
        )
        verbose, self._stream.verbose = self._stream.verbose, False
        self._thread.start()
        loop = asyncio.get_running_loop()
        ends = loop.time() + START_TIMEOUT_S
        while not server.started and self._thread.is_alive() and loop.time() < ends:  # noqa: ASYNC110
            await asyncio.sleep(POLL_S)  # uvicorn has no event
        self._stream.verbose = verbose
        if not server.started:
            await self.stop()
            raise CallFailed("The server of the stream did not start: see the log")

    async def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on the event loop of the server, and return its result."""
        return await asyncio.wrap_future(self.submit(work))

    def submit(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        """Run a coroutine on the event loop of the server, as a task that can be cancelled."""
        assert self._server is not None and self._server.loop is not None
        return asyncio.run_coroutine_threadsafe(work, self._server.loop)

    async def stop(self) -> None:
        """Stop the server, and close its socket."""
        if self._server is not None and self._thread is not None and self._socket is not None:
            self._server.should_exit = True
            while self._thread.is_alive():  # noqa: ASYNC110 (a thread has no event)
                await asyncio.sleep(POLL_S)
            self._socket.close()


def _run(server: _Server, listening: socket.socket) -> None:
    with contextlib.suppress(SystemExit):  # of a failed start
        server.run([listening])
