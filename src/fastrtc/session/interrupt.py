"""Connections end before the server is told of Ctrl-C or SIGTERM, or else with the event loop."""

from __future__ import annotations

import asyncio
import functools
import logging
import signal
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any

__all__ = ["CloseOnLoopShutdown", "OnInterrupt"]

logger = logging.getLogger(__name__)

Close = Callable[[], Awaitable[Any]]
SIGNALS = (signal.SIGINT, signal.SIGTERM)


class _Listener:
    """Takes the signals in place of the server, and hands on the first one when all is closed.

    A second signal goes to the server at once: whoever sends it does not want to wait.
    """

    def __init__(self) -> None:
        self.closers: list[Close] = []
        self.closing: asyncio.Future[Any] | None = None
        self.loop = asyncio.get_running_loop()
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
        for number, previous in self._before.items():
            if signal.getsignal(number) is self:
                signal.signal(number, previous)

    def __call__(self, number: int, frame: Any) -> None:
        """Handle a signal."""
        if not self._asked:
            self._asked = True
            self._held = functools.partial(self._before[number], number, None)
            try:
                self.loop.call_soon_threadsafe(self._begin)
                return
            except RuntimeError:  # the loop has ended already
                pass
        self._held = None
        self._before[number](number, frame)

    def _begin(self) -> None:
        self.closing = asyncio.ensure_future(self._close())
        self.closing.add_done_callback(self._hand_on)

    async def _close(self) -> None:
        closing = [close() for close in dict.fromkeys(self.closers)]  # each once
        for result in await asyncio.gather(*closing, return_exceptions=True):
            if isinstance(result, Exception):
                logger.error("Connections could not be closed", exc_info=result)

    def _hand_on(self, _: Any) -> None:
        held, self._held = self._held, None
        if held is not None:
            held()


class OnInterrupt:
    """Do something when the server is told to stop, and only then let the server know.

    A server such as uvicorn closes its WebSockets in its own way, waits for the requests that
    run, and only then ends the lifespan. A page that reads ``output_stream()`` is such a
    request, and ends with its connection: each would wait for the other. So this takes the
    signals that the server has handlers for, and hands them on when ``close`` is done. In
    other threads than the main one, where there are no signals, it does nothing.

    An async context manager, and no generator: a loop that ends would close that by itself.

    Args:
        close: What is to be done; once, also if it is registered twice.
    """

    def __init__(self, close: Close) -> None:
        self._close = close
        self._listener: _Listener | None = None

    async def __aenter__(self) -> None:
        if threading.current_thread() is threading.main_thread():
            self._listener = _listener()
            self._listener.closers.append(self._close)

    async def __aexit__(self, *_: object) -> None:
        listener = self._listener
        if listener is None:
            return
        listener.closers.remove(self._close)
        if not listener.closers:
            listener.end()
        if listener.closing is not None:
            await asyncio.wait([listener.closing])


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


def _listener() -> _Listener:
    """Give the one that listens already, for another stream, or a new one."""
    loop = asyncio.get_running_loop()
    for number in SIGNALS:
        listening = signal.getsignal(number)
        if isinstance(listening, _Listener) and listening.loop is loop:
            return listening
    listener = _Listener()
    listener.listen()
    return listener
