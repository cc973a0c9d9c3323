"""Iterate over async generators in sync code."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import AsyncGenerator, Callable, Generator
from typing import TypeVar

__all__ = ["iterate"]

T = TypeVar("T")

_END = object()


def iterate(make: Callable[[], AsyncGenerator[T, None]]) -> Generator[T, None, None]:
    """Iterate over an async generator, whether or not an event loop runs in this thread.

    The generator runs on an event loop in a thread of its own. Both end with the generator, or when
    the result is closed.

    Args:
        make: Creates the generator, on that loop.

    Raises:
        Exception: Any exception of the generator.
    """
    items: queue.SimpleQueue[tuple[object, BaseException | None]] = queue.SimpleQueue()
    loop = asyncio.new_event_loop()

    async def run() -> None:
        generator = make()
        try:
            async for item in generator:
                items.put((item, None))
        finally:
            await generator.aclose()

    def run_loop() -> None:
        error: BaseException | None = None
        try:
            loop.run_until_complete(task)
        except BaseException as raised:  # raised in the iterating thread
            error = raised
        finally:
            loop.run_until_complete(loop.shutdown_asyncgens())
            loop.close()
            items.put((_END, error))

    task = loop.create_task(run(), name="fastrtc-iterate")
    thread = threading.Thread(target=run_loop, name="fastrtc-iterate", daemon=True)
    thread.start()
    try:
        while True:
            item, error = items.get()
            if error is not None:
                raise error
            if item is _END:
                return
            yield item  # type: ignore[misc]
    finally:
        if thread.is_alive():
            try:
                loop.call_soon_threadsafe(task.cancel)
            except RuntimeError:  # the loop has just closed
                pass
