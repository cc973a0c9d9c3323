"""Calls of the program to functions of the client."""

from __future__ import annotations

import asyncio
import concurrent.futures
import itertools
import json
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from ..core.errors import ClientCallError, ClientCallTimeout
from ..core.tasks import runs_on
from .client_messages import MAX_MESSAGE_BYTES

__all__ = ["ClientCalls"]

MAX_PENDING = 256
"""Calls that wait for their result at a time."""

MAX_FINISHED = 256
"""Ids of calls that are remembered after their time-out, to name late results."""

Result = concurrent.futures.Future[Any]


class ClientCalls:
    """Send calls to the client, and match the results; thread-safe, but for ``receive``.

    Args:
        post: Sends a message to the client; thread-safe.
        loop: The event loop of the connection.

    Attributes:
        on_dropped: Called with the id of a call whose caller no longer waits for its result, on the
            thread of the caller; None for nothing.
    """

    def __init__(self, post: Callable[[str], None], loop: asyncio.AbstractEventLoop) -> None:
        self._post = post
        self._loop = loop
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._pending: dict[str, Result] = {}
        self._finished: deque[str] = deque(maxlen=MAX_FINISHED)
        self._closed = False
        self.on_dropped: Callable[[str], None] | None = None

    @property
    def pending(self) -> bool:
        """Whether calls wait for their result."""
        return bool(self._pending)

    async def call(self, name: str, data: Any, timeout_s: float) -> Any:
        """Call a function of the client; see ``Context.call``."""
        id, result = self._send(name, data)
        try:
            return await asyncio.wait_for(asyncio.wrap_future(result), timeout_s)
        except asyncio.TimeoutError:
            if result.done() and not result.cancelled():  # an answer at the same time
                return result.result()
            raise _too_late(name, timeout_s) from None
        finally:
            self._forget(id)

    def call_sync(self, name: str, data: Any, timeout_s: float) -> Any:
        """Call a function of the client from a thread; see ``Context.call_sync``."""
        if runs_on(self._loop):
            raise RuntimeError("This would block the event loop: await call() instead")
        id, result = self._send(name, data)
        try:
            return result.result(timeout_s)
        except concurrent.futures.TimeoutError:
            raise _too_late(name, timeout_s) from None
        finally:
            self._forget(id)

    def _send(self, name: str, data: Any) -> tuple[str, Result]:
        if not isinstance(name, str) or not name:
            raise ValueError(f"The name of a function must be a string, not {name!r}")
        result = Result()
        with self._lock:
            if self._closed:
                raise ClientCallError(f"{name}: the connection has ended")
            if len(self._pending) >= MAX_PENDING:
                raise ClientCallError(f"{name}: more than {MAX_PENDING} calls wait for a result")
            id = f"server-{next(self._numbers)}"
            message = json.dumps({"type": "call", "id": id, "name": name, "data": data})
            if len(message) > MAX_MESSAGE_BYTES:
                raise ValueError(
                    f"{name}: a call may have {MAX_MESSAGE_BYTES} bytes, not {len(message)}"
                )
            self._pending[id] = result
        self._post(message)
        return id, result

    def _forget(self, id: str) -> None:
        with self._lock:
            dropped = self._pending.pop(id, None) is not None
            if dropped:
                self._finished.append(id)
        if dropped and self.on_dropped is not None:
            self.on_dropped(id)

    def receive(self, message: dict[str, Any]) -> bool | None:
        """Process a ``result`` of the client.

        Returns:
            False if it is no answer to a call of this class, but a message of the program.

        Raises:
            ValueError: If it comes after the time-out of its call.
        """
        id = message.get("id")
        if not isinstance(id, str):
            return False
        with self._lock:
            result = self._pending.pop(id, None)
            late = id in self._finished
        if result is None:
            if late:
                raise ValueError(f"The result of the call {id!r} came too late")
            return False
        with suppress(concurrent.futures.InvalidStateError):  # cancelled meanwhile
            if "error" in message:
                result.set_exception(ClientCallError(_text(message["error"])))
            else:
                result.set_result(message.get("data"))
        return None

    def close(self) -> None:
        """End all calls: the connection ends."""
        with self._lock:
            self._closed = True
            pending, self._pending = self._pending, {}
        for result in pending.values():
            with suppress(concurrent.futures.InvalidStateError):
                result.set_exception(ClientCallError("The connection has ended"))


def _text(error: Any) -> str:
    return error if isinstance(error, str) else json.dumps(error)


def _too_late(name: str, timeout_s: float) -> ClientCallTimeout:
    return ClientCallTimeout(f"{name}: the client did not answer within {timeout_s:g} s")
