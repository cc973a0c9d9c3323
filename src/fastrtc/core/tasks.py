"""Tasks that have an owner."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import weakref
from collections import deque
from collections.abc import Callable, Coroutine
from contextvars import Context, copy_context
from typing import Any, Generic, TypeVar, cast

from .failures import as_exception

__all__ = ["BoundedThreads", "TaskOwner", "end_if_cancelled", "run_in_thread", "runs_on"]

logger = logging.getLogger(__name__)
T = TypeVar("T")

_cancelled: weakref.WeakSet[asyncio.Task[Any]] = weakref.WeakSet()


def runs_on(loop: asyncio.AbstractEventLoop) -> bool:
    """Whether the calling code runs on a loop, and so may touch what belongs to it."""
    try:
        return asyncio.get_running_loop() is loop
    except RuntimeError:
        return False


def end_if_cancelled() -> None:
    """End the running task if its owner has cancelled it; for loops around user code.

    ``asyncio.wait_for`` of Python 3.11 and older forgets a cancellation that comes together
    with the result it waits for (python/cpython#86296), and its caller would go on for ever.

    Raises:
        asyncio.CancelledError: If so.
    """
    if asyncio.current_task() in _cancelled:
        raise asyncio.CancelledError


class _Call(Generic[T]):
    """A call in a thread, whose outcome is awaited on the loop that it is made on."""

    def __init__(self, function: Callable[[], T]) -> None:
        self._function = function
        self._loop = asyncio.get_running_loop()
        self._context = copy_context()
        self.future: asyncio.Future[T] = self._loop.create_future()

    def run(self) -> None:
        """Call the function, unless the caller has given up."""
        result: T | None = None
        error: Exception | None = None
        if self.future.done():
            return
        try:
            result = self._context.run(self._function)
        except BaseException as raised:  # handed to whoever waits
            error = as_exception(self._function, raised)
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            self._loop.call_soon_threadsafe(self._settle, result, error)

    def _settle(self, result: T | None, error: Exception | None) -> None:
        if self.future.done():
            return
        if error is not None:
            self.future.set_exception(error)
        else:
            self.future.set_result(cast(T, result))


async def run_in_thread(function: Callable[[], T]) -> T:
    """Call a function in a daemon thread of its own, in the context of the caller.

    Unlike the loop's pool of threads, which has few and is waited for at exit, one
    that hangs delays nobody else.

    Raises:
        Exception: What the function raises.
        HandlerExited: If that is no ``Exception``.
    """
    call = _Call(function)
    name = f"fastrtc-{getattr(function, '__name__', 'function')}"
    threading.Thread(target=call.run, name=name, daemon=True).start()
    return await call.future


class BoundedThreads:
    """Run functions in daemon threads, of which there are only so many at a time.

    Further calls wait for a thread, in order. Threads end when there is nothing to do.

    Args:
        name: The name of the threads.
        limit: The largest number of threads.
    """

    def __init__(self, name: str, limit: int) -> None:
        self._name = name
        self._limit = limit
        self._lock = threading.Lock()
        self._running = 0
        self._waiting: deque[_Call[Any]] = deque()

    async def run(self, function: Callable[[], T]) -> T:
        """Call a function in a thread, in the context of the caller.

        A call that is cancelled while it waits for a thread is not made.

        Raises:
            Exception: What the function raises.
            HandlerExited: If that is no ``Exception``.
        """
        call = _Call(function)
        with self._lock:
            if self._running < self._limit:
                threading.Thread(
                    target=self._work, args=(call,), name=self._name, daemon=True
                ).start()
                self._running += 1
            else:
                self._waiting.append(call)
        try:
            return await call.future
        finally:
            with self._lock, contextlib.suppress(ValueError):
                self._waiting.remove(call)

    def _work(self, call: _Call[Any]) -> None:
        while True:
            call.run()
            with self._lock:
                if not self._waiting:
                    self._running -= 1
                    return
                call = self._waiting.popleft()


class TaskOwner:
    """Starts tasks, keeps them from being collected, and ends them together.

    Args:
        name: What the names of the tasks begin with.
        context: The context variables that the tasks see; by default those of whoever
            starts them.
        on_error: Called with an exception that a task ended with (never with a
            cancellation). Without it the exception is logged.
    """

    def __init__(
        self,
        name: str,
        context: Context | None = None,
        on_error: Callable[[Exception], None] | None = None,
    ) -> None:
        self._name = name
        self._context = context
        self._on_error = on_error
        self._tasks: set[asyncio.Task[Any]] = set()
        self._closed = False

    def start(self, coroutine: Coroutine[Any, Any, T], name: str) -> asyncio.Task[T]:
        """Run a coroutine as a task of this owner, in the running loop."""
        loop = asyncio.get_running_loop()
        full_name = f"{self._name}:{name}"
        if self._context is None:
            task = loop.create_task(coroutine, name=full_name)
        else:  # create_task(context=) came with Python 3.11; a task copies the one it is made in
            task = self._context.copy().run(loop.create_task, coroutine, name=full_name)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        if self._closed:
            task.cancel()
        return task

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if task.cancelled():
            return
        error = task.exception()
        if error is None:
            return
        if self._on_error is not None:
            self._on_error(as_exception(task.get_name(), error))
        else:
            logger.error("Task %s failed", task.get_name(), exc_info=error)

    def cancel(self) -> None:
        """Ask every task to end, but the one that runs now; later ones end as they begin."""
        self._closed = True
        current = asyncio.current_task()
        for task in list(self._tasks):
            if task is not current:
                _cancelled.add(task)
                task.cancel()

    async def join(self, timeout: float) -> set[str]:
        """Wait until the tasks have ended.

        Args:
            timeout: How long to wait at most, in seconds.

        Returns:
            The names of those that did not end in time.
        """
        current = asyncio.current_task()
        waiting = [task for task in self._tasks if task is not current]
        if not waiting:
            return set()
        _, pending = await asyncio.wait(waiting, timeout=timeout)
        return {task.get_name() for task in pending}
