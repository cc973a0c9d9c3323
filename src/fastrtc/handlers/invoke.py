"""The one place that runs user code.

Async code runs in tasks on the connection's event loop. Other code runs in threads
that belong to the connection, so that what blocks in one delays no other. They are
daemons: a handler that never returns does not keep the process from ending.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import functools
import inspect
import logging
import queue
import threading
from collections.abc import AsyncGenerator, Callable
from contextvars import Context
from typing import Any

from ..core.errors import HandlerExited
from ..core.failures import as_exception, contained
from ..core.outputs import is_output
from ..core.tasks import end_if_cancelled

__all__ = ["Invoker", "as_exception", "check_returned", "is_async"]

logger = logging.getLogger(__name__)

_ROLE_END = None
_EXHAUSTED = object()


def is_async(function: Callable[..., Any]) -> bool:
    """Whether calling it gives a coroutine or an async generator: it belongs on the loop."""
    while isinstance(function, functools.partial):
        function = function.func
    if inspect.isclass(function):  # whatever its instances are
        return False
    call = function if inspect.isroutine(function) else getattr(function, "__call__", function)  # noqa: B004
    return inspect.iscoroutinefunction(call) or inspect.isasyncgenfunction(call)


def check_returned(function: Callable[..., Any], result: Any) -> None:
    """Check that a function which yields its outputs has not returned one.

    Args:
        function: A generator function, or one that returns an iterator of outputs.
        result: What it returned.

    Raises:
        TypeError: If that is one output, such as ``(rate, samples)``.
    """
    if is_output(result):
        raise TypeError(f'{_name(function)} must give its outputs with "yield", not with "return"')


def _name(function: Callable[..., Any]) -> str:
    return str(getattr(function, "__qualname__", function))


class _Worker:
    """A daemon thread that runs one call after another."""

    def __init__(self, name: str, context: Context) -> None:
        self._jobs: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._context = context
        self.busy = False
        self.thread = threading.Thread(target=self._run, name=name, daemon=True)
        self.thread.start()

    def _run(self) -> None:
        while (job := self._jobs.get()) is not _ROLE_END:
            self.busy = True
            self._context.run(job)
            self.busy = False
            del job  # do not hold its arguments while waiting

    def submit(self, job: Callable[[], None]) -> None:
        self._jobs.put(job)

    def end(self) -> None:
        """End the thread after the jobs that it was given."""
        self._jobs.put(_ROLE_END)


class Invoker:
    """Runs the user code of one connection.

    Args:
        name: What the names of its threads begin with.
        context: The context variables that the code sees.
    """

    def __init__(self, name: str, context: Context) -> None:
        self._name = name
        self._context = context
        self._loop = asyncio.get_running_loop()
        self._workers: dict[str, _Worker] = {}
        self._finishing: set[concurrent.futures.Future[Any]] = set()
        self._stopped = False
        self.closed = threading.Event()

    async def call(self, role: str, function: Callable[..., Any], *args: Any) -> Any:
        """Call a function of the user and wait for its result.

        Args:
            role: What it is called for, such as ``"receive"``. Sync functions of one
                role run one after another in a thread; roles do not wait for each other.
            function: Sync or async; a sync one may return an awaitable.
            *args: Its arguments.

        Raises:
            Exception: What the function raises.
        """
        result = function(*args) if is_async(function) else await self._run(role, function, *args)
        if inspect.isawaitable(result):
            result = await contained(role, result)
            end_if_cancelled()
        return result

    async def _run(self, role: str, function: Callable[..., Any], *args: Any) -> Any:
        if self.closed.is_set():
            raise asyncio.CancelledError
        worker = self._workers.get(role)
        if worker is None:
            worker = _Worker(f"{self._name}:{role}", self._context.copy())
            self._workers[role] = worker
        future: asyncio.Future[Any] = self._loop.create_future()

        def job() -> None:
            if future.cancelled():  # nobody waits any more
                return
            try:
                result = function(*args)
            except BaseException as error:  # handed to whoever waits
                self._settle(future, None, as_exception(role, error))
            else:
                self._settle(future, result, None)

        worker.submit(job)
        return await future

    def _settle(self, future: asyncio.Future[Any], result: Any, error: Exception | None) -> None:
        def settle() -> None:
            if future.done():
                if inspect.iscoroutine(result):
                    result.close()  # nobody will await it
            elif error is not None:
                future.set_exception(error)
            else:
                future.set_result(result)

        self.post(settle)

    def finish(self, result: Any) -> Any:
        """Give the result of a sync function, in its thread, awaiting it on the loop if need be.

        A decorator, or a lambda, around an async function looks like a sync one.

        Raises:
            concurrent.futures.CancelledError: If the connection ends meanwhile.
            HandlerExited: If it was cancelled by another.
        """
        if not inspect.isawaitable(result):
            return result
        future = asyncio.run_coroutine_threadsafe(contained("handler", result), self._loop)
        self._finishing.add(future)
        try:
            if self._stopped:  # looked at after it was added: one of the two sees the other
                future.cancel()
                raise concurrent.futures.CancelledError  # also if it was done before that
            return future.result()
        except concurrent.futures.CancelledError as error:
            if self._stopped:
                raise
            raise HandlerExited("The handler was cancelled by its own code") from error
        finally:
            self._finishing.discard(future)

    def stop(self) -> None:
        """Cancel what threads await on the loop, as the tasks of the connection are."""
        self._stopped = True
        for future in list(self._finishing):
            future.cancel()

    def busy(self, role: str) -> bool:
        """Whether a sync function of a role is running, or blocked, at this moment."""
        worker = self._workers.get(role)
        return worker is not None and worker.busy

    def post(self, function: Callable[..., Any], *args: Any) -> None:
        """Call a function on the loop soon, from any thread; not when the loop has ended."""
        try:
            self._loop.call_soon_threadsafe(function, *args)
        except RuntimeError:  # the loop is closed: nobody waits any more
            pass

    async def iterate(
        self, role: str, function: Callable[..., Any], *args: Any
    ) -> AsyncGenerator[Any, None]:
        """Go through what a generator function gives, sync or async.

        Functions that return an iterator, or a coroutine of one, are as good. The
        generator is closed when this one is: an async one at once, a sync one in its
        own thread, when it has given its next item.

        Raises:
            TypeError: If the function gives nothing that can be gone through, or returns an
                output in place of yielding it.
            Exception: What the generator raises.
        """
        source = function(*args) if is_async(function) else await self._run(role, function, *args)
        if inspect.isawaitable(source):
            source = await contained(role, source)
        check_returned(function, source)
        if hasattr(source, "__aiter__"):
            iterator = source.__aiter__()
            try:
                while True:
                    try:
                        item = await contained(role, anext(iterator))
                    except StopAsyncIteration:
                        break
                    end_if_cancelled()
                    yield item
            finally:
                if hasattr(iterator, "aclose"):
                    await contained(role, iterator.aclose())
            return
        if not hasattr(source, "__iter__") and not hasattr(source, "__next__"):
            raise TypeError(
                f"{_name(function)} must be a generator function or return an iterator, "
                f"not {type(source).__name__}"
            )
        items = source if hasattr(source, "__next__") else await self._run(role, iter, source)
        try:
            while (item := await self._run(role, next, items, _EXHAUSTED)) is not _EXHAUSTED:
                yield item
        finally:
            close = getattr(items, "close", None)
            if close is not None:
                self._submit_close(role, close)

    def _submit_close(self, role: str, close: Callable[[], None]) -> None:
        worker = self._workers.get(role)
        if worker is not None:
            worker.submit(functools.partial(_quietly, close))

    def close(self) -> None:
        """End the threads, each after the call that it is in; calls that wait are dropped."""
        self.closed.set()
        self.stop()
        for worker in self._workers.values():
            worker.end()


def _quietly(close: Callable[[], None]) -> None:
    try:
        close()
    except BaseException:  # its connection is gone; nobody is left to tell
        logger.exception("A generator failed when it was closed")
