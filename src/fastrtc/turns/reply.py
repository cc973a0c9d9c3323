"""A running reply: the user's generator and its pending outputs."""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import Future
from contextvars import copy_context
from typing import Any

from ..core.commitment import Commitment, current_commitment
from ..handlers.invoke import as_exception, check_returned, is_async
from .tool_calls import ToolSteps, with_tools
from .turn_events import ReplyEvents

__all__ = ["ENDED", "Reply"]

MAX_AHEAD = 16
"""The most outputs a reply may run ahead of its playout (backpressure)."""


class _Ended:
    """The type of ``ENDED``."""


ENDED = _Ended()
"""Returned by ``take`` after the last output."""


class Reply:
    """One reply, from the first step of its generator to the last.

    A sync generator runs in its own daemon thread, so that blocking user code delays neither a
    later reply nor another connection; an async one runs in a task on the connection's loop.
    ``emit`` takes the outputs in order. A superseded reply produces no further output: an async
    generator is cancelled, a sync one is closed in its thread when it yields next.

    Args:
        generator: A generator or iterator, sync or async; None until ``bind`` creates it.
        step: Return the next item of an async generator; by default ``anext``.
        loop: The event loop of the connection, which async generators need.
        early: Whether the reply starts before it is certain that it will be played; see ``commit``.
        name: Prefix of the name of its thread; by default the name of the thread that starts it.

    Attributes:
        events: Reports its events; None for nothing.
    """

    def __init__(
        self,
        generator: Any = None,
        *,
        step: Callable[[Any], Awaitable[Any]] | None = None,
        loop: asyncio.AbstractEventLoop | None = None,
        early: bool = False,
        name: str = "",
    ) -> None:
        self.generator = generator
        self.events: ReplyEvents | None = None
        self._name = name
        self._function = generator  # named in errors
        self._step = step
        self._loop = loop
        self._changed = threading.Condition()
        self._outputs: deque[Any] = deque()
        self._error: Exception | None = None
        self._ended = False
        self._superseded = False
        self._room: asyncio.Event | None = None
        self._task: asyncio.Task[None] | None = None
        self._cancelled = False
        self._awaited: Future[Any] | None = None
        self._commitment = Commitment() if early else None
        self._ready: Callable[[], None] | None = None  # called when `take` need not wait

    def bind(self, function: Callable[..., Any], args: tuple[Any, ...] = ()) -> Reply:
        """Create the generator by calling *function*.

        Args:
            function: A generator function, or a function that returns an iterator or None; sync
                or async. A sync function is called, and its result iterated, in the thread of
                the reply.
            args: Its arguments.

        Returns:
            This reply.

        Raises:
            RuntimeError: If the function is async and there is no loop.
        """
        self._function = function
        if is_async(function):
            self._needs_loop()
            generator = function(*args)
            if inspect.iscoroutine(generator):
                generator = _awaited(function, generator)
            self.generator = generator
        else:
            self.generator = self._called(function, args)
        return self

    @property
    def superseded(self) -> bool:
        """Whether the reply was interrupted."""
        return self._superseded

    def start(self) -> None:
        """Start the generator, in a copy of the caller's context; callable from any thread.

        Raises:
            RuntimeError: If the generator is async and there is no loop.
        """
        context = copy_context()
        context.run(current_commitment.set, self._commitment)
        if self.events is not None:
            context.run(self.events.called)
        if not hasattr(self.generator, "__anext__"):
            target = context.copy().run
            name = f"{self._name or threading.current_thread().name}-reply"
            threading.Thread(target=target, args=(self._run,), name=name, daemon=True).start()
            return
        self._needs_loop().call_soon_threadsafe(context.run, self._start_task)

    def take(self) -> Any:
        """Wait for the next output.

        Returns:
            The output, or ``ENDED``.

        Raises:
            Exception: The generator's exception, after its earlier outputs.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._outputs or self._ended or self._superseded)
            if self._superseded:
                return ENDED
            if self._outputs:
                output = self._outputs.popleft()
                self._changed.notify_all()
                if self._room is not None and self._loop is not None:
                    self._loop.call_soon_threadsafe(self._room.set)
                return output
            error, self._error = self._error, None
        if error is not None:
            raise error
        return ENDED

    def commit(self) -> None:
        """Let an early reply know that it is played."""
        if self._commitment is not None:
            self._commitment.commit()

    async def next(self) -> Any:
        """Wait for the next output on the event loop, as ``take`` does in a thread.

        Raises:
            Exception: The generator's exception, after its earlier outputs.
        """
        ready, loop = asyncio.Event(), asyncio.get_running_loop()

        def ring() -> None:
            try:
                loop.call_soon_threadsafe(ready.set)
            except RuntimeError:  # the loop is closed, and its tasks with it
                pass

        with self._changed:
            self._ready = ring
            if self._outputs or self._ended or self._superseded:
                ready.set()
        await ready.wait()
        self._ready = None
        return self.take()

    def _notify(self) -> None:
        """Wake what waits; the lock must be held."""
        self._changed.notify_all()
        if self._ready is not None:
            self._ready()

    def supersede(self) -> None:
        """Interrupt the reply; callable from any thread, repeatedly."""
        with self._changed:
            self._superseded = True
            self._outputs.clear()
            self._notify()
            awaited = self._awaited
        if self._commitment is not None:
            self._commitment.discard()
        if awaited is not None:
            awaited.cancel()
        if self._loop is not None:
            try:
                self._loop.call_soon_threadsafe(self._cancel)
            except RuntimeError:  # the loop is closed, and its tasks with it
                pass

    def _called(self, function: Callable[..., Any], args: tuple[Any, ...]) -> Iterator[Any]:
        """Call a function and yield its items, in the thread of the reply."""
        result = function(*args)
        if inspect.isawaitable(result):
            result = self.wait_for(lambda: result)
        check_returned(function, result)
        if hasattr(result, "__anext__"):
            steps = ToolSteps(result, self._step or anext)
            try:
                while True:
                    try:
                        output = self.wait_for(steps.next)
                    except StopAsyncIteration:
                        return
                    yield output
            finally:
                if hasattr(result, "aclose"):
                    self._submit(result.aclose).result()
        elif result is not None:
            tools = with_tools(iter(result), lambda tool: self.wait_for(tool.call))
            check_returned(function, (yield from tools))

    def wait_for(self, begin: Callable[[], Awaitable[Any]]) -> Any:
        """Run an awaitable on the loop and wait for it in this thread.

        Args:
            begin: Called on the loop; returns the awaitable.

        Raises:
            concurrent.futures.CancelledError: If the reply is superseded meanwhile.
            RuntimeError: If there is no loop.
        """
        future = self._submit(begin)
        with self._changed:
            self._awaited = future
            superseded = self._superseded
        if superseded:
            future.cancel()
        return future.result()

    def _submit(self, begin: Callable[[], Awaitable[Any]]) -> Future[Any]:
        loop = self._needs_loop()

        async def run() -> Any:
            try:
                return await begin()
            except (KeyboardInterrupt, SystemExit) as error:  # would end the loop
                raise as_exception(self._function, error) from error

        return asyncio.run_coroutine_threadsafe(run(), loop)

    def _needs_loop(self) -> asyncio.AbstractEventLoop:
        if self._loop is None:
            raise RuntimeError(
                "The reply function is async, and there is no event loop to run it on: the "
                "handler is not connected"
            )
        return self._loop

    def _cancel(self) -> None:
        if self._task is not None and not self._cancelled:  # once: its cleanup may await
            self._cancelled = True
            self._task.cancel()

    def _put(self, output: Any) -> bool:
        """Append an output; return whether the generator should continue."""
        with self._changed:
            if not self._superseded:
                if self.events is not None:
                    self.events.gave(output)
                self._outputs.append(output)
                self._notify()
            return not self._superseded

    def _end(self, error: BaseException | None) -> None:
        with self._changed:
            self._error = None if error is None else as_exception(self._function, error)
            self._ended = True
            if self.events is not None:
                if self._superseded:
                    self.events.ended("superseded")
                else:
                    self.events.ended("completed" if error is None else "failed", self._error)
            self._notify()

    def _run(self) -> None:
        """Iterate a sync generator, in its thread."""
        error: BaseException | None = None
        try:
            for output in () if self._superseded else self.generator:
                if not self._put(output):
                    break
                with self._changed:
                    self._changed.wait_for(
                        lambda: len(self._outputs) < MAX_AHEAD or self._superseded
                    )
                if self._superseded:
                    break
        except BaseException as raised:  # raised by take()
            error = raised
        finally:
            error = self._close() or error
            self._end(error)

    def _close(self) -> BaseException | None:
        close = getattr(self.generator, "close", None)
        try:
            if close is not None and inspect.isgenerator(self.generator):
                close()
        except BaseException as raised:
            return raised
        return None

    def _start_task(self) -> None:
        assert self._loop is not None
        self._room = asyncio.Event()
        self._task = self._loop.create_task(self._run_async(), name="fastrtc-reply")
        if self._superseded:
            self._cancel()

    async def _run_async(self) -> None:
        """Iterate an async generator, on the loop."""
        assert self._room is not None
        steps = ToolSteps(self.generator, self._step or anext)
        error: BaseException | None = None
        try:
            while True:
                try:
                    output = await steps.next()
                except StopAsyncIteration:
                    break
                if not self._put(output):
                    break
                while len(self._outputs) >= MAX_AHEAD and not self._superseded:
                    self._room.clear()
                    await self._room.wait()
        except BaseException as raised:  # raised by take(), unless superseded
            error = raised
        finally:
            try:
                close = getattr(self.generator, "aclose", None)
                if close is not None:
                    await close()
            except BaseException as raised:
                error = error or raised
            self._end(error)


async def _awaited(function: Callable[..., Any], coroutine: Any) -> AsyncIterator[Any]:
    """Yield the items of what a coroutine returns."""
    result = await coroutine
    check_returned(function, result)
    if hasattr(result, "__aiter__"):
        steps = ToolSteps(aiter(result), anext)
        while True:
            try:
                item = await steps.next()
            except StopAsyncIteration:
                return
            yield item
    elif result is not None:
        for item in result:
            yield item
