"""Close connections before the server handles Ctrl-C or SIGTERM, or else when its event loop ends.

In the main thread, the signals are delayed for the server, see ``OnInterrupt``. A program that runs
a server in another thread calls ``close_connections`` before it stops the server.
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
"""How long an event loop may be blocked, in seconds, before a thread stops waiting for it."""

POLL_S = 0.5
"""Interval at which the main thread checks on an event loop that it waits for, in seconds."""


class _Listener:
    """The connections to close before the server of an event loop stops.

    In the main thread, it handles the signals in place of the server, and forwards the first one
    when all connections are closed. A second signal is forwarded at once, as its sender does not
    want to wait. For other threads, call ``close``.

    On Ctrl-C, a worker of ``uvicorn --workers`` receives two signals: SIGINT from the terminal, and
    SIGTERM from its supervisor, which has received SIGINT, too. The two count as one.
    """

    def __init__(self) -> None:
        self.closers: list[Close] = []
        self.closing: set[asyncio.Task[None]] = set()
        self.loop = asyncio.get_running_loop()
        self.thread = threading.current_thread()
        self._before: dict[int, Any] = {}
        self._first: int | None = None
        self._awaits_supervisor = False
        self._delayed: Callable[[], Any] | None = None

    def listen(self) -> None:
        """Start to handle the signals that the server has handlers for."""
        for number in SIGNALS:
            previous = signal.getsignal(number)
            if callable(previous):
                self._before[number] = previous
                signal.signal(number, self)

    def end(self) -> None:
        """Restore the previous handlers of signals that are still handled by this listener."""
        _listeners.discard(self)
        for number, previous in self._before.items():
            if signal.getsignal(number) is self:
                signal.signal(number, previous)

    def __call__(self, number: int, frame: Any) -> None:
        """Handle a signal."""
        if self._first is None:
            self._first = number
            self._awaits_supervisor = number == signal.SIGINT and _is_worker()
            self._delayed = functools.partial(self._before[number], number, None)
            try:
                self.loop.call_soon_threadsafe(self._begin, self._forward)
                return
            except RuntimeError:  # the loop has already ended
                pass
        elif self._awaits_supervisor and number == signal.SIGTERM:
            self._awaits_supervisor = False
            return
        self._delayed = None
        self._before[number](number, frame)

    def close(self) -> None:
        """Close all connections from another thread, and wait until they are closed.

        Do not wait for an event loop that is blocked by user code.
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
        except RuntimeError:  # the loop has already ended
            pass

    def _begin(self, then: Callable[[asyncio.Task[None]], None]) -> None:
        task = self.loop.create_task(self._close())
        self.closing.add(task)
        task.add_done_callback(then)

    async def _close(self) -> None:
        closing = [close() for close in dict.fromkeys(self.closers)]  # without duplicates
        for result in await asyncio.gather(*closing, return_exceptions=True):
            if isinstance(result, Exception):
                logger.error("Connections could not be closed", exc_info=result)

    def _forward(self, _: asyncio.Task[None]) -> None:
        delayed, self._delayed = self._delayed, None
        if delayed is not None:
            delayed()


class OnInterrupt:
    """Run a function when the server is told to stop, before the server handles the signal.

    Servers such as uvicorn close their WebSockets on their own, wait for running requests, and only
    then end the lifespan. A page that reads ``output_stream()`` is such a request, and ends with
    its connection: each would wait for the other. So this class handles the signals that the server
    has handlers for, and forwards them after ``close`` has finished. In threads other than the main
    thread, which get no signals, ``close_connections`` does this.

    This is an async context manager and not a generator, which an ending loop would close by
    itself.

    Args:
        close: The function; it is called once, even if it is registered twice.
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
    """Close connections when the server stops, if there is no lifespan of an app.

    Starlette runs only the lifespan of the outermost app, and one that has started cannot be
    changed. But there are signals, and an ending loop closes its async generators.

    Args:
        on_signal: Closes the connections before the server handles a signal.
        at_end: Closes the remaining connections when the loop ends. By then all tasks are
            cancelled, including those of the transports: handlers can be shut down, but clients
            cannot be told.
    """

    def __init__(self, on_signal: Close, at_end: Close) -> None:
        self._on_signal = on_signal
        self._at_end = at_end
        self._loops: dict[asyncio.AbstractEventLoop, AsyncGenerator[None, None]] = {}

    async def watch(self) -> None:
        """Watch the running loop; further calls do nothing."""
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


def _is_worker() -> bool:
    """Return whether another Python process has started this one by multiprocessing."""
    multiprocessing = sys.modules.get("multiprocessing")
    return multiprocessing is not None and multiprocessing.parent_process() is not None


_listeners: set[_Listener] = set()


def _listener() -> _Listener:
    """Return the existing listener of the running loop, shared by its streams, or create one."""
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

    A ``KeyboardInterrupt`` meanwhile ends connections that are being drained; only a second one is
    raised.

    Args:
        thread: The thread that runs the event loop of the server.
    """
    for listener in tuple(_listeners):
        if listener.thread is thread:
            try:
                listener.close()
            except KeyboardInterrupt:
                listener.close()  # the first call started draining; this one ends it


@contextmanager
def interrupt_on_sigterm() -> Iterator[list[int]]:
    """Let SIGTERM end the block like Ctrl-C, with ``KeyboardInterrupt``.

    Do nothing if the program handles or ignores SIGTERM, in interactive sessions, and in threads
    other than the main thread.

    Yields:
        The signals received so far.
    """
    received: list[int] = []
    if (
        threading.current_thread() is not threading.main_thread()
        or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL
        or hasattr(sys, "ps1")  # in a notebook, the exception would end the cell, not the process
    ):
        yield received
        return

    def interrupt(number: int, frame: FrameType | None) -> None:
        received.append(number)
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, interrupt)
    try:
        yield received
    finally:
        if signal.getsignal(signal.SIGTERM) is interrupt:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
