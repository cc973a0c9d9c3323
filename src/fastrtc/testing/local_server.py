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
from .leaks import TaskOwners, place_of_thread

if TYPE_CHECKING:
    from ..stream import Stream

__all__ = ["LocalServer"]

START_TIMEOUT_S = 30.0
"""How long the start of the server may take, in seconds, lifespan included."""

STOP_TIMEOUT_S = 10.0
"""How long the server may take to stop, in seconds; then its thread is left behind."""

POLL_S = 0.005
"""Interval at which to look whether it has started or ended, in seconds."""

T = TypeVar("T")


class _Server(uvicorn.Server):
    """A server whose event loop, and the connections of its tasks, are known."""

    loop: asyncio.AbstractEventLoop | None = None

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.owners = TaskOwners()

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve until ``should_exit`` is set."""
        self.loop = asyncio.get_running_loop()
        self.loop.set_task_factory(self.owners.create_task)  # type: ignore[arg-type]
        await super().serve(sockets)


class LocalServer:
    """Serve a stream with uvicorn, mounted on an app of its own.

    It has an event loop of its own, whose tasks are those of the program. Calls to a stream at the
    same time share one server, as the clients of a stream do.

    Args:
        stream: The stream.

    Attributes:
        calls: The number of calls that use it.
    """

    def __init__(self, stream: Stream) -> None:
        self.calls = 0
        self._stream = stream
        self._socket = socket.create_server(("127.0.0.1", 0))
        app = FastAPI()
        stream.mount(app)
        config = uvicorn.Config(
            app, log_level="warning", log_config=None, timeout_graceful_shutdown=5
        )
        self._server = _Server(config)
        self._thread = threading.Thread(target=self._run, name="fastrtc-server", daemon=True)
        self._stopped = False

    @staticmethod
    async def acquire(stream: Stream) -> LocalServer:
        """Return the running server of a stream, or start one; `release` it after the call.

        Raises:
            CallFailed: If it does not start, such as when its lifespan fails.
        """
        while (server := _claim(stream)) is None:  # noqa: ASYNC110 (it stops in a thread)
            await asyncio.sleep(POLL_S)
        try:
            await server._started()
        except BaseException:
            await server.release()
            raise
        return server

    @property
    def url(self) -> str:
        """The URL of the server."""
        return f"http://127.0.0.1:{self._socket.getsockname()[1]}"

    @property
    def owners(self) -> TaskOwners:
        """The connections of the tasks."""
        return self._server.owners

    async def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on the event loop of the server, and return its result."""
        return await asyncio.wrap_future(self.submit(work))

    def submit(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        """Run a coroutine on the event loop of the server, as a task that can be cancelled."""
        assert self._server.loop is not None
        return asyncio.run_coroutine_threadsafe(work, self._server.loop)

    def place(self) -> str:
        """Return the file and line at which the event loop is."""
        return place_of_thread(self._thread)

    async def release(self) -> None:
        """Stop the server, and close its socket, unless another call uses it."""
        with _lock:
            self.calls -= 1
            if self.calls:
                return
            self._stopped = True
        self._server.should_exit = True
        loop = asyncio.get_running_loop()
        ends = loop.time() + STOP_TIMEOUT_S
        while self._thread.is_alive() and loop.time() < ends:  # noqa: ASYNC110
            await asyncio.sleep(POLL_S)
        self._socket.close()
        with _lock:
            del _running[id(self._stream)]

    def claim(self) -> bool:
        """Count a call, and start with the first one; return False if the server stops."""
        if self._stopped:
            return False
        self.calls += 1
        if self.calls == 1:
            self._thread.start()
        return True

    async def _started(self) -> None:
        """Wait until the server accepts requests."""
        loop = asyncio.get_running_loop()
        ends = loop.time() + START_TIMEOUT_S
        while not self._server.started:
            if not self._thread.is_alive() or loop.time() > ends:
                raise CallFailed("The server of the stream did not start: see the log")
            await asyncio.sleep(POLL_S)  # uvicorn has no event

    def _run(self) -> None:
        verbose, self._stream.verbose = self._stream.verbose, False
        try:
            with contextlib.suppress(SystemExit):  # of a failed start
                self._server.run([self._socket])
        finally:
            self._stream.verbose = verbose


_running: dict[int, LocalServer] = {}
"""The servers by the ids of their streams."""

_lock = threading.Lock()


def _claim(stream: Stream) -> LocalServer | None:
    """Return the server of a stream, which counts the call; None if it is stopping."""
    with _lock:
        server = _running.get(id(stream))
        if server is None:
            server = _running[id(stream)] = LocalServer(stream)
        return server if server.claim() else None
