"""Runs all user code.

Async code runs in tasks on the connection's event loop. Sync code runs in threads of the
connection, so that blocking code delays no other connection. The threads are daemons: a handler
that never returns does not keep the process alive.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import functools
import inspect
import logging
import queue
import threading
import types
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextvars import Context
from typing import Any

from ..core.errors import HandlerExited
from ..core.failures import as_exception, contained
from ..core.outputs import is_output
from ..core.tasks import end_if_cancelled, run_in_thread

__all__ = ["Invoker", "as_exception", "call_function", "check_returned", "is_async"]

logger = logging.getLogger(__name__)

_ROLE_END = None
_EXHAUSTED = object()


def is_async(function: Callable[..., Any]) -> bool:
    """Return whether a call returns a coroutine or async generator and so belongs on the loop."""
    while isinstance(function, functools.partial):
        function = function.func
    if inspect.isclass(function):  # even if its instances are async callables
        return False
    call = function if inspect.isroutine(function) else getattr(function, "__call__", function)  # noqa: B004
    return inspect.iscoroutinefunction(call) or inspect.isasyncgenfunction(call)


async def call_function(
    function: Callable[..., Any],
    *args: Any,
    run: Callable[[Callable[[], Any]], Awaitable[Any]] = run_in_thread,
) -> Any:
    """Call a function of the program that belongs to no connection, and return its result.

    An async function is awaited in the context of the caller, which sees the ``ContextVar`` values
    that it sets. A sync one runs in a thread, and an awaitable that it returns is awaited here.

    Args:
        function: Sync or async.
        *args: Its arguments.
        run: Runs a sync function in a thread.

    Raises:
        Exception: Any exception of the function.
        HandlerExited: If it raised something that is not an ``Exception``.
    """
    if is_async(function):
        result = function(*args)
    else:
        call = functools.partial(function, *args)
        names = ("__name__", "__qualname__")  # of the thread, and in errors
        result = await run(functools.update_wrapper(call, function, names, ()))
    return await contained(function, result) if inspect.isawaitable(result) else result


def check_returned(function: Callable[..., Any], result: Any) -> None:
    """Check that a function that should yield its outputs did not return one.

    Args:
        function: A generator function, or a function that returns an iterator of outputs.
        result: Its return value.

    Raises:
        TypeError: If the value is a single output, such as ``(rate, samples)``.
    """
    if is_output(result):
        raise TypeError(f'{_name(function)} must "yield" its outputs, not "return" them')


def _name(function: Callable[..., Any]) -> str:
    return str(getattr(function, "__qualname__", function))


class _Worker:
    """A daemon thread that runs calls one after another."""

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
            del job  # do not keep its arguments alive while waiting

    def submit(self, job: Callable[[], None]) -> None:
        self._jobs.put(job)

    def end(self) -> None:
        """End the thread after the submitted jobs."""
        self._jobs.put(_ROLE_END)


class Invoker:
    """Runs the user code of one connection.

    Args:
        name: Prefix of the names of its threads.
        context: The context variables visible to the code.
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
        """Call a user function and wait for its result.

        Args:
            role: The purpose of the call, such as ``"receive"``. Sync functions of one role run one
                after another in a thread; roles run concurrently.
            function: Sync or async; a sync function may return an awaitable.
            *args: Its arguments.

        Raises:
            Exception: Any exception of the function.
        """
        result = function(*args) if is_async(function) else await self._run(role, function, *args)
        if inspect.isawaitable(result):
            result = await contained(role, result)
            end_if_cancelled()
        return result

    async def call_async(self, role: str, function: Callable[..., Any], *args: Any) -> Any:
        """Call an async user function, as ``call`` does, and wait for its result.

        It is not checked each time whether it is async.
        """
        result = function(*args)
        if type(result) is types.CoroutineType or inspect.isawaitable(result):
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
            if future.cancelled():  # the caller no longer waits
                return
            try:
                result = function(*args)
            except BaseException as error:  # raised in the caller
                self._settle(future, None, as_exception(role, error))
            else:
                self._settle(future, result, None)

        worker.submit(job)
        return await future

    def _settle(self, future: asyncio.Future[Any], result: Any, error: Exception | None) -> None:
        def settle() -> None:
            if future.done():
                if inspect.iscoroutine(result):
                    result.close()  # it will not be awaited
            elif error is not None:
                future.set_exception(error)
            else:
                future.set_result(result)

        self.post(settle)

    def finish(self, result: Any) -> Any:
        """Return the result of a sync function, in its thread; await awaitables on the loop.

        A decorator or lambda around an async function looks like a sync function.

        Raises:
            concurrent.futures.CancelledError: If the connection ends meanwhile.
            HandlerExited: If the awaitable was cancelled by user code.
        """
        if not inspect.isawaitable(result):
            return result
        future = asyncio.run_coroutine_threadsafe(contained("handler", result), self._loop)
        self._finishing.add(future)
        try:
            if self._stopped:  # checked after adding it, so that a concurrent stop() is not missed
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
        """Cancel awaitables that threads wait for, like the tasks of the connection."""
        self._stopped = True
        for future in list(self._finishing):
            future.cancel()

    def busy(self, role: str) -> bool:
        """Return whether a sync function of a role is running or blocked at the moment."""
        worker = self._workers.get(role)
        return worker is not None and worker.busy

    def post(self, function: Callable[..., Any], *args: Any) -> None:
        """Schedule a call on the loop; thread-safe. Do nothing if the loop is closed."""
        try:
            self._loop.call_soon_threadsafe(function, *args)
        except RuntimeError:  # the loop is closed
            pass

    async def iterate(
        self, role: str, function: Callable[..., Any], *args: Any
    ) -> AsyncGenerator[Any, None]:
        """Iterate over the items of a generator function, sync or async.

        Functions that return an iterator, or a coroutine of one, are accepted, too. The generator
        is closed with this one: an async generator at once, a sync generator in its own thread,
        after its next item.

        Raises:
            TypeError: If the function returns a value that cannot be iterated over, or returns an
                output instead of yielding it.
            Exception: Any exception of the generator.
        """
        source = await self.call(role, function, *args)
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
        """End the threads, each after its current call; pending calls are dropped."""
        self.closed.set()
        self.stop()
        for worker in self._workers.values():
            worker.end()


def _quietly(close: Callable[[], None]) -> None:
    try:
        close()
    except BaseException:  # the connection has ended: only log it
        logger.exception("A generator failed when it was closed")
