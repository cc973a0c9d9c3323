"""A stream on a server of its own, on 127.0.0.1, in the running event loop."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Generator
from typing import TYPE_CHECKING

import uvicorn
from fastapi import FastAPI

from .errors import CallFailed

if TYPE_CHECKING:
    from ..stream import Stream

__all__ = ["LocalServer"]

START_TIMEOUT_S = 30.0
"""How long the start of the server may take, in seconds, lifespan included."""


class _Server(uvicorn.Server):
    """A server that leaves the signals of the process alone."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Capture none."""
        yield


class LocalServer:
    """Serve a stream with uvicorn, mounted on an app of its own.

    Args:
        stream: The stream.
    """

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._socket: socket.socket | None = None
        self._server: uvicorn.Server | None = None
        self._task: asyncio.Task[None] | None = None
        self._verbose = stream.verbose

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
        self._verbose, self._stream.verbose = self._stream.verbose, False
        config = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=5)
        self._server = server = _Server(config)
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._task = asyncio.create_task(_serve(server, self._socket))
        loop = asyncio.get_running_loop()
        ends = loop.time() + START_TIMEOUT_S
        while not (server.started or self._task.done()) and loop.time() < ends:  # noqa: ASYNC110
            await asyncio.sleep(0.005)  # uvicorn has no event
        self._stream.verbose = self._verbose
        if not server.started:
            await self.stop()
            raise CallFailed("The server of the stream did not start: see the log")

    async def stop(self) -> None:
        """Stop the server, and close its socket."""
        if self._server is not None and self._task is not None and self._socket is not None:
            self._server.should_exit = True
            await self._task
            self._socket.close()


async def _serve(server: uvicorn.Server, listening: socket.socket) -> None:
    with contextlib.suppress(SystemExit):  # of a failed start: it would end the event loop
        await server.serve([listening])
