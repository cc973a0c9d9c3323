"""The helper that waits for a queue, and the names that are found here."""

import asyncio
import importlib

import pytest

from fastrtc import utils
from fastrtc.utils import wait_for_item


async def test_an_item_that_is_there_is_taken_at_once():
    queue: asyncio.Queue[int] = asyncio.Queue()
    queue.put_nowait(1)
    queue.put_nowait(2)

    assert await wait_for_item(queue, timeout=0) == 1
    assert await wait_for_item(queue) == 2


async def test_an_item_that_comes_in_time_is_taken():
    queue: asyncio.Queue[int] = asyncio.Queue()
    waiting = asyncio.create_task(wait_for_item(queue, timeout=5))
    await asyncio.sleep(0)

    queue.put_nowait(1)

    assert await asyncio.wait_for(waiting, 1) == 1


async def test_none_when_none_comes_in_time():
    assert await wait_for_item(asyncio.Queue(), timeout=0.01) is None


async def test_the_default_is_a_tenth_of_a_second():
    loop = asyncio.get_running_loop()
    begin = loop.time()

    assert await wait_for_item(asyncio.Queue()) is None

    assert loop.time() - begin == pytest.approx(0.1, abs=0.09)


async def test_items_are_neither_lost_nor_doubled_when_the_time_is_up():
    queue, found = asyncio.Queue(), []

    async def read() -> None:
        while len(found) < 50:
            item = await wait_for_item(queue, timeout=0.001)
            if item is not None:
                found.append(item)

    reading = asyncio.create_task(read())
    for number in range(1, 51):
        queue.put_nowait(number)
        await asyncio.sleep(0.001)
    await asyncio.wait_for(reading, 5)

    assert found == list(range(1, 51))


async def test_a_reader_that_is_cancelled_loses_nothing():
    queue: asyncio.Queue[int] = asyncio.Queue()
    waiting = asyncio.create_task(wait_for_item(queue, timeout=5))
    await asyncio.sleep(0)

    waiting.cancel()
    await asyncio.wait([waiting])
    queue.put_nowait(1)

    assert await wait_for_item(queue) == 1


@pytest.mark.parametrize(
    ("name", "home"),
    [
        ("AdditionalOutputs", "fastrtc.core.outputs"),
        ("Context", "fastrtc.core.context"),
        ("Warning", "fastrtc.core.messages"),
        ("WebRTCData", "fastrtc.handlers.inputs"),
        ("WebRTCError", "fastrtc.core.errors"),
        ("audio_to_float32", "fastrtc.audio.convert"),
        ("audio_to_file", "fastrtc.audio.files"),
    ],
)
def test_names_are_the_same_objects_as_at_home(name: str, home: str):
    assert getattr(utils, name) is getattr(importlib.import_module(home), name)


def test_all_names_are_there():
    assert all(hasattr(utils, name) for name in utils.__all__)
