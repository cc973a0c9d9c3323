"""Tasks and threads that are left when a call has ended."""

import asyncio
import threading

import pytest

from fastrtc.testing import CallFailed
from fastrtc.testing.leaks import CALLER, Leaks
from tests.support.virtual_time import virtual_time


async def forever() -> None:
    await asyncio.Event().wait()


@virtual_time
async def test_only_tasks_since_the_beginning_count() -> None:
    before = asyncio.create_task(forever())
    leaks = Leaks()
    leaks.begin()
    caller = asyncio.create_task(forever(), name=f"{CALLER}:speak")
    ends = asyncio.create_task(asyncio.sleep(0.5))
    await leaks.check()
    assert ends.done()
    for task in (before, caller):
        task.cancel()
    await asyncio.gather(before, caller, return_exceptions=True)


@virtual_time
async def test_a_task_is_named_with_its_line() -> None:
    leaks = Leaks()
    leaks.begin()
    task = asyncio.create_task(forever(), name="left")
    with pytest.raises(CallFailed, match=rf"task left of forever, at {__file__}:14"):
        await leaks.check()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_thread_that_a_library_keeps_does_not_count() -> None:
    event = threading.Event()
    thread = threading.Thread(target=event.wait, name="tqdm_monitor")
    thread.start()
    leaks = Leaks(lambda: [thread])
    leaks.begin()
    try:
        await leaks.check()
    finally:
        event.set()
        thread.join()


async def test_a_thread_is_named_with_its_line() -> None:
    event, started = threading.Event(), threading.Event()

    def work() -> None:
        started.set()
        event.wait()

    thread = threading.Thread(target=work, name="worker")
    thread.start()
    started.wait()
    leaks = Leaks(lambda: [thread])
    leaks.begin()
    try:
        with pytest.raises(CallFailed, match=rf"thread worker, at {__file__}:\d+"):
            await leaks.check()
    finally:
        event.set()
        thread.join()
