from __future__ import annotations

import asyncio
import contextvars
import logging
import threading
from typing import Any

import numpy as np
import pytest

from fastrtc.core.errors import HandlerExited, HandlerKeepsFailing
from fastrtc.handlers.invoke import Invoker
from fastrtc.handlers.link import link_of
from fastrtc.handlers.stream import AsyncStreamHandler, StreamHandler
from fastrtc.pacing.inbound import BACKLOG_S, GAP_S, AudioInbound
from tests.pacing.recorded import Recorded
from tests.support.peers import eventually
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


def inbound(handler, **options) -> AudioInbound:
    invoker = Invoker("test", contextvars.copy_context())
    return AudioInbound(handler, invoker, Recorded(), **options)


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


@pytest.mark.parametrize(("flat", "shape"), [(False, (1, 1920)), (True, (1920,))])
@virtual_time
async def test_stereo_is_interleaved(flat, shape):
    handler = Recorder(expected_layout="stereo", input_sample_rate=48000)
    feed = inbound(handler, flat=flat)
    feed.push(48000, np.concatenate([numbers(960), -numbers(960)]))
    await fed(feed)
    ((_, samples),) = handler.received
    assert samples.shape == shape
    assert samples.ravel()[::2].tolist() == numbers(960)[0].tolist()
    assert samples.ravel()[1::2].tolist() == (-numbers(960)[0]).tolist()


@pytest.mark.parametrize("layout", ["mono", "stereo"])
@pytest.mark.parametrize("flat", [False, True])
@pytest.mark.parametrize("framed", [False, True])
@pytest.mark.parametrize("rate", [16000, 48000])
@virtual_time
async def test_arrays_are_the_handlers_own(layout, flat, framed, rate):
    handler = Recorder(expected_layout=layout, input_sample_rate=rate)
    feed = inbound(handler, flat=flat, framed=framed)
    said = np.full((1, 4800), 7, np.int16)
    said.flags.writeable = False
    feed.push(48000, said)
    feed.push(48000, said)
    await fed(feed)
    assert len(handler.received) > 1
    for _, samples in handler.received:
        assert samples.dtype == np.int16
        assert samples.flags.owndata and samples.flags.writeable and samples.flags.c_contiguous
        samples[:] = 1000
    assert (said == 7).all()


RATES = [8000, 11025, 16000, 22050, 24000, 44100, 48000]


@pytest.mark.parametrize("packet_s", [0.0025, 0.01, 0.02, 0.06, 0.0853, 1])
@pytest.mark.parametrize("sent", RATES)
@pytest.mark.parametrize("rate", RATES)
@virtual_time
async def test_receive_gets_20_ms_whatever_comes_in(rate, sent, packet_s):
    handler = Recorder(input_sample_rate=rate)
    feed = inbound(handler)
    size = round(sent * packet_s)
    taking = asyncio.create_task(feed.run())
    for count in range(1, 1 + round(2 / packet_s)):
        feed.push(sent, np.full((1, size), 1000, np.int16))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        # all that makes a whole block is there at once: nothing waits for the next packet
        blocks = int(count * size * rate / sent / round(rate / 50))
        assert len(handler.received) in (blocks, blocks + 1)
    taking.cancel()
    assert {samples.shape for _, samples in handler.received} == {(1, round(rate / 50))}
    samples = np.concatenate([chunk for _, chunk in handler.received], axis=1)[0]
    assert np.abs(samples[rate // 100 :] - 1000).max() <= 2


@virtual_time
async def test_silence_makes_up_for_what_the_resampler_holds_back():
    handler = Recorder(input_sample_rate=16000)
    feed = inbound(handler)
    taking = asyncio.create_task(feed.run())
    for count in range(1, 51):
        feed.push(48000, np.full((1, 960), 1000, np.int16))
        await asyncio.sleep(0.02)
        assert len(handler.received) == count
    taking.cancel()
    first = handler.received[0][1][0]
    assert not first[:16].any()
    assert first[24:].min() > 900


@pytest.mark.parametrize("sent", [16000, 48000])
@virtual_time
async def test_what_is_left_at_a_gap_is_given_with_silence(sent):
    handler = Recorder(input_sample_rate=16000)
    feed = inbound(handler)
    taking = asyncio.create_task(feed.run())
    for _ in range(3):  # a client that speaks only while a key is pressed
        handler.received.clear()
        for _ in range(10):
            feed.push(sent, np.full((1, sent // 80), 1000, np.int16))  # 12.5 ms
            await asyncio.sleep(0.0125)
        assert len(handler.received) == 6
        await asyncio.sleep(GAP_S + 0.01)
        assert {samples.shape for _, samples in handler.received} == {(1, 320)}
        samples = np.concatenate([chunk for _, chunk in handler.received], axis=1)[0]
        assert samples.sum() == pytest.approx(16000 / 8 * 1000, rel=0.01)
        assert not samples[-200:].any()
        await asyncio.sleep(10)
        assert len(handler.received) == 7  # and nothing more
    taking.cancel()


@virtual_time
async def test_long_messages_with_time_in_between_are_not_torn():
    handler = Recorder(input_sample_rate=16000)
    feed = inbound(handler)
    taking = asyncio.create_task(feed.run())
    for _ in range(5):
        feed.push(44100, np.full((1, round(44100 * 0.99)), 1000, np.int16))
        await asyncio.sleep(0.99)
    taking.cancel()
    samples = np.concatenate([chunk for _, chunk in handler.received], axis=1)[0]
    assert np.abs(samples[160:] - 1000).max() <= 2


@virtual_time
async def test_nothing_is_given_after_the_end():
    handler = Recorder(input_sample_rate=16000)
    feed = inbound(handler)
    taking = asyncio.create_task(feed.run())
    feed.push(16000, np.ones((1, 100), np.int16))
    await asyncio.sleep(0)
    taking.cancel()
    await asyncio.wait([taking])
    feed.flush()
    await asyncio.sleep(2 * GAP_S)
    assert handler.received == []
    assert feed._frames.empty()


class Slow(Recorder):
    async def receive(self, frame) -> None:
        await asyncio.sleep(0.1)
        await super().receive(frame)


@virtual_time
async def test_what_is_left_at_the_end_is_received_and_nothing_after_it():
    handler = Slow(input_sample_rate=16000)
    feed = inbound(handler)
    taking = asyncio.create_task(feed.run())
    for _ in range(21):
        feed.push(48000, np.full((1, 480), 1000, np.int16))
    finishing = asyncio.create_task(feed.finish(10))
    await asyncio.sleep(0)
    feed.push(48000, np.full((1, 480), 1000, np.int16))
    await finishing
    assert taking.done() and taking.result() is None
    assert [samples.shape for _, samples in handler.received] == [(1, 320)] * 11
    samples = np.concatenate([chunk for _, chunk in handler.received], axis=1)
    assert samples.sum() == pytest.approx(21 * 160 * 1000, rel=0.02)


@virtual_time
async def test_a_receive_that_hangs_is_not_waited_for_without_end():
    class Hanging(Recorder):
        async def receive(self, frame) -> None:
            await asyncio.Event().wait()

    feed = inbound(Hanging())
    taking = asyncio.create_task(feed.run())
    feed.push(48000, np.ones((1, 960), np.int16))
    before = asyncio.get_running_loop().time()
    await feed.finish(10)
    assert asyncio.get_running_loop().time() == pytest.approx(before + 10)
    taking.cancel()
    await asyncio.wait([taking])
    await feed.finish(10)  # has ended: at once
    assert asyncio.get_running_loop().time() == pytest.approx(before + 10)


@pytest.mark.parametrize("size", [1, 160, 4096, 100_000])
@virtual_time
async def test_messages_that_need_not_be_cut_are_one_block_each(size):
    handler = Recorder(input_sample_rate=24000)
    feed = inbound(handler, flat=True, framed=False)
    feed.push(24000, np.ones((1, size), np.int16))
    await fed(feed)
    assert [samples.shape for _, samples in handler.received] == [(size,)]


@virtual_time
async def test_mono_becomes_stereo_and_stereo_mono_as_the_handler_wants():
    wants_stereo = Recorder(expected_layout="stereo", input_sample_rate=48000)
    feed = inbound(wants_stereo)
    feed.push(48000, numbers(960))
    await fed(feed)
    assert wants_stereo.received[0][1].tolist() == [numbers(960)[0].repeat(2).tolist()]

    wants_mono = Recorder(input_sample_rate=48000)
    feed = inbound(wants_mono)
    feed.push(48000, np.concatenate([numbers(960), numbers(960, 20)]))
    await fed(feed)
    assert wants_mono.received[0][1].tolist() == numbers(960, 10).tolist()


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
async def test_a_client_that_changes_its_rate_is_not_heard_later():
    handler = Recorder(input_sample_rate=16000)
    feed = inbound(handler)
    taking = asyncio.create_task(feed.run())
    for count, rate in enumerate((48000, 48000, 8000, 8000, 16000, 16000, 44100, 44100), 1):
        feed.push(rate, np.full((1, rate // 50), 1000, np.int16))
        await asyncio.sleep(0.02)
        assert len(handler.received) == count
    taking.cancel()


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
    feed = inbound(handler, framed=False)
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


class Failing(Recorder):
    """Fails with the frames of some numbers."""

    def __init__(self, *numbers: int) -> None:
        super().__init__(input_sample_rate=48000)
        self.numbers = numbers

    async def receive(self, frame) -> None:
        await super().receive(frame)
        if frame[1][0, 0] in self.numbers:
            raise KeyError("user's mistake")


class SyncFailing(StreamHandler):
    """The same in a thread."""

    def __init__(self, *numbers: int) -> None:
        super().__init__(input_sample_rate=48000)
        self.numbers = numbers
        self.received: list[tuple[int, np.ndarray]] = []

    def receive(self, frame) -> None:
        self.received.append(frame)
        if frame[1][0, 0] in self.numbers:
            raise KeyError("user's mistake")

    def emit(self):
        return None

    def copy(self):
        return self


@pytest.mark.parametrize("kind", [Failing, SyncFailing])
async def test_an_exception_of_receive_costs_its_frame(kind):
    handler = kind(1, 2)
    failures, invoker = Recorded(), Invoker("test", contextvars.copy_context())
    feed = AudioInbound(handler, invoker, failures)
    fed_emit: list[int] = []
    feed.on_received = lambda: fed_emit.append(len(handler.received))
    running = asyncio.create_task(feed.run())
    for k in range(5):
        feed.push(48000, numbers(960, k))
    await eventually(lambda: len(fed_emit) == 3)
    running.cancel()
    await asyncio.wait([running])
    invoker.close()
    assert [frame[0, 0] for _, frame in handler.received] == [0, 1, 2, 3, 4]
    assert failures.texts == ['"user\'s mistake"'] * 2
    assert fed_emit == [1, 4, 5]


@virtual_time
async def test_a_receive_that_only_fails_ends_after_5_s():
    feed = inbound(Failing(0))
    running = asyncio.create_task(feed.run())
    for _ in range(249):
        feed.push(48000, numbers(960))
        await asyncio.sleep(0.02)
    assert not running.done()
    for _ in range(5):
        feed.push(48000, numbers(960))
        await asyncio.sleep(0.02)
    with pytest.raises(HandlerKeepsFailing, match="without a success"):
        await running


@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt, asyncio.CancelledError])
@pytest.mark.parametrize("is_async", [True, False])
async def test_what_is_no_exception_ends_it_at_once(is_async, error):
    class Exits(Recorder):
        async def receive(self, frame) -> None:
            raise error("3")

    class SyncExits(SyncFailing):
        def receive(self, frame) -> None:
            raise error("3")

    failures, invoker = Recorded(), Invoker("test", contextvars.copy_context())
    feed = AudioInbound((Exits if is_async else SyncExits)(), invoker, failures)
    feed.push(48000, numbers(960))
    with pytest.raises(ENDS[is_async and error is asyncio.CancelledError]):
        await asyncio.wait_for(feed.run(), 5)
    invoker.close()
    assert failures.errors == []


ENDS = {
    False: HandlerExited,
    # Python 3.10 does not know who cancelled a task; the session that owns it does
    True: (HandlerExited, asyncio.CancelledError),
}


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
    feed = AudioInbound(handler, invoker, Recorded())
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
    feed = AudioInbound(handler, invoker, Recorded())
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


class SlowAtFirst(Recorder):
    """One that hears speech in what it receives first, and takes its time for that."""

    async def receive(self, frame) -> None:
        if not self.received:
            await asyncio.sleep(self.seconds)
        await super().receive(frame)


@pytest.mark.parametrize("seconds", [0.1, 3.0, 20.0])
@virtual_time
async def test_a_handler_that_is_behind_gets_silence_when_it_has_heard_that_it_needs_some(seconds):
    """As one whose model is still being loaded when the client has said all that it says."""
    handler = SlowAtFirst(input_sample_rate=48000)
    handler.seconds = seconds
    link_of(handler).needs_silence = lambda: bool(handler.received)
    receiving = inbound(handler)
    task = asyncio.create_task(receiving.run())
    receiving.push(48000, numbers(960))
    await asyncio.sleep(seconds + 1.5)
    assert len(handler.received) > 10
    assert not any(frame.any() for _, frame in handler.received[1:])
    task.cancel()
    await asyncio.wait([task])


@virtual_time
async def test_a_stall_of_the_event_loop_does_not_end_the_silence():
    loop: Any = asyncio.get_running_loop()
    handler = SlowAtFirst(input_sample_rate=48000)
    handler.seconds = 0.0
    stalls = iter([0.1])

    def needs_silence() -> bool:
        loop._selector.now += next(stalls, 0.0)
        return True

    link_of(handler).needs_silence = needs_silence
    receiving = inbound(handler)
    task = asyncio.create_task(receiving.run())
    receiving.push(48000, numbers(960))
    await asyncio.sleep(1.5)
    assert len(handler.received) > 10
    task.cancel()
    await asyncio.wait([task])


@pytest.mark.parametrize("kind", [Failing, SyncFailing])
async def test_a_call_comes_after_the_audio_that_came_before_it(kind):
    handler = kind()
    failures, invoker = Recorded(), Invoker("test", contextvars.copy_context())
    feed = AudioInbound(handler, invoker, failures)
    calls: list[tuple[int, str]] = []

    def call() -> None:
        calls.append((len(handler.received), threading.current_thread().name))
        raise KeyError("a mistake")

    feed.push(48000, numbers(960 + 480))
    feed.call(call)
    feed.push(48000, numbers(960))
    running = asyncio.create_task(feed.run())
    await eventually(lambda: len(handler.received) == 3)
    running.cancel()
    await asyncio.wait([running])
    feed.call(call)  # too late
    invoker.close()
    assert [count for count, _ in calls] == [2]  # the incomplete block as well
    assert calls[0][1] != threading.main_thread().name
    assert failures.texts == ["'a mistake'"]


async def test_calls_are_bounded_and_survive_an_overflow():
    feed = inbound(SyncFailing())
    calls: list[int] = []
    for number in range(200):
        feed.call(lambda number=number: calls.append(number))
    for _ in range(round(BACKLOG_S) + 10):
        feed.push(48000, np.zeros((1, 48000), np.int16))
    assert feed._pushed - feed._taken == BACKLOG_S * 48000
    running = asyncio.create_task(feed.run())
    await eventually(lambda: len(calls) == 64)
    running.cancel()
    await asyncio.wait([running])
    feed._invoker.close()
    assert sorted(calls) == [*range(64)]
