import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.support.virtual_time import virtual_time


def compute() -> None:
    until = time.thread_time() + 0.1
    while time.thread_time() < until:
        pass


@virtual_time
async def test_a_thread_that_computes_takes_no_time() -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()
    with ThreadPoolExecutor(1) as threads:
        await asyncio.wait_for(loop.run_in_executor(threads, compute), 0.05)
    assert loop.time() == began


@virtual_time
async def test_time_passes_while_a_thread_waits() -> None:
    event = threading.Event()
    loop = asyncio.get_running_loop()
    began = time.monotonic()
    with ThreadPoolExecutor(1) as threads:
        waiting = loop.run_in_executor(threads, event.wait, 300)
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(asyncio.shield(waiting), 200)
        event.set()
        assert await waiting
    assert time.monotonic() - began < 100
