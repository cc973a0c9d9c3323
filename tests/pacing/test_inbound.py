from __future__ import annotations

import asyncio
import contextvars
import logging
import threading

import numpy as np
import pytest

from fastrtc.handlers.invoke import Invoker
from fastrtc.handlers.stream import AsyncStreamHandler, StreamHandler
from fastrtc.pacing.inbound import BACKLOG_S, AudioInbound
from tests.support.virtual_time import virtual_time


class Recorder(AsyncStreamHandler):
    """Keeps what it receives."""

    def __init__(self, **options) -> None:
        super().__init__(**options)
        self.received: list[tuple[int, np.ndarray]] = []

    async def receive(self, frame) -> None:
        self.received.append(frame)

    async def emit(self):
        return None

    def copy(self):
        return self


def inbound(handler, *, flat: bool = False) -> AudioInbound:
    return AudioInbound(handler, Invoker("test", contextvars.copy_context()), flat=flat)


async def fed(inbound: AudioInbound) -> None:
    """Feed the handler what waits for it."""
    task = asyncio.create_task(inbound.run())
    await asyncio.sleep(1)
    task.cancel()
    await asyncio.wait([task])


def numbers(n: int, start: int = 0) -> np.ndarray:
    return np.arange(start, start + n, dtype=np.int16)[np.newaxis]


@virtual_time
async def test_mono_is_one_row():
    handler = Recorder(input_sample_rate=48000)
    feed = inbound(handler)
    feed.push(48000, numbers(960))
    await fed(feed)
    ((rate, samples),) = handler.received
    assert rate == 48000
    assert samples.dtype == np.int16
    assert samples.tolist() == numbers(960).tolist()
    assert samples.shape == (1, 960)


@virtual_time
async def test_flat_mono_has_one_axis():
    handler = Recorder(input_sample_rate=8000)
    feed = inbound(handler, flat=True)
    feed.push(8000, numbers(160))
    await fed(feed)
    ((_, samples),) = handler.received
    assert samples.tolist() == numbers(160)[0].tolist()


@pytest.mark.parametrize(("flat", "shape"), [(False, (1, 6)), (True, (6,))])
@virtual_time
async def test_stereo_is_interleaved(flat, shape):
    handler = Recorder(expected_layout="stereo", input_sample_rate=48000)
    feed = inbound(handler, flat=flat)
    feed.push(48000, np.array([[1, 2, 3], [-1, -2, -3]], np.int16))
    await fed(feed)
    ((_, samples),) = handler.received
    assert samples.shape == shape
    assert samples.ravel().tolist() == [1, -1, 2, -2, 3, -3]
    assert samples.flags.c_contiguous


@virtual_time
async def test_mono_becomes_stereo_and_stereo_mono_as_the_handler_wants():
    wants_stereo = Recorder(expected_layout="stereo", input_sample_rate=48000)
    feed = inbound(wants_stereo)
    feed.push(48000, numbers(3))
    await fed(feed)
    assert wants_stereo.received[0][1].tolist() == [[0, 0, 1, 1, 2, 2]]

    wants_mono = Recorder(input_sample_rate=48000)
    feed = inbound(wants_mono)
    feed.push(48000, np.array([[10, 20], [30, 40]], np.int16))
    await fed(feed)
    assert wants_mono.received[0][1].tolist() == [[20, 30]]


@pytest.mark.parametrize("rate", [8000, 16000, 24000])
@virtual_time
async def test_audio_comes_at_the_rate_of_the_handler(rate):
    handler = Recorder(input_sample_rate=rate)
    feed = inbound(handler)
    k = np.arange(48000)
    signal = np.rint(8000 * np.sin(2 * np.pi * 440 * k / 48000)).astype(np.int16)[np.newaxis]
    for start in range(0, 48000, 960):
        feed.push(48000, signal[:, start : start + 960])
    await fed(feed)
    assert {given for given, _ in handler.received} == {rate}
    samples = np.concatenate([chunk for _, chunk in handler.received], axis=1)
    assert samples.shape[0] == 1
    assert samples.shape[1] == pytest.approx(rate, rel=0.05)
    assert np.sqrt(np.mean(samples.astype(float) ** 2)) == pytest.approx(8000 / 2**0.5, rel=0.05)


@virtual_time
async def test_a_client_may_change_its_rate():
    handler = Recorder(input_sample_rate=24000)
    feed = inbound(handler)
    for rate in (48000, 8000, 24000, 16000):
        feed.push(rate, np.ones((1, rate // 2), np.int16))
    await fed(feed)
    total = sum(chunk.shape[1] for _, chunk in handler.received)
    assert total == pytest.approx(4 * 12000, abs=1000)


@virtual_time
async def test_nothing_is_not_fed():
    handler = Recorder()
    feed = inbound(handler)
    feed.push(48000, np.zeros((1, 0), np.int16))
    await fed(feed)
    assert handler.received == []


@virtual_time
async def test_silence_has_the_form_of_audio():
    for layout, flat, shape in (("mono", False, (1, 480)), ("stereo", True, (960,))):
        handler = Recorder(expected_layout=layout, input_sample_rate=24000)
        rate, samples = inbound(handler, flat=flat).silence()
        assert (rate, samples.shape, samples.dtype) == (24000, shape, np.int16)
        assert not samples.any()


@pytest.mark.parametrize("layout", ["mono", "stereo"])
@virtual_time
async def test_what_a_slow_handler_does_not_take_is_bounded(layout, caplog):
    handler = Recorder(expected_layout=layout, input_sample_rate=48000)
    feed = inbound(handler)
    seconds = round(BACKLOG_S) + 10
    with caplog.at_level(logging.WARNING):
        for second in range(seconds):
            for _ in range(10):
                feed.push(48000, np.full((1, 4800), second, np.int16))
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "30 s behind" in caplog.text
    await fed(feed)
    samples = np.concatenate([chunk for _, chunk in handler.received], axis=1)[0]
    channels = 2 if layout == "stereo" else 1
    assert samples.size == BACKLOG_S * 48000 * channels
    assert samples[0] == 10  # the oldest went
    assert samples[-1] == seconds - 1

    feed.push(48000, numbers(960))  # and it goes on
    await fed(feed)
    assert handler.received[-1][1].size == 960 * channels


@virtual_time
async def test_one_long_frame_is_kept_whatever_its_length():
    handler = Recorder(input_sample_rate=8000)
    feed = inbound(handler)
    feed.push(8000, np.ones((1, 8000 * 60), np.int16))
    await fed(feed)
    assert handler.received[0][1].size == 8000 * 60


@virtual_time
async def test_receive_runs_one_call_at_a_time_and_in_order():
    class Slow(Recorder):
        running = 0

        async def receive(self, frame) -> None:
            self.running += 1
            assert self.running == 1
            await asyncio.sleep(0.05)
            self.running -= 1
            self.received.append(frame)

    handler = Slow(input_sample_rate=48000)
    feed = inbound(handler)
    for k in range(10):
        feed.push(48000, numbers(960, k))
    await fed(feed)
    assert [chunk[0, 0] for _, chunk in handler.received] == list(range(10))


@virtual_time
async def test_what_receive_raises_comes_out():
    class Failing(Recorder):
        async def receive(self, frame) -> None:
            raise KeyError("user's mistake")

    feed = inbound(Failing())
    feed.push(48000, numbers(960))
    with pytest.raises(KeyError, match="user's mistake"):
        await feed.run()


async def test_a_sync_receive_runs_off_the_loop():
    class Sync(StreamHandler):
        def __init__(self) -> None:
            super().__init__(input_sample_rate=48000)
            self.threads: list[str] = []
            self.received = asyncio.Event()

        def receive(self, frame) -> None:
            self.threads.append(threading.current_thread().name)
            if len(self.threads) == 3:
                self.loop.call_soon_threadsafe(self.received.set)

        def emit(self):
            return None

        def copy(self):
            return self

    handler = Sync()
    handler._loop = asyncio.get_running_loop()
    invoker = Invoker("test", contextvars.copy_context())
    feed = AudioInbound(handler, invoker)
    for _ in range(3):
        feed.push(48000, numbers(960))
    task = asyncio.create_task(feed.run())
    await asyncio.wait_for(handler.received.wait(), 5)
    task.cancel()
    invoker.close()
    assert handler.threads == ["test:receive"] * 3


async def test_what_comes_after_the_end_is_not_kept():
    class Blocked(StreamHandler):
        release = threading.Event()

        def receive(self, frame) -> None:
            self.release.wait(10)

        def emit(self):
            return None

        def copy(self):
            return self

    handler = Blocked(input_sample_rate=8000)
    invoker = Invoker("test", contextvars.copy_context())
    feed = AudioInbound(handler, invoker)
    task = asyncio.create_task(feed.run())
    feed.push(8000, numbers(160))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    for _ in range(3 * round(BACKLOG_S)):
        feed.push(8000, np.ones((1, 8000), np.int16))
    assert feed._frames.qsize() <= 2
    handler.release.set()
    invoker.close()
