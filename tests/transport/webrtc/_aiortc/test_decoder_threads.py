from __future__ import annotations

import asyncio
import gc
import threading
from typing import Any

import aiortc.rtcrtpreceiver
import pytest

from fastrtc.transport.webrtc._aiortc.decoder_threads import PATCH, make_decoder_threads_daemons
from tests.support.patches import without


@pytest.fixture
def receiver_module(monkeypatch: pytest.MonkeyPatch) -> Any:
    module: Any = aiortc.rtcrtpreceiver
    monkeypatch.setattr(module, "threading", threading)
    return module


def test_decoder_threads_are_daemons(receiver_module):
    make_decoder_threads_daemons()
    changed = receiver_module.threading
    thread = changed.Thread(target=print, name="audio-decoder", args=())
    assert isinstance(thread, threading.Thread)
    assert thread.daemon
    assert changed.Event is threading.Event
    assert changed.Lock is threading.Lock  # whatever else a later version uses
    assert not threading.Thread(target=print).daemon, "threads of others stay as they are"

    make_decoder_threads_daemons()
    assert receiver_module.threading is changed


def decoder(module: Any, loop: asyncio.AbstractEventLoop, queue: asyncio.Queue[str]) -> Any:
    def decode(loop: asyncio.AbstractEventLoop, output: Any) -> None:
        asyncio.run_coroutine_threadsafe(output.put("a frame"), loop)

    make_decoder_threads_daemons()
    return module.threading.Thread(target=decode, name="video-decoder", args=(loop, queue))


async def test_a_frame_reaches_the_track(receiver_module):
    queue: asyncio.Queue[str] = asyncio.Queue()
    thread = decoder(receiver_module, asyncio.get_running_loop(), queue)
    thread.start()
    assert await asyncio.wait_for(queue.get(), 5) == "a frame"
    thread.join(5)


@pytest.mark.parametrize("closed", [True, False])
def test_a_frame_for_a_loop_that_has_ended_is_no_warning(closed, receiver_module):
    loop = asyncio.new_event_loop()
    thread = decoder(receiver_module, loop, asyncio.Queue())
    if closed:
        loop.close()
    thread.start()
    thread.join(5)
    loop.close()
    del thread, loop
    gc.collect()  # warnings are errors


async def test_without_the_names_threads_stay_as_they_are(receiver_module):
    with without(PATCH):
        make_decoder_threads_daemons()
    assert receiver_module.threading is threading
