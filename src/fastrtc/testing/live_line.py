"""What the lines to a real server have in common: server, clock, loudspeaker, outputs."""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from abc import abstractmethod
from collections.abc import Coroutine, Mapping
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .errors import CallFailed, not_connected
from .impairments import Network
from .leaks import CALLER, Leaks
from .line import Line
from .local_server import LocalServer
from .speaker import Speaker
from .tcp_path import TcpPath

if TYPE_CHECKING:
    from ..stream import Stream

__all__ = ["LiveLine"]


class LiveLine(Line):
    """A line in real time, to a server of its own, or to one that runs elsewhere.

    Args:
        stream: The stream; or the URL of a server, whose handler gets no inputs, and whose outputs
            are not seen.
        network: The faults of the network, in both directions.
        headers: Headers of each request.
    """

    delay_s = 0.02
    """How long the loudspeaker delays audio, in seconds."""

    max_queued_s = 0.1
    """How much audio may wait in the loudspeaker, in seconds."""

    def __init__(self, stream: Stream | str, network: Network, headers: Mapping[str, str]) -> None:
        super().__init__()
        self.id = uuid.uuid4().hex
        self._url = stream if isinstance(stream, str) else None
        self._stream = None if isinstance(stream, str) else stream
        self._network = network
        self._headers = dict(headers)
        self._server: LocalServer | None = None
        self._leaks = Leaks(belongs=self._is_own)
        self._opened_at = 0.0
        self._tasks: set[asyncio.Task[None]] = set()
        self._outputs: Future[None] | None = None
        self._hung_up = False

    @abstractmethod
    async def _connect(self, url: str) -> None:
        """Connect to a server.

        Raises:
            CallFailed: If it refuses the connection, with its reason.
        """

    @abstractmethod
    async def _disconnect(self) -> None:
        """End the connection; never raises."""

    async def open(self) -> None:
        """Start the server, and connect to it."""
        url = self._url or ""
        loop = asyncio.get_running_loop()
        self._opened_at = loop.time()
        self._sends = self._stream is None or self._stream.mode != "receive"
        self._speaker = Speaker(self._heard, self.delay_s, self.max_queued_s)
        self._sending = TcpPath(self._network, "to the server", self._opened_at)
        self._receiving = TcpPath(self._network, "to the caller", self._opened_at)
        if self._stream is not None:
            self._server = await LocalServer.acquire(self._stream)
            url = self._server.url
        try:
            try:
                await asyncio.wait_for(self._begin(url), self.connect_limit_s)
            except asyncio.TimeoutError:
                raise not_connected(f"no answer within {self.connect_limit_s:g} s") from None
        except BaseException:
            await self._end()
            raise
        self._opened_at = loop.time()

    def now_s(self) -> float:
        """Return the seconds since the line was opened."""
        return asyncio.get_running_loop().time() - self._opened_at

    async def wait_until(self, when_s: float) -> None:
        """Wait until a time on the clock of the line."""
        await asyncio.sleep(max(0.0, when_s - self.now_s()))

    async def set_inputs(self, values: tuple[object, ...]) -> None:
        """Set the inputs of the handler."""
        if self._stream is None:
            raise CallFailed("A server at a URL gets no inputs: only a Stream in this process does")
        self._stream.set_input(self.id, *values)

    async def press(self, digit: str) -> None:
        """Raise an error: only a telephone has keys."""
        raise CallFailed("Only a telephone has keys: use over='twilio'")

    async def hang_up(self) -> None:
        """End the connection, stop the server, and check that nothing is left running."""
        self._hung_up = True
        await self._end()

    async def _end(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._outputs is not None:
            self._outputs.cancel()
        self._speaker.stop()
        try:
            with contextlib.suppress(asyncio.TimeoutError):  # what follows says why
                await asyncio.wait_for(self._disconnect(), self.hang_up_limit_s)
            if self._stream is not None and self._server is not None:
                await self._session_closed(self._stream)
                await self._check_leaks(self._server)
        finally:
            if self._server is not None:
                await self._server.release()

    async def _session_closed(self, stream: Stream) -> None:
        """Wait until the server has ended the connection."""
        loop = asyncio.get_running_loop()
        ends = loop.time() + self.hang_up_limit_s
        while self.id in stream.handlers:
            if loop.time() > ends:
                raise CallFailed(
                    f"The connection did not end within {self.hang_up_limit_s:g} s: its handler "
                    "blocks"
                )
            await asyncio.sleep(0.01)

    def _is_own(self, task: asyncio.Task[Any]) -> bool:
        """Return whether a task of the server is of this call.

        Those of no connection are of the last call.
        """
        assert self._server is not None
        owner = self._server.owners.id_of(task)
        return owner == self.id or (owner is None and self._server.calls == 1)

    async def _check_leaks(self, server: LocalServer) -> None:
        try:
            await asyncio.wait_for(server.run(self._leaks.check()), self.hang_up_limit_s)
        except asyncio.TimeoutError:
            raise CallFailed(
                f"The program blocks the event loop of its server, at {server.place()}"
            ) from None

    async def _begin(self, url: str) -> None:
        if self._server is not None:
            await self._server.run(self._record_tasks())
            loop = asyncio.get_running_loop()
            self._outputs = self._server.submit(self._read_outputs(loop))
        await self._connect(url)

    async def _record_tasks(self) -> None:
        self._leaks.begin()

    async def _read_outputs(self, loop: asyncio.AbstractEventLoop) -> None:
        """Read the outputs, on the event loop of the server."""
        assert self._stream is not None
        task = asyncio.current_task()
        assert task is not None
        task.set_name(f"{CALLER}:outputs")
        async for outputs in self._stream.output_stream(self.id):
            loop.call_soon_threadsafe(self.on_outputs, outputs.args)

    def _heard(self, when: float, rate: int, samples: NDArray[np.int16]) -> None:
        if not self._hung_up:
            self.on_audio(when - self._opened_at, rate, samples)

    def _ended(self, reason: str) -> None:
        if not self._hung_up:
            self.on_end(reason)

    def _run(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        self._tasks.add(asyncio.create_task(work, name=f"{CALLER}:{name}"))
