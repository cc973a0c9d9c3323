"""Requests that a program makes from any thread, for connections of other nodes."""

from __future__ import annotations

import asyncio
import concurrent.futures
import logging
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, TypeAlias

from anyio import from_thread

from ...core.log_throttle import LogThrottle
from ...core.tasks import TaskOwner

__all__ = ["Sender", "Senders", "Start", "Then"]

logger = logging.getLogger(__name__)

SEND_TIMEOUT_S = 5.0
"""How long ``set_input`` in a thread waits for the owner of the connection, in seconds."""

LEAVE_TIMEOUT_S = 1.0
"""How long inputs that wait to be sent delay the end of this process, in seconds."""

MAX_UNSENT = 256
"""Number of inputs for one connection of another node that wait to be sent; beyond it, the oldest
are dropped."""

MAX_UNSENT_BYTES = 64 << 20
"""Size of all inputs that wait to be sent, in bytes; those beyond it are dropped."""

MAX_SENDING = 1024
"""Number of connections of other nodes that inputs wait to be sent to."""

Deliver: TypeAlias = Callable[[str, str, bytes], Coroutine[Any, Any, Any]]
Start: TypeAlias = Callable[[Coroutine[Any, Any, None], str], asyncio.Task[None]]
Then: TypeAlias = Callable[[Any, Start | None], None]
"""Called with the result of a call, or None, and what starts a task on the loop of the node, or
None."""

Unsent: TypeAlias = tuple[str, bytes, Then | None]

_failures = LogThrottle()


class Sender:
    """Send calls for connections of other nodes, those of each connection in order.

    Args:
        loop: The event loop of the node.
        deliver: Sends one call and returns its result, on this loop.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, deliver: Deliver) -> None:
        self._loop = loop
        self._deliver = deliver
        self._unsent: dict[str, deque[Unsent]] = {}
        self._unsent_bytes = 0
        self._tasks = TaskOwner("fastrtc-cluster")
        self._following = TaskOwner("fastrtc-cluster")

    async def flush(self) -> None:
        """Wait for a short time until everything is sent, and drop the rest."""
        self._following.cancel()
        tasks, self._tasks = self._tasks, TaskOwner("fastrtc-cluster")
        await tasks.join(LEAVE_TIMEOUT_S)
        tasks.cancel()

    def send(self, id: str, name: str, body: bytes, then: Then | None = None) -> Any:
        """Make a call to the owner of a connection, from any thread.

        In a thread without an event loop, wait for the result for up to 5 s. Otherwise send it in
        the background, after earlier ones for the same connection, and log exceptions.

        Args:
            id: The connection.
            name: The name of the call.
            body: Its arguments, encoded.
            then: Called on the loop with the result, unless the call raises here.

        Returns:
            The result; None on an event loop, and if there is no owner or it does not answer.

        Raises:
            Exception: The exceptions of the call, in a thread without an event loop.
        """
        try:
            running = asyncio.get_running_loop()
        except RuntimeError:
            result = self._wait(id, name, body)
            if then is not None:
                self._loop.call_soon_threadsafe(self._continue, then, result)
            return result
        if running is self._loop:
            self._enqueue(id, name, body, then)
        else:
            self._loop.call_soon_threadsafe(self._enqueue, id, name, body, then)
        return None

    def _continue(self, then: Then | None, result: Any) -> None:
        if then is not None:
            then(result, self._following.start)

    def _wait(self, id: str, name: str, body: bytes) -> Any:
        work = self._deliver(id, name, body)
        try:
            future = asyncio.run_coroutine_threadsafe(work, self._loop)
        except RuntimeError:  # the loop is closed
            work.close()
            return None
        try:
            return future.result(SEND_TIMEOUT_S)
        except concurrent.futures.TimeoutError:
            future.cancel()
            _failures.log(logger.error, "%s: no answer within %.0f s", name, SEND_TIMEOUT_S)
            return None

    def _enqueue(self, id: str, name: str, body: bytes, then: Then | None = None) -> None:
        unsent = self._unsent.get(id)
        if unsent is not None and len(unsent) >= MAX_UNSENT:
            self._continue(self._take_oldest(unsent)[2], None)
            _failures.log(logger.warning, "Inputs are dropped: their process is too slow")
        if self._unsent_bytes + len(body) > MAX_UNSENT_BYTES or (
            unsent is None and len(self._unsent) >= MAX_SENDING
        ):
            _failures.log(logger.warning, "Inputs are dropped: the cluster is too slow")
            self._continue(then, None)
            return
        self._unsent_bytes += len(body)
        if unsent is None:
            self._unsent[id] = deque([(name, body, then)])
            self._tasks.start(self._send_in_order(id), "forward")
        else:
            unsent.append((name, body, then))

    def _take_oldest(self, unsent: deque[Unsent]) -> Unsent:
        call = unsent.popleft()
        self._unsent_bytes -= len(call[1])
        return call

    async def _send_in_order(self, id: str) -> None:
        unsent = self._unsent[id]
        try:
            while unsent:
                name, body, then = self._take_oldest(unsent)
                result = None
                try:
                    result = await self._deliver(id, name, body)
                except Exception as error:
                    logger.error("%s of the connection %r failed: %s", name, id, error)
                finally:
                    self._continue(then, result)
        finally:
            del self._unsent[id]
            while unsent:  # if the task is cancelled
                self._continue(self._take_oldest(unsent)[2], None)


class Senders:
    """The senders of a stream, one for each event loop.

    Args:
        loops: Returns the event loops of its nodes.
        deliver: Sends one call and returns its result, on any of them.
    """

    def __init__(
        self, loops: Callable[[], Sequence[asyncio.AbstractEventLoop]], deliver: Deliver
    ) -> None:
        self._loops = loops
        self._deliver = deliver
        self._senders: dict[asyncio.AbstractEventLoop, Sender] = {}

    def current(self) -> Sender | None:
        """Return the sender of a node, preferably on the running loop.

        Before the stream has a node, it is that of the running loop, or of the loop that runs this
        code in a thread. None if there is no loop, because no request has reached this process yet.
        """
        try:
            running: asyncio.AbstractEventLoop | None = asyncio.get_running_loop()
        except RuntimeError:
            running = None
        live = [loop for loop in self._loops() if not loop.is_closed()]
        loop = running if running in live or not live else live[-1]
        loop = loop or _loop_of_worker_thread()
        if loop is None:
            return None
        if loop not in self._senders:
            for closed in [known for known in list(self._senders) if known.is_closed()]:
                self._senders.pop(closed, None)
        return self._senders.setdefault(loop, Sender(loop, self._deliver))

    async def flush(self) -> None:
        """Wait for a short time until the sender of the running loop has sent everything."""
        sender = self._senders.pop(asyncio.get_running_loop(), None)
        if sender is not None:
            await sender.flush()


def _loop_of_worker_thread() -> asyncio.AbstractEventLoop | None:
    """Return the loop that runs this code in a thread, as FastAPI and Gradio run ``def``."""
    try:
        return from_thread.run_sync(asyncio.get_running_loop)
    except RuntimeError:
        return None
