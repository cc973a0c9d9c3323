"""The helper that waits for a queue, and the names that are found here."""

import asyncio
import importlib
import inspect
import json

import pytest

from fastrtc import utils
from fastrtc.utils import (
    Warning,
    WebRTCError,
    current_channel,
    wait_for_item,
    webrtc_error_handler,
)
from tests.support.virtual_time import virtual_time


async def test_an_item_that_is_there_is_taken_at_once():
    queue: asyncio.Queue[int] = asyncio.Queue()
    queue.put_nowait(1)
    queue.put_nowait(2)

    assert await wait_for_item(queue, timeout=0) == 1
    assert await wait_for_item(queue) == 2


async def test_an_item_that_comes_in_time_is_taken():
    queue: asyncio.Queue[int] = asyncio.Queue()
    waiting = asyncio.create_task(wait_for_item(queue, timeout=60))
    await asyncio.sleep(0)

    queue.put_nowait(1)

    assert await asyncio.wait_for(waiting, 30) == 1


async def test_none_when_none_comes_in_time():
    assert await wait_for_item(asyncio.Queue(), timeout=0.01) is None


@virtual_time
async def test_the_default_is_a_tenth_of_a_second():
    loop = asyncio.get_running_loop()
    begin = loop.time()

    assert await wait_for_item(asyncio.Queue()) is None

    assert loop.time() - begin == pytest.approx(0.1, abs=0.01)


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


@virtual_time
async def test_waiting_creates_no_task():
    queue: asyncio.Queue[int] = asyncio.Queue()
    waiting = asyncio.create_task(wait_for_item(queue, timeout=5))
    await asyncio.sleep(1)

    assert asyncio.all_tasks() == {asyncio.current_task(), waiting}
    assert await waiting is None


@pytest.mark.parametrize("first", ["item", "timeout"])
@virtual_time
async def test_an_item_that_comes_as_the_time_is_up_is_not_lost(first: str):
    loop, queue = asyncio.get_running_loop(), asyncio.Queue[int]()
    if first == "item":
        loop.call_later(1, queue.put_nowait, 1)
    waiting = asyncio.create_task(wait_for_item(queue, timeout=1))
    await asyncio.sleep(0)
    if first == "timeout":
        loop.call_later(1, queue.put_nowait, 1)

    found = [await waiting, *([queue.get_nowait()] if queue.qsize() else [])]

    assert found in ([1], [None, 1])
    assert await wait_for_item(queue) is None, "and it is there only once"


@virtual_time
async def test_a_reader_that_is_cancelled_as_an_item_comes_leaves_it():
    queue: asyncio.Queue[int] = asyncio.Queue()
    first = asyncio.create_task(wait_for_item(queue, timeout=5))
    second = asyncio.create_task(wait_for_item(queue, timeout=5))
    await asyncio.sleep(0)

    queue.put_nowait(1)
    first.cancel()

    assert await second == 1, "the next reader gets it"
    assert first.cancelled() or first.result() is None


@virtual_time
async def test_readers_that_gave_up_leave_nothing_in_the_queue():
    queue: asyncio.Queue[int] = asyncio.Queue()
    for _ in range(100):
        assert await wait_for_item(queue) is None

    assert not queue._getters  # type: ignore[attr-defined]


@virtual_time
async def test_an_item_that_another_reader_takes_is_waited_for_again():
    loop, queue = asyncio.get_running_loop(), asyncio.Queue[int]()
    waiting = asyncio.create_task(wait_for_item(queue, timeout=1))
    await asyncio.sleep(0.5)
    queue.put_nowait(1)
    assert queue.get_nowait() == 1

    begin = loop.time()
    assert await waiting is None
    assert loop.time() - begin == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize("kind", [asyncio.PriorityQueue, asyncio.LifoQueue])
async def test_other_queues_of_asyncio(kind: type[asyncio.Queue[int]]):
    queue = kind()
    waiting = asyncio.create_task(wait_for_item(queue, timeout=5))
    await asyncio.sleep(0)
    queue.put_nowait(1)

    assert await waiting == 1


@virtual_time
async def test_a_queue_with_a_get_of_its_own():
    class Late(asyncio.Queue[int]):
        async def get(self) -> int:
            await asyncio.sleep(1)
            return await super().get()

    queue = Late()
    waiting = asyncio.create_task(wait_for_item(queue, timeout=5))
    await asyncio.sleep(0)
    queue.put_nowait(1)

    assert await waiting == 1
    assert await wait_for_item(queue, timeout=0.5) is None


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


class Channel:
    def __init__(self) -> None:
        self.sent: list[dict] = []

    def send(self, message: str) -> None:
        self.sent.append(json.loads(message))


@pytest.fixture
def channel():
    made = Channel()
    token = current_channel.set(made)
    yield made
    current_channel.reset(token)


@pytest.mark.parametrize("error", [ValueError, WebRTCError])
async def test_the_client_reads_what_a_decorated_function_raises(error, channel, caplog):
    @webrtc_error_handler
    def fail(number):
        raise error(f"boom {number}")

    @webrtc_error_handler
    async def fail_later(number):
        fail.__wrapped__(number)

    assert (fail.__name__, inspect.iscoroutinefunction(fail)) == ("fail", False)
    with pytest.raises(WebRTCError, match="boom 1"):
        fail(1)
    with pytest.raises(WebRTCError, match="boom 2"):
        await fail_later(2)
    assert [one["message"] for one in channel.sent] == ["boom 1", "boom 2"]
    assert caplog.text.count("Traceback") >= 2


async def test_a_decorated_function_that_does_not_fail():
    async def later(number, *, more):
        return number + more

    assert webrtc_error_handler(max)(1, 2) == 2
    assert await webrtc_error_handler(later)(1, more=2) == 3


def test_warnings_go_to_a_channel_that_a_program_has_set(channel):
    Warning("careful")

    assert channel.sent == [{"type": "warning", "message": "careful", "data": "careful"}]


def test_the_model_of_the_value_is_loaded_when_it_is_asked_for():
    from fastrtc.webrtc import WebRTC

    assert WebRTC.data_model is utils.WebRTCModel
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = utils.nothing
