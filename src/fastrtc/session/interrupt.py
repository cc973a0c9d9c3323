"""Ctrl-C: connections end before the server waits for its requests."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

__all__ = ["on_interrupt"]


@asynccontextmanager
async def on_interrupt(close: Callable[[], Awaitable[Any]]) -> AsyncIterator[None]:
    """Do something as soon as the server is told to stop.

    A server such as uvicorn first waits for the requests that run, and only then ends the
    lifespan. A page that reads ``output_stream()`` is such a request, and ends with its
    connection: each would wait for the other. So this listens, too, for the signals
    that the server has handlers for, and passes them on. In other threads than the main
    one, where there are no signals, it does nothing.
    """
    loop = asyncio.get_running_loop()
    closing: set[asyncio.Future[Any]] = set()
    before: dict[signal.Signals, Any] = {}

    def begin() -> None:
        task = asyncio.ensure_future(close())
        closing.add(task)
        task.add_done_callback(closing.discard)

    def handler(number: int, frame: Any) -> None:
        try:
            loop.call_soon_threadsafe(begin)
        except RuntimeError:  # the loop has ended already
            pass
        before[signal.Signals(number)](number, frame)

    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM):
            previous = signal.getsignal(number)
            if callable(previous):
                before[number] = previous
                signal.signal(number, handler)
    try:
        yield
    finally:
        for number, previous in before.items():
            if signal.getsignal(number) is handler:
                signal.signal(number, previous)
        if closing:
            await asyncio.wait(closing)
