"""An event loop in a separate thread, for tests of code that other threads call."""

import asyncio
import contextlib
import threading
from collections.abc import Iterator

__all__ = ["a_loop"]


@contextlib.contextmanager
def a_loop() -> Iterator[asyncio.AbstractEventLoop]:
    """Run an event loop in another thread."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield loop
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
