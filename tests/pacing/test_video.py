from __future__ import annotations

import asyncio
import contextvars
import functools
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import numpy as np
import pytest
from av import VideoFrame
from PIL import Image

from fastrtc.core.errors import HandlerError, HandlerKeepsFailing
from fastrtc.core.outputs import AdditionalOutputs, CloseStream
from fastrtc.core.transcript import Transcript
from fastrtc.handlers.inputs import FunctionInputs
from fastrtc.handlers.invoke import Invoker
from fastrtc.pacing.frames import FrameClock
from fastrtc.pacing.picture import to_array, to_frame
from fastrtc.pacing.sender_clocks import SenderClocks
from fastrtc.pacing.video import FRAMES_WAITING, VideoInbound, VideoOutbound, run_function
from tests.pacing.recorded import Recorded
from tests.support.virtual_time import virtual_time


def grey(value: int) -> np.ndarray:
    return np.full((16, 16, 3), value, np.uint8)


def value_of(picture: np.ndarray | VideoFrame) -> int:
    """The value of a grey picture, which is a multiple of 10."""
    array = to_array(picture) if isinstance(picture, VideoFrame) else picture
    return round((float(array.mean()) + 2.5) / 10) * 10  # each way there and back takes some 3


class Inline(Invoker):
    """Runs sync code where it is called: threads know nothing of virtual time."""

    async def _run(self, role, function, *args):
        await asyncio.sleep(0)
        return function(*args)


class Line:
    """Both directions of a connection, a sender, and what was sent and delivered."""

    def __init__(self, fps: float | None, skip_frames: bool) -> None:
        self.invoker = Inline("test", contextvars.copy_context())
        self.delivered: list[AdditionalOutputs] = []
        self.failures = Recorded()
        self.inbound = VideoInbound(skip_frames=skip_frames)
        self.out = VideoOutbound(self.invoker, self.delivered.append, fps, self.failures)
        self.sent: list[tuple[float, VideoFrame]] = []
        self.began = asyncio.get_running_loop().time()

    @property
    def now(self) -> float:
        return asyncio.get_running_loop().time() - self.began

    @property
    def values(self) -> list[int]:
        return [value_of(frame) for _, frame in self.sent]

    @property
    def times(self) -> list[float]:
        return [at for at, _ in self.sent]

    async def send(self) -> None:
        while True:
            frame = await self.out.frame()
            self.sent.append((self.now, frame))

    async def camera(self, count: int, fps: float = 30) -> None:
        for k in range(count):
            self.inbound.push(to_frame(grey(10 * (k % 25))))
            await asyncio.sleep(1 / fps)


@asynccontextmanager
async def line(
    fps: float | None = 30, *, skip_frames: bool = False, sends: bool = True
) -> AsyncIterator[Line]:
    made = Line(fps, skip_frames)
    sender = asyncio.create_task(made.send()) if sends and fps is not None else None
    try:
        yield made
    finally:
        made.invoker.close()
        if sender is not None:
            await ended(sender)


async def ended(task: asyncio.Task) -> None:
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled(), task.exception()


# --- VideoInbound --------------------------------------------------------------------------------


@virtual_time
async def test_an_async_handler_gets_bgr_pictures_on_the_loop():
    received: list[tuple[np.ndarray, str]] = []

    async def receive(picture):
        received.append((picture, threading.current_thread().name))

    async with line() as made:
        running = asyncio.create_task(made.inbound.run(made.invoker, receive, made.failures))
        made.inbound.push(to_frame(grey(100)))
        await asyncio.sleep(1)
        await ended(running)
    ((picture, thread),) = received
    assert (picture.shape, picture.dtype, value_of(picture)) == ((16, 16, 3), np.uint8, 100)
    assert thread == threading.current_thread().name


async def test_a_sync_handler_gets_pictures_off_the_loop():
    loop = asyncio.get_running_loop()
    received: asyncio.Queue[tuple[np.ndarray, str]] = asyncio.Queue()

    def receive(picture):
        thread = threading.current_thread().name
        loop.call_soon_threadsafe(received.put_nowait, (picture, thread))

    invoker = Invoker("test", contextvars.copy_context())
    inbound = VideoInbound()
    running = asyncio.create_task(inbound.run(invoker, receive, Recorded()))
    inbound.push(to_frame(grey(100)))
    picture, thread = await asyncio.wait_for(received.get(), 5)
    await ended(running)
    invoker.close()
    assert value_of(picture) == 100
    assert thread == "test:video_receive"


async def test_a_sync_function_and_its_conversions_run_off_the_loop():
    threads: list[str] = []

    class Picture:
        def __array__(self, dtype=None, copy=None):
            threads.append(threading.current_thread().name)
            return grey(100)

    def function(picture):
        threads.append(threading.current_thread().name)
        return Picture()

    invoker = Invoker("test", contextvars.copy_context())
    inbound = VideoInbound()
    out = VideoOutbound(invoker, lambda outputs: None, 30, Recorded())
    inputs = FunctionInputs(function, media=1)
    running = asyncio.create_task(run_function(function, inputs, inbound, out, invoker))
    inbound.push(to_frame(grey(0)))
    frame = await asyncio.wait_for(out.frame(), 5)
    await ended(running)
    invoker.close()
    assert value_of(frame) == 100
    assert threads == ["test:video"] * 2


@virtual_time
async def test_a_sync_function_that_gives_a_coroutine_is_awaited():
    received = []

    async def receive(picture):
        received.append(value_of(picture))

    async with line() as made:
        running = asyncio.create_task(
            made.inbound.run(made.invoker, lambda p: receive(p), made.failures)
        )
        made.inbound.push(to_frame(grey(100)))
        await asyncio.sleep(1)
        await ended(running)
    assert received == [100]


@pytest.mark.parametrize(("skip_frames", "kept"), [(True, 1), (False, FRAMES_WAITING)])
@virtual_time
async def test_a_slow_handler_loses_the_oldest(skip_frames, kept):
    async with line(skip_frames=skip_frames, sends=False) as made:
        for k in range(20):
            made.inbound.push(to_frame(grey(10 * k)))
        got = [value_of(await made.inbound.get()) for _ in range(kept)]
        assert got == [10 * k for k in range(20 - kept, 20)]
        waiting = asyncio.create_task(made.inbound.get())
        await asyncio.sleep(1)
        assert not waiting.done()
        await ended(waiting)


@virtual_time
async def test_an_exception_of_video_receive_costs_its_frame():
    received = []

    async def receive(picture):
        received.append(value_of(picture))
        if received[-1] == 10:
            raise LookupError("user's mistake")

    async with line() as made:
        running = asyncio.create_task(made.inbound.run(made.invoker, receive, made.failures))
        await made.camera(4)
        await ended(running)
        assert received == [0, 10, 20, 30]
        assert made.failures.texts == ["user's mistake"]


@virtual_time
async def test_a_video_receive_that_only_fails_ends_after_5_s():
    async def receive(picture):
        raise LookupError("user's mistake")

    async with line() as made:
        running = asyncio.create_task(made.inbound.run(made.invoker, receive, made.failures))
        await made.camera(155)
        with pytest.raises(HandlerKeepsFailing):
            await running


# --- VideoOutbound -------------------------------------------------------------------------------


@virtual_time
async def test_frames_leave_at_the_rate_with_their_time():
    async def emit():
        return grey(50)

    async with line(fps=25) as made:
        running = asyncio.create_task(made.out.run_emit(emit))
        await asyncio.sleep(4)
        await ended(running)
    assert len(made.sent) == pytest.approx(100, abs=2)
    assert np.diff(made.times)[1:] == pytest.approx(0.04, abs=0.005)
    assert np.diff([frame.pts for _, frame in made.sent]) == pytest.approx(3600, abs=450)
    assert all(frame.time_base == FrameClock.TIME_BASE for _, frame in made.sent)


@virtual_time
async def test_a_video_emit_that_gives_nothing_is_asked_50_times_a_second():
    calls = 0

    async def emit():
        nonlocal calls
        calls += 1

    async with line() as made:
        running = asyncio.create_task(made.out.run_emit(emit))
        await asyncio.sleep(10)
        await ended(running)
    assert 490 <= calls <= 501
    assert made.sent == []


@pytest.mark.parametrize("drops", [True, False], ids=["dropped later", "never wanted"])
@virtual_time
async def test_a_video_emit_for_nobody_is_asked_50_times_a_second(drops):
    calls = 0

    async def emit():
        nonlocal calls
        calls += 1
        return to_frame(grey(0))

    async with line(30 if drops else None, sends=False) as made:
        made.out.drop()
        running = asyncio.create_task(made.out.run_emit(emit))
        await asyncio.sleep(10)
        await ended(running)
    assert 490 <= calls <= 501


@virtual_time
async def test_frames_outputs_and_the_end():
    outputs = [AdditionalOutputs(1), Transcript("A cat")]
    items = iter([grey(10), (grey(20), outputs[0]), outputs[1], (grey(30), CloseStream("enough"))])

    async def emit():
        return next(items)

    async with line() as made:
        assert await made.out.run_emit(emit) == "enough"
        await asyncio.sleep(0.1)
        assert made.values == [10, 20, 30]
        assert made.delivered == outputs


@virtual_time
async def test_a_generator_is_asked_for_as_many_frames_as_leave():
    given = 0

    async def generator():
        nonlocal given
        for k in range(20):
            given += 1
            yield grey(10 * k)

    async with line(fps=10) as made:
        running = asyncio.create_task(made.out.run_generator(generator()))
        await asyncio.sleep(1)
        assert given <= 13
        assert await running == "Stream ended"
        await asyncio.sleep(1)
        assert made.values == [10 * k for k in range(20)]
        assert made.times[-1] == pytest.approx(1.9, abs=0.1)


@virtual_time
async def test_a_generator_may_close_the_stream():
    async def generator():
        yield None
        yield grey(10)
        yield CloseStream("enough")
        yield grey(20)

    async with line() as made:
        assert await made.out.run_generator(generator()) == "enough"
        await asyncio.sleep(0.1)
        assert made.values == [10]


@pytest.mark.parametrize("fps", [30, None], ids=["sent", "dropped"])
@virtual_time
async def test_a_generator_of_nothing_holds_nobody_up(fps):
    asked = 0

    async def generator():
        nonlocal asked
        while True:
            asked += 1
            yield None

    async with line(fps) as made:
        running = asyncio.create_task(made.out.run_generator(generator()))
        await asyncio.sleep(10)
        await ended(running)
    assert 490 <= asked <= 502


@virtual_time
async def test_a_frame_that_does_not_wait_replaces_the_one_before():
    async with line(sends=False) as made:
        for value in (10, 20, 30):
            await made.out.take(grey(value), wait=False)
        assert value_of(await made.out.frame()) == 30


@virtual_time
async def test_a_newer_frame_takes_the_place_of_one_that_waits_for_its_moment():
    async with line(fps=1) as made:
        await made.out.take(grey(10), wait=False)
        await asyncio.sleep(0.1)
        await made.out.take(grey(20), wait=False)
        await asyncio.sleep(0.1)
        await made.out.take(grey(30), wait=False)
        await asyncio.sleep(2)
        assert made.values == [10, 30]
        assert made.times[1] == pytest.approx(1)


@pytest.mark.parametrize(
    "output",
    [np.zeros((4, 4, 3)), "picture", (grey(0), 1), [1, 2], 5, np.zeros((2, 2, 2), np.uint8)],
    ids=["float", "text", "pair", "list", "number", "two channels"],
)
@pytest.mark.parametrize("fps", [30, None], ids=["sent", "dropped"])
@virtual_time
async def test_what_is_no_picture_is_refused(output, fps):
    async with line(fps) as made:
        with pytest.raises((HandlerError, ValueError)):
            await made.out.take(output, wait=True)
        assert made.sent == []


@virtual_time
async def test_a_video_emit_that_fails_costs_its_frame():
    outputs = iter([grey(10), OSError("user's mistake"), "text", grey(20)])

    async def emit():
        output = next(outputs, CloseStream("over"))
        if isinstance(output, Exception):
            raise output
        return output

    async with line() as made:
        assert await made.out.run_emit(emit) == "over"
        assert made.values == [10, 20]
        assert [type(error) for error in made.failures.errors] == [OSError, HandlerError]


@pytest.mark.parametrize("output", [OSError("user's mistake"), "text"], ids=["raises", "unfit"])
@virtual_time
async def test_a_video_emit_that_only_fails_is_asked_50_times_a_second_and_ends_after_5_s(output):
    calls = 0

    async def emit():
        nonlocal calls
        calls += 1
        if isinstance(output, Exception):
            raise output
        return output

    async with line() as made:
        with pytest.raises(HandlerKeepsFailing):
            await made.out.run_emit(emit)
        assert made.now == pytest.approx(5, abs=0.1)
        assert 200 <= calls <= 255


@virtual_time
async def test_without_a_viewer_outputs_still_come():
    outputs = AdditionalOutputs(1)
    async with line(fps=None) as made:
        assert await made.out.take((grey(0), outputs), wait=True) is None
        assert await made.out.take(grey(0), wait=True) is None
        assert await made.out.take(CloseStream("end"), wait=True) == "end"
        assert made.delivered == [outputs]


# --- run_function --------------------------------------------------------------------------------


async def run(made: Line, function, count: int = 10, *, values: list | None = None) -> str | None:
    """Run a function while a camera films; why it ended, or None if it goes on."""
    inputs = FunctionInputs(function, media=1)
    if values is not None:
        inputs.set(values)
    running = asyncio.create_task(
        run_function(function, inputs, made.inbound, made.out, made.invoker)
    )
    await made.camera(count)
    await asyncio.sleep(0.5)
    if running.done():
        return await running
    await ended(running)
    return None


def darker(picture):
    assert picture.dtype == np.uint8 and picture.shape == (16, 16, 3)
    return picture // 2


async def darker_async(picture):
    await asyncio.sleep(0)
    return picture // 2


class Darker:
    def __call__(self, picture):
        return darker(picture)

    async def asynchronous(self, picture):
        return darker(picture)


@pytest.mark.parametrize(
    "function",
    [
        darker,
        darker_async,
        Darker(),
        Darker().asynchronous,
        functools.partial(darker),
        lambda picture: darker_async(picture),
        lambda picture: to_frame(darker(picture)),
        lambda picture: iter([darker(picture)]),
        lambda picture: [darker(picture), AdditionalOutputs()],
        lambda picture: Image.fromarray(darker(picture)),
        lambda picture: (Image.fromarray(darker(picture)), AdditionalOutputs()),
    ],
    ids=(
        "sync async object method partial coroutine frame iterator list image image_and_outputs"
    ).split(),
)
@virtual_time
async def test_every_frame_goes_through_the_function(function):
    async with line() as made:
        assert await run(made, function) is None
        expected = [value_of(grey(10 * k) // 2) for k in range(10)]
        assert np.abs(np.subtract(made.values, expected)).max() <= 10
        assert len(made.sent) == 10


@virtual_time
async def test_until_its_inputs_are_set_frames_go_back_as_they_came():
    def paint(picture, value):
        return grey(value)

    async with line() as made:
        assert await run(made, paint) is None
        assert made.values == [10 * k for k in range(10)]


@virtual_time
async def test_with_its_inputs_it_is_called():
    def paint(picture, value):
        return grey(value)

    async with line() as made:
        assert await run(made, paint, values=[200]) is None
        assert made.values == [200] * 10


@virtual_time
async def test_inputs_may_change_while_it_runs():
    def paint(picture, value=100):
        return grey(value)

    async with line() as made:
        inputs = FunctionInputs(paint, media=1)
        running = asyncio.create_task(
            run_function(paint, inputs, made.inbound, made.out, made.invoker)
        )
        # the default is left to the function
        await made.camera(3)
        inputs.set([200])
        await made.camera(3)
        await ended(running)
    assert made.values == [100] * 3 + [200] * 3


@virtual_time
async def test_a_function_may_give_nothing():
    async with line() as made:
        assert await run(made, lambda picture: None) is None
        assert made.sent == []


@virtual_time
async def test_a_function_may_give_outputs_and_close():
    outputs = [AdditionalOutputs(k) for k in range(3)]
    items = iter([(grey(10), outputs[0]), outputs[1], (grey(20), outputs[2])])

    def function(picture):
        return next(items, CloseStream("enough"))

    async with line() as made:
        assert await run(made, function) == "enough"
        assert made.values == [10, 20]
        assert made.delivered == outputs


def three(picture):
    for value in (10, 20, 30):
        yield grey(value)


async def three_async(picture):
    for value in (10, 20, 30):
        yield grey(value)


@pytest.mark.parametrize("function", [three, three_async])
@virtual_time
async def test_all_frames_of_a_generator_leave(function):
    async with line() as made:
        assert await run(made, function, count=1) is None
        assert made.values == [10, 20, 30]
        assert np.diff(made.times) == pytest.approx(1 / 30, abs=1e-6)


@virtual_time
async def test_a_generator_of_one_frame_adds_no_delay():
    """Its camera is quicker than the stream: frames are dropped rather than queued."""

    async def function(picture):
        yield picture

    async with line(fps=10) as made:
        inputs = FunctionInputs(function, media=1)
        running = asyncio.create_task(
            run_function(function, inputs, made.inbound, made.out, made.invoker)
        )
        await made.camera(25)
        await ended(running)
    delays = [at * 30 - value_of(frame) / 10 for at, frame in made.sent]
    assert max(delays) <= 1 + 1e-6
    assert len(made.sent) == pytest.approx(8, abs=1)


@virtual_time
async def test_a_generator_may_close():
    def function(picture):
        yield grey(10)
        yield CloseStream("enough")
        yield grey(20)

    async with line() as made:
        assert await run(made, function) == "enough"
        assert made.values == [10]


def of_the_second(mistake):
    """A function that gives back what it gets, but for its second frame."""
    count = 0

    def function(picture):
        nonlocal count
        count += 1
        return mistake(picture) if count == 2 else picture

    async def function_async(picture):
        return function(picture)

    def generator(picture):
        yield function(picture)

    return {"sync": function, "async": function_async, "generator": generator}


def raises(picture):
    raise OSError("user's mistake")


@pytest.mark.parametrize("kind", ["sync", "async", "generator"])
@pytest.mark.parametrize("mistake", [lambda p: [1, 2], lambda p: p / 2, lambda p: "text", raises])
@virtual_time
async def test_a_mistake_of_a_function_costs_its_frame(mistake, kind):
    async with line() as made:
        assert await run(made, of_the_second(mistake)[kind], 4) is None
        assert made.values == [0, 20, 30]
        (error,) = made.failures.errors
        assert type(error) is OSError or "must be a uint8 array" in str(error)


@virtual_time
async def test_a_function_that_only_fails_ends_after_5_s():
    async with line() as made:
        with pytest.raises(HandlerKeepsFailing):
            await run(made, raises, 155)


@virtual_time
async def test_a_slow_async_function_gets_the_newest_frames():
    async def function(picture):
        await asyncio.sleep(0.1)
        return picture

    async with line() as made:
        await run(made, function, count=25)
        assert len(made.sent) <= 15
        assert made.values[-1] == 240
        assert made.values == sorted(made.values)


@virtual_time
async def test_with_skip_frames_only_the_newest_waits():
    seen = []

    async def function(picture):
        seen.append(value_of(picture))
        await asyncio.sleep(0.1)

    async with line(skip_frames=True) as made:
        await run(made, function, count=25)
    assert all(later - earlier >= 20 for earlier, later in zip(seen, seen[1:-1], strict=False))
    assert seen[-1] == 240


class Taken:
    """What a recording hears of frames."""

    def __init__(self) -> None:
        self.times: list[tuple[float | None, float | None]] = []

    def picture(self, frame: object, media_s: float | None, audio_s: float | None = None) -> None:
        self.times.append((media_s, audio_s))


def test_a_recording_is_told_which_audio_was_captured_with_a_frame():
    inbound, tap = VideoInbound(), Taken()
    inbound.tap = tap
    frame = to_frame(grey(100))
    inbound.push(frame)  # without a time
    frame.pts, frame.time_base = 45_000, FrameClock.TIME_BASE
    inbound.push(frame)
    inbound.clocks = SenderClocks()
    inbound.push(frame)
    inbound.clocks.report("audio", 1000 << 32, 700.0)
    inbound.clocks.report("video", 1001 << 32, 3.0)
    inbound.push(frame)
    assert tap.times == [(None, None), (0.5, None), (0.5, None), (0.5, 698.5)]
