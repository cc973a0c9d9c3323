import asyncio
import gc
import threading

import pytest

from fastrtc.text_to_speech.bridge import iterate


async def count(until: int, closed: list[bool] | None = None):
    try:
        for k in range(until):
            await asyncio.sleep(0)
            yield k
    finally:
        if closed is not None:
            closed.append(True)


def threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "fastrtc-iterate"]


def test_outside_a_loop() -> None:
    assert list(iterate(lambda: count(5))) == [0, 1, 2, 3, 4]


async def test_within_a_running_loop() -> None:
    assert list(iterate(lambda: count(5))) == [0, 1, 2, 3, 4]


def test_nothing_is_left_open_when_it_is_closed_early() -> None:
    closed: list[bool] = []

    async def endless():
        async for item in count(10**9, closed):
            yield item
            if item:
                await asyncio.Event().wait()

    items = iterate(endless)
    assert next(items) == 0
    [thread] = threads()
    items.close()
    thread.join(20)
    assert not thread.is_alive()
    gc.collect()
    assert closed == [True]


def test_an_exception_comes_after_the_items_before_it() -> None:
    async def fails():
        yield 1
        raise ValueError("no")

    items = iterate(fails)
    assert next(items) == 1
    with pytest.raises(ValueError, match="no"):
        next(items)
