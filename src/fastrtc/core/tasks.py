"""Tasks and threads with an owner."""

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

__all__ = [
    "MAX_THREADS",
    "BoundedThreads",
    "TaskOwner",
    "end_if_cancelled",
    "run_in_thread",
    "runs_on",
    "runs_on_a_loop",
]

logger = logging.getLogger(__name__)
T = TypeVar("T")

MAX_THREADS = 40
"""Maximum number of concurrent calls of a sync function of the program, such as ``authorize``: as
many as Starlette has threads, but separate from those, which serve the program's other routes."""

_cancelled: weakref.WeakSet[asyncio.Task[Any]] = weakref.WeakSet()


def runs_on(loop: asyncio.AbstractEventLoop) -> bool:
    """Return whether the calling code runs on *loop*, and so may use what belongs to it."""
    try:
        return asyncio.get_running_loop() is loop
    except RuntimeError:
        return False


def runs_on_a_loop() -> bool:
    """Return whether the calling code runs on an event loop, which must not be blocked."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def end_if_cancelled() -> None:
    """End the running task if its owner has cancelled it; for loops around user code.

    ``asyncio.wait_for`` of Python 3.11 and older loses a cancellation that coincides with its
    result (python/cpython#86296), and its caller would run forever.

    Raises:
        asyncio.CancelledError: If the task was cancelled.
    """
    if len(_cancelled) and asyncio.current_task() in _cancelled:  # mostly, there are none
        raise asyncio.CancelledError


class _Call(Generic[T]):
    """A call in a thread, whose result is awaited on the loop that created it."""

    def __init__(self, function: Callable[[], T]) -> None:
        self._function = function
        self._loop = asyncio.get_running_loop()
        self._context = copy_context()
        self.future: asyncio.Future[T] = self._loop.create_future()

    def run(self) -> None:
        """Call the function, unless the caller has been cancelled."""
        result: T | None = None
        error: Exception | None = None
        if self.future.done():
            return
        try:
            result = self._context.run(self._function)
        except BaseException as raised:  # raised in the waiting task
            error = as_exception(self._function, raised)
        with contextlib.suppress(RuntimeError):  # the loop is closed: no task waits any longer
            self._loop.call_soon_threadsafe(self._settle, result, error)

    def _settle(self, result: T | None, error: Exception | None) -> None:
        if self.future.done():
            return
        if error is not None:
            self.future.set_exception(error)
        else:
            self.future.set_result(cast(T, result))


async def run_in_thread(function: Callable[[], T]) -> T:
    """Call a function in its own daemon thread, in a copy of the caller's context.

    The loop's thread pool is small and is joined at exit; a blocked thread of its own delays
    nothing else.

    Raises:
        Exception: Exceptions of the function.
        HandlerExited: If the function raised something that is not an ``Exception``.
    """
    call = _Call(function)
    name = f"fastrtc-{getattr(function, '__name__', 'function')}"
    threading.Thread(target=call.run, name=name, daemon=True).start()
    return await call.future


class BoundedThreads:
    """Run functions in a bounded number of daemon threads.

    Further calls wait for a thread, in order. Idle threads end.

    Args:
        name: The name of the threads.
        limit: The maximum number of threads.
    """

    def __init__(self, name: str, limit: int = MAX_THREADS) -> None:
        self._name = name
        self._limit = limit
        self._lock = threading.Lock()
        self._running = 0
        self._waiting: deque[_Call[Any]] = deque()

    async def run(self, function: Callable[[], T]) -> T:
        """Call a function in a thread, in a copy of the caller's context.

        A call that is cancelled while it waits for a thread is not made.

        Raises:
            Exception: Exceptions of the function.
            HandlerExited: If the function raised something that is not an ``Exception``.
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
    """Start tasks, hold references to them, and end them together.

    Args:
        name: Prefix of the tasks' names.
        context: The context of the tasks; by default that of the code that starts them.
        on_error: Called with the exception of a failed task (not with a cancellation). By default
            exceptions are logged.
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

    def start(
        self,
        coroutine: Coroutine[Any, Any, T],
        name: str,
        *,
        awaits: Coroutine[Any, Any, Any] | None = None,
    ) -> asyncio.Task[T]:
        """Run a coroutine as a task of this owner, on the running loop.

        Args:
            coroutine: The coroutine.
            name: Name of the task.
            awaits: A coroutine that it awaits, which is closed in the end: a task that is cancelled
                before it has started would leave it without being awaited, with a warning.
        """
        loop = asyncio.get_running_loop()
        full_name = f"{self._name}:{name}"
        if self._context is None:
            task = loop.create_task(coroutine, name=full_name)
        else:  # create_task(context=) needs Python 3.11; a task copies the current context
            task = self._context.copy().run(loop.create_task, coroutine, name=full_name)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        if awaits is not None:
            task.add_done_callback(lambda _: awaits.close())
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
        """Cancel all tasks but the running one; tasks started later are cancelled at once."""
        self._closed = True
        current = asyncio.current_task()
        for task in list(self._tasks):
            if task is not current:
                _cancelled.add(task)
                task.cancel()

    async def join(self, timeout: float) -> set[str]:
        """Wait until the tasks have ended.

        Args:
            timeout: The longest time to wait, in seconds.

        Returns:
            The names of tasks that have not ended.
        """
        current = asyncio.current_task()
        waiting = [task for task in self._tasks if task is not current]
        if not waiting:
            return set()
        _, pending = await asyncio.wait(waiting, timeout=timeout)
        return {task.get_name() for task in pending}
