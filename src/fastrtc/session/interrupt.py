"""Connections end before the server is told of Ctrl-C or SIGTERM, or else with the event loop.

A server in the main thread gets its signals a little later, see ``OnInterrupt``. The program of
one in another thread calls ``close_connections`` before it stops the server.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import signal
import sys
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

__all__ = [
    "CloseOnLoopShutdown",
    "OnInterrupt",
    "close_connections",
    "interrupt_on_sigterm",
]

logger = logging.getLogger(__name__)

Close = Callable[[], Awaitable[Any]]
SIGNALS = (signal.SIGINT, signal.SIGTERM)

BLOCKED_AFTER_S = 5.0
"""How long an event loop may not run before the thread that waits for it gives up."""

POLL_S = 0.5
"""How long the main thread waits for an event loop at a time."""


class _Listener:
    """What is closed before the server of an event loop stops.

    In the main thread it takes the signals in place of the server, and hands on the first one
    when all is closed. A second signal goes to the server at once: whoever sends it does not
    want to wait. For another thread, ``close`` is called.
    """

    def __init__(self) -> None:
        self.closers: list[Close] = []
        self.closing: set[asyncio.Task[None]] = set()
        self.loop = asyncio.get_running_loop()
        self.thread = threading.current_thread()
        self._before: dict[int, Any] = {}
        self._asked = False
        self._held: Callable[[], Any] | None = None

    def listen(self) -> None:
        """Begin to listen for the signals that the server has handlers for."""
        for number in SIGNALS:
            previous = signal.getsignal(number)
            if callable(previous):
                self._before[number] = previous
                signal.signal(number, self)

    def end(self) -> None:
        """Put back what was there, where it is still this that listens."""
        _listeners.discard(self)
        for number, previous in self._before.items():
            if signal.getsignal(number) is self:
                signal.signal(number, previous)

    def __call__(self, number: int, frame: Any) -> None:
        """Handle a signal."""
        if not self._asked:
            self._asked = True
            self._held = functools.partial(self._before[number], number, None)
            try:
                self.loop.call_soon_threadsafe(self._begin, self._hand_on)
                return
            except RuntimeError:  # the loop has ended already
                pass
        self._held = None
        self._before[number](number, frame)

    def close(self) -> None:
        """Close everything from another thread, and wait until it is closed.

        An event loop that is blocked by code which runs on it is not waited for.
        """
        closed = threading.Event()
        try:
            self.loop.call_soon_threadsafe(self._begin, lambda _: closed.set())
            while not closed.wait(POLL_S):
                runs = threading.Event()
                self.loop.call_soon_threadsafe(runs.set)
                if not runs.wait(BLOCKED_AFTER_S):
                    logger.error("The event loop is blocked: connections could not be closed")
                    return
        except RuntimeError:  # the loop has ended already
            pass

    def _begin(self, then: Callable[[asyncio.Task[None]], None]) -> None:
        task = self.loop.create_task(self._close())
        self.closing.add(task)
        task.add_done_callback(then)

    async def _close(self) -> None:
        closing = [close() for close in dict.fromkeys(self.closers)]  # each once
        for result in await asyncio.gather(*closing, return_exceptions=True):
            if isinstance(result, Exception):
                logger.error("Connections could not be closed", exc_info=result)

    def _hand_on(self, _: asyncio.Task[None]) -> None:
        held, self._held = self._held, None
        if held is not None:
            held()


class OnInterrupt:
    """Do something when the server is told to stop, and only then let the server know.

    A server such as uvicorn closes its WebSockets in its own way, waits for the requests that
    run, and only then ends the lifespan. A page that reads ``output_stream()`` is such a
    request, and ends with its connection: each would wait for the other. So this takes the
    signals that the server has handlers for, and hands them on when ``close`` is done. In
    other threads than the main one, where there are no signals, ``close_connections`` does it.

    An async context manager, and no generator: a loop that ends would close that by itself.

    Args:
        close: What is to be done; once, also if it is registered twice.
    """

    def __init__(self, close: Close) -> None:
        self._close = close
        self._listener: _Listener | None = None

    async def __aenter__(self) -> None:
        self._listener = _listener()
        self._listener.closers.append(self._close)

    async def __aexit__(self, *_: object) -> None:
        listener = self._listener
        if listener is None:
            return
        listener.closers.remove(self._close)
        if not listener.closers:
            listener.end()
        if listener.closing:
            await asyncio.wait(listener.closing)


class CloseOnLoopShutdown:
    """Close connections when the server stops, where no lifespan of an app says so.

    Starlette runs the lifespan of the outermost app only, and one that has begun already cannot
    be changed. But there are signals, and a loop that ends closes its async generators.

    Args:
        on_signal: Closes the connections before the server is told of a signal.
        at_end: Closes those that are left when the loop ends. It has cancelled all tasks then,
            those of the transports, too: handlers can be shut down, but clients not be told.
    """

    def __init__(self, on_signal: Close, at_end: Close) -> None:
        self._on_signal = on_signal
        self._at_end = at_end
        self._loops: dict[asyncio.AbstractEventLoop, AsyncGenerator[None, None]] = {}

    async def watch(self) -> None:
        """Watch the running loop; again and again does no harm."""
        loop = asyncio.get_running_loop()
        if loop in self._loops:
            return
        for ended in [other for other in self._loops if other.is_closed()]:
            del self._loops[ended]
        self._loops[loop] = self._until_the_loop_ends()
        await anext(self._loops[loop])

    async def _until_the_loop_ends(self) -> AsyncGenerator[None, None]:
        async with OnInterrupt(self._on_signal):
            try:
                yield
            finally:
                await self._at_end()


_listeners: set[_Listener] = set()


def _listener() -> _Listener:
    """Return the one that listens already, for another stream, or a new one."""
    loop = asyncio.get_running_loop()
    in_main_thread = threading.current_thread() is threading.main_thread()
    for left in [listener for listener in _listeners if listener.loop.is_closed()]:
        _listeners.discard(left)
    known = map(signal.getsignal, SIGNALS) if in_main_thread else tuple(_listeners)
    for listening in known:
        if isinstance(listening, _Listener) and listening.loop is loop:
            return listening
    listener = _Listener()
    if in_main_thread:
        listener.listen()
    _listeners.add(listener)
    return listener


def close_connections(thread: threading.Thread) -> None:
    """Close all connections of the servers in another thread, and wait until they are closed.

    ``KeyboardInterrupt`` meanwhile cuts it short: connections that may come to their end are
    ended, and only the next one is raised.

    Args:
        thread: The thread that the event loop of the server runs in.
    """
    for listener in tuple(_listeners):
        if listener.thread is thread:
            try:
                listener.close()
            except KeyboardInterrupt:
                listener.close()  # what drains has begun to do so, and is ended now


@contextmanager
def interrupt_on_sigterm() -> Iterator[list[int]]:
    """Let SIGTERM end the block as Ctrl-C does, with ``KeyboardInterrupt``.

    Where the program has a handler of its own, or ignores the signal, that is left alone; so are
    interactive sessions and other threads than the main one.

    Yields:
        The signals that came, so far.
    """
    came: list[int] = []
    if (
        threading.current_thread() is not threading.main_thread()
        or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL
        or hasattr(sys, "ps1")  # a notebook ends the cell, not the process, in an exception
    ):
        yield came
        return

    def interrupt(number: int, frame: FrameType | None) -> None:
        came.append(number)
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, interrupt)
    try:
        yield came
    finally:
        if signal.getsignal(signal.SIGTERM) is interrupt:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
