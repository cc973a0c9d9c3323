"""Which part of a handler takes and gives what, in every modality and mode."""

import asyncio
import queue
import threading
from collections.abc import AsyncIterator, Callable
from typing import Any

import numpy as np
import pytest
import pytest_asyncio
from av import VideoFrame

from fastrtc.core.outputs import AdditionalOutputs, CloseStream
from fastrtc.handlers.link import link_of
from fastrtc.handlers.stream import AsyncAudioVideoStreamHandler, AsyncStreamHandler, StreamHandler
from fastrtc.handlers.video import VideoStreamHandler
from fastrtc.session.media import Media
from fastrtc.session.session import Session

RATE = 48_000
CHUNK = (RATE, np.full((1, 960), 1000, np.int16))


class AudioEcho(AsyncStreamHandler):
    def __init__(self) -> None:
        super().__init__(output_sample_rate=RATE)
        self.heard: asyncio.Queue[Any] = asyncio.Queue()
        self.started = asyncio.Event()

    async def start_up(self) -> None:
        self.started.set()
        await asyncio.Event().wait()

    async def receive(self, frame) -> None:
        self.heard.put_nowait(frame)

    async def emit(self):
        return await self.heard.get()

    def copy(self):
        return type(self)()


class BothEcho(AsyncAudioVideoStreamHandler):
    def __init__(self) -> None:
        super().__init__(output_sample_rate=RATE, fps=50)
        self.heard: asyncio.Queue[Any] = asyncio.Queue()
        self.seen: asyncio.Queue[Any] = asyncio.Queue()

    async def receive(self, frame) -> None:
        self.heard.put_nowait(frame)

    async def emit(self):
        return await self.heard.get()

    async def video_receive(self, frame) -> None:
        self.seen.put_nowait(frame)

    async def video_emit(self):
        return await self.seen.get()

    def copy(self):
        return type(self)()


class BlockingEcho(StreamHandler):
    """As many are written: `emit` waits without end for what `receive` puts into a queue."""

    def __init__(self) -> None:
        super().__init__(output_sample_rate=RATE)
        self.heard: queue.Queue[Any] = queue.Queue()
        self.waits = threading.Event()

    def receive(self, frame) -> None:
        self.heard.put(frame)

    def emit(self):
        self.waits.set()
        return self.heard.get()

    def copy(self):
        return type(self)()


class Source(AudioEcho):
    """Gives a list of outputs, then nothing."""

    outputs: tuple[Any, ...] = ()

    def __init__(self) -> None:
        super().__init__()
        self.left = list(self.outputs)

    async def emit(self):
        return self.left.pop(0) if self.left else await self.heard.get()


class Rig:
    def __init__(self, handler: Any, modality: Any, mode: Any = "send-receive", **options: Any):
        self.outputs: list[tuple[Any, ...]] = []
        self.session = Session(
            "me",
            handler,
            deliver=lambda outputs: self.outputs.append(outputs.args),
            release=lambda session: None,
        )
        self.media = Media(self.session, modality, mode, **options)

    @property
    def parts(self) -> set[str]:
        names = ("audio_in", "audio_out", "video_in", "video_out", "inputs")
        return {name for name in names if getattr(self.media, name) is not None}

    @property
    def tasks(self) -> set[str]:
        names = {task.get_name() for task in asyncio.all_tasks()}
        return {name.split(":")[1] for name in names if name.startswith("fastrtc-me:")}

    async def closed(self) -> str | None:
        await asyncio.wait_for(self.session.closed.wait(), 5)
        return self.session.reason.text


Connect = Callable[..., Rig]


@pytest_asyncio.fixture
async def connect() -> AsyncIterator[Connect]:
    rigs: list[Rig] = []

    def connect(*args: Any, **options: Any) -> Rig:
        rigs.append(Rig(*args, **options))
        return rigs[-1]

    yield connect
    for rig in rigs:
        rig.session.close("the test is over")
        await rig.closed()


def flip(frame):
    return frame[::-1]


def picture(colour: int) -> VideoFrame:
    return VideoFrame.from_ndarray(np.full((16, 16, 3), colour, np.uint8), format="bgr24")


def brightness(frame: VideoFrame) -> float:
    return float(frame.to_ndarray(format="bgr24").mean())


# Which parts there are


@pytest.mark.parametrize(
    ("handler", "modality", "mode", "parts", "tasks"),
    [
        (AudioEcho(), "audio", "send-receive", "audio_in audio_out", "start_up receive emit"),
        (AudioEcho(), "audio", "send", "audio_in audio_out", "start_up receive emit"),
        (AudioEcho(), "audio", "receive", "audio_out", "start_up emit"),
        (flip, "video", "send-receive", "video_in video_out inputs", "video"),
        (flip, "video", "send", "video_in video_out inputs", "video"),
        (
            BothEcho(),
            "video",
            "send-receive",
            "video_in video_out",
            "video_receive video_emit",
        ),
        (BothEcho(), "audio", "send-receive", "audio_in audio_out", "receive emit"),
        (
            BothEcho(),
            "audio-video",
            "send-receive",
            "audio_in audio_out video_in video_out",
            "receive emit video_receive video_emit",
        ),
        (BothEcho(), "audio-video", "receive", "audio_out video_out", "emit video_emit"),
    ],
)
async def test_the_parts_of_each_modality_and_mode(
    connect: Connect, handler, modality: str, mode: str, parts: str, tasks: str
):
    rig = connect(handler, modality, mode)
    assert rig.parts == set(parts.split())
    assert rig.tasks == set(), "nothing flows before it is live"

    rig.session.start()
    await asyncio.sleep(0)
    await asyncio.sleep(0)

    assert rig.tasks >= set(tasks.split())
    assert rig.tasks <= set(tasks.split()) | {"start_up"}


async def test_generators_have_a_task_until_they_end(connect: Connect):
    def tone():
        yield CHUNK

    rig = connect(tone, "audio", "receive")
    assert rig.parts == {"audio_out", "inputs"}

    rig.session.start()

    assert rig.tasks == {"generator"}


async def test_the_client_may_send_only(connect: Connect):
    rig = connect(AudioEcho(), "audio", "send")

    assert rig.media.audio_out.playout is None


# Audio


async def test_audio_goes_through_the_handler(connect: Connect):
    rig = connect(AudioEcho(), "audio")
    rig.session.start()

    for _ in range(5):
        rig.media.audio_in.push(*CHUNK)
    frame = await asyncio.wait_for(rig.media.audio_out.frame(), 30)

    assert frame.samples.shape == (1, 960)
    assert frame.samples.max() == 1000


@pytest.mark.parametrize(("flat", "shape"), [(False, (1, 960)), (True, (960,))])
async def test_the_shape_that_receive_gets(connect: Connect, flat: bool, shape: tuple[int, ...]):
    rig = connect(AudioEcho(), "audio", "send", flat=flat)
    rate, samples = rig.media.audio_in.silence()

    assert (rate, samples.shape, samples.dtype) == (RATE, shape, np.int16)


async def test_starting_up_runs_beside_the_rest_for_as_long_as_it_likes(connect: Connect):
    rig = connect(AudioEcho(), "audio")
    rig.session.start()
    await asyncio.wait_for(rig.session.handler.started.wait(), 30)

    rig.media.audio_in.push(*CHUNK)

    assert await asyncio.wait_for(rig.media.audio_out.frame(), 30)
    assert "start_up" in rig.tasks


async def test_outputs_are_delivered_and_a_close_ends_it(connect: Connect):
    class Says(Source):
        outputs = (AdditionalOutputs(1), (CHUNK, AdditionalOutputs(2)), CloseStream("bye"))

    rig = connect(Says(), "audio", "receive")
    rig.session.start()

    async def play() -> None:
        while True:
            await rig.media.audio_out.frame()

    playing = asyncio.create_task(play())  # the close waits until all has been played
    assert await rig.closed() == "bye"
    playing.cancel()
    assert rig.outputs == [(1,), (2,)]


async def test_what_cannot_be_sent_is_told_and_the_rest_is_sent(connect: Connect, caplog):
    class Wrong(Source):
        outputs = ("text", "text", CloseStream("bye"))

    rig = connect(Wrong(), "audio")
    rig.session.start()

    assert await rig.closed() == "bye"
    (record,) = caplog.records
    assert "Audio must be given as (sample_rate, samples)" in str(record.exc_info[1])


@pytest.mark.parametrize("where", ["the loop", "a thread", "a loop of another thread"])
async def test_the_queue_may_be_cleared_from_anywhere(connect: Connect, where: str):
    rig = connect(AudioEcho(), "audio", "receive")
    playout, clear = rig.media.audio_out.playout, rig.session.handler.clear_queue
    playout.push(RATE, np.ones((1, RATE), np.int16))
    cleared_in: list[threading.Thread] = []
    rig.media.audio_out.clear = lambda: cleared_in.append(threading.current_thread())

    async def clear_async() -> None:
        clear()

    if where == "the loop":
        clear()
    elif where == "a thread":
        await asyncio.to_thread(clear)
    else:
        await asyncio.to_thread(asyncio.run, clear_async())

    assert cleared_in == [threading.main_thread()]


@pytest.mark.parametrize("where", ["the loop", "a thread"])
async def test_a_handler_pauses_and_resumes_from_anywhere(connect: Connect, where: str):
    rig = connect(AudioEcho(), "audio", "receive")
    playout, link = rig.media.audio_out.playout, link_of(rig.session.handler)
    call = asyncio.to_thread if where == "a thread" else at_once

    await call(link.pause)
    await asyncio.sleep(0)
    assert playout.paused
    await call(link.duck, 12.0)
    await call(link.resume)
    await asyncio.sleep(0)
    assert not playout.paused


async def at_once(function: Callable[..., None], *args: Any) -> None:
    function(*args)


async def test_a_session_that_is_closed_in_a_pause_ends(connect: Connect):
    class Farewell(Source):
        outputs = (CHUNK, CloseStream("bye"))

    rig = connect(Farewell(), "audio", "receive")
    link_of(rig.session.handler).pause()
    rig.session.start()
    await asyncio.sleep(0.05)
    assert not rig.session.ended
    rig.session.close("the client left")
    assert await rig.closed() == "the client left"


def test_a_handler_without_a_connection_pauses_nothing():
    link = link_of(AudioEcho())
    link.pause(), link.resume(), link.duck(12.0)


async def test_what_is_cleared_is_not_sent(connect: Connect):
    rig = connect(AudioEcho(), "audio", "receive")
    playout = rig.media.audio_out.playout
    playout.push(RATE, np.ones((1, RATE), np.int16))

    rig.session.handler.clear_queue()

    assert not playout.has_audio


async def test_a_client_that_receives_no_audio_gets_none(connect: Connect):
    rig = connect(BothEcho(), "audio-video")

    rig.media.send_nothing("audio")
    rig.media.send_nothing("video")
    rig.session.start()
    rig.media.audio_in.push(*CHUNK)
    await asyncio.sleep(0)

    assert rig.media.audio_out.playout is None
    assert not rig.session.ended


async def test_an_emit_that_waits_without_end_gets_something_to_end_with(connect: Connect):
    rig = connect(BlockingEcho(), "audio")
    rig.session.start()
    assert await asyncio.to_thread(rig.session.handler.waits.wait, 30)

    rig.session.close("enough")

    await rig.closed()  # and the leak fixtures see no thread


async def test_an_async_emit_that_does_not_look_like_one_ends_with_the_connection(
    connect: Connect,
):
    class Wrapped(BlockingEcho):
        def emit(self):
            return self.emit_async()

        async def emit_async(self):
            self.waits.set()
            await asyncio.Event().wait()

    rig = connect(Wrapped(), "audio")
    rig.session.start()
    assert await asyncio.to_thread(rig.session.handler.waits.wait, 30)

    rig.session.close("enough")

    await rig.closed()  # and the leak fixtures see neither task nor thread


# Video


async def test_frames_go_through_a_function(connect: Connect):
    def invert(frame):
        return 255 - frame

    rig = connect(VideoStreamHandler(invert, fps=50), "video")
    rig.session.start()

    rig.media.video_in.push(picture(0))

    assert brightness(await asyncio.wait_for(rig.media.video_out.frame(), 30)) > 250


async def test_frames_go_back_as_they_came_until_the_inputs_are_there(connect: Connect):
    def fill(frame, colour):
        return np.full_like(frame, colour)

    rig = connect(fill, "video")
    rig.session.start()
    rig.media.video_in.push(picture(0))
    assert brightness(await asyncio.wait_for(rig.media.video_out.frame(), 30)) < 5

    rig.media.set_args([None, 255])
    rig.media.video_in.push(picture(0))

    assert brightness(await asyncio.wait_for(rig.media.video_out.frame(), 30)) > 250


async def test_frames_go_through_a_handler(connect: Connect):
    rig = connect(BothEcho(), "video")
    rig.session.start()

    rig.media.video_in.push(picture(255))

    assert brightness(await asyncio.wait_for(rig.media.video_out.frame(), 30)) > 250


# Generators


async def test_a_generator_that_ends_ends_the_stream(connect: Connect):
    def pictures():
        yield np.zeros((16, 16, 3), np.uint8)
        yield AdditionalOutputs("last")

    rig = connect(pictures, "video", "receive")
    rig.session.start()
    await asyncio.wait_for(rig.media.video_out.frame(), 30)

    assert await rig.closed() == "Stream ended"
    assert rig.outputs == [("last",)]


async def test_a_generator_waits_for_what_it_requires(connect: Connect):
    async def pictures(colour):
        yield np.full((16, 16, 3), colour, np.uint8)

    rig = connect(pictures, "video", "receive")
    rig.session.start()
    frame = asyncio.ensure_future(rig.media.video_out.frame())
    for _ in range(5):
        await asyncio.sleep(0)
    assert not frame.done()

    rig.media.set_args([255])

    assert brightness(await asyncio.wait_for(frame, 30)) > 250


# Inputs


async def test_inputs_go_to_the_handler(connect: Connect):
    rig = connect(AudioEcho(), "audio")

    rig.media.set_args([1, 2])

    assert rig.session.handler.latest_args == ["__webrtc_value__", 1, 2]


async def test_inputs_that_do_not_fit_a_function_are_refused(connect: Connect):
    rig = connect(flip, "video")

    with pytest.raises(ValueError, match="takes 0 inputs besides the media, got 2"):
        rig.media.set_args([1, 2])
