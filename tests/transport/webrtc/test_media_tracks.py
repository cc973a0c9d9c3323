from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from fractions import Fraction

import av
import numpy as np
import pytest
from aiortc.mediastreams import MediaStreamError

from fastrtc.core.context import Context, current_context
from fastrtc.core.errors import HandlerError
from fastrtc.core.messages import current_channel
from fastrtc.core.outputs import AdditionalOutputs
from fastrtc.handlers.stream import AsyncAudioVideoStreamHandler, AsyncStreamHandler
from fastrtc.handlers.video import VideoStreamHandler
from fastrtc.pacing.frames import FrameClock
from fastrtc.session.media import Media
from fastrtc.session.session import Session
from fastrtc.transport.webrtc.media_tracks import (
    AudioCallback,
    MediaCallback,
    ServerToClientAudio,
    ServerToClientVideo,
    VideoCallback,
    VideoStreamHandler_,
    make_tracks,
)
from fastrtc.transport.webrtc.opus import OpusDecoder
from tests.support.peers import AudioSource, VideoSource

FRAME = 960


class Audio(AsyncStreamHandler):
    async def receive(self, frame) -> None:
        pass

    async def emit(self):
        await asyncio.Event().wait()

    def copy(self):
        return type(self)()


class AudioVideo(Audio, AsyncAudioVideoStreamHandler):
    async def video_receive(self, frame) -> None:
        pass

    async def video_emit(self):
        await asyncio.Event().wait()


def function(picture, strength=1):
    return picture


def handler_of(modality: str):
    return {"audio": Audio(), "video": function, "audio-video": AudioVideo()}[modality]


@asynccontextmanager
async def tracks(
    modality: str, mode: str = "send-receive", handler=None
) -> AsyncIterator[tuple[Session, Media, list[MediaCallback]]]:
    session = Session(
        "a",
        handler if handler is not None else handler_of(modality),
        deliver=lambda outputs: None,
        release=lambda session: None,
    )
    media = Media(session, modality, mode)  # type: ignore[arg-type]
    try:
        yield session, media, make_tracks(session, media, mode)
    finally:
        session.close("the test is over")
        await session.closed.wait()


@pytest.mark.parametrize(
    ("modality", "mode", "classes"),
    [
        ("audio", "send-receive", [AudioCallback]),
        ("audio", "send", [AudioCallback]),
        ("audio", "receive", [ServerToClientAudio]),
        ("video", "send-receive", [VideoCallback]),
        ("video", "send", [VideoCallback]),
        ("video", "receive", [ServerToClientVideo]),
        ("audio-video", "send-receive", [AudioCallback, VideoStreamHandler_]),
        ("audio-video", "send", [AudioCallback, VideoStreamHandler_]),
        ("audio-video", "receive", [ServerToClientAudio, VideoStreamHandler_]),
    ],
)
async def test_there_is_a_track_for_each_kind(modality, mode, classes):
    async with tracks(modality, mode) as (session, _, made):
        assert [type(track) for track in made] == classes
        assert [track.kind for track in made] == modality.split("-")
        assert all(track.event_handler is session.handler for track in made)
        assert len({track.id for track in made}) == len(made)
        assert all(track.readyState == "live" for track in made)


async def test_the_function_of_video_options_is_the_event_handler():
    handler = VideoStreamHandler(function, fps=10, skip_frames=True)
    async with tracks("video", handler=handler) as (session, _, (track,)):
        assert session.handler is handler
        assert track.event_handler is function
        assert (track.fps, track.frame_ptime, track.skip_frames) == (10, 0.1, True)


async def test_what_a_track_knows_of_its_connection():
    async with tracks("audio-video") as (session, media, made):
        for track in made:
            assert track.context is session.context[current_context]
            assert not track.has_started
            assert not track.thread_quit.is_set()
        audio, video = made
        assert (audio.start_up_task, video.mode, video.latest_frame) == (
            None,
            "send-receive",
            None,
        )

        session.start()
        media.video_in.push(picture := av.VideoFrame(16, 16, "yuv420p"))
        assert all(track.has_started for track in made)
        assert audio.start_up_task.get_name().endswith(":start_up")
        assert audio.process_input_task.get_name().endswith(":receive")
        assert audio.decode_task.get_name().endswith(":emit")
        assert video.latest_frame is picture

        audio.stop()
        assert audio.thread_quit.is_set()


async def test_the_handler_may_be_called_through_its_track():
    class Noting(Audio):
        async def receive(self, frame) -> None:
            self.got = frame

        async def emit(self):
            return 24000, np.zeros(480, np.int16)

    async with tracks("audio", handler=Noting()) as (session, _, (track,)):
        assert (await track.event_handler_emit())[0] == 24000
        await track.event_handler_receive((48000, "samples"))
        assert session.handler.got == (48000, "samples")


async def test_helpers_for_tracks_of_a_program():
    async with tracks("video") as (_, _, (track,)):
        frame = track.array_to_frame(np.zeros((4, 6, 3), np.uint8))
        assert (frame.width, frame.height, frame.format.name) == (6, 4, "bgr24")
        assert track.add_frame_to_payload(["__webrtc_value__", 5], "frame") == ["frame", 5]
        assert track.add_frame_to_payload([], "frame") == []
        (first, base), (second, _) = [await track.next_timestamp() for _ in range(2)]
        assert first == 0
        assert (second - first) * base >= Fraction(1, 40)


async def test_audio_is_sent_as_opus():
    async with tracks("audio") as (_, media, (track,)):
        media.audio_out.playout.push(48000, np.full(3 * FRAME, 1000, np.int16))
        packets = [await track.recv() for _ in range(3)]
        assert all(isinstance(packet, av.Packet) for packet in packets)
        assert [packet.pts for packet in packets] == [0, FRAME, 2 * FRAME]
        assert packets[0].time_base == Fraction(1, 48000)
        assert OpusDecoder(1).decode(bytes(packets[0])).shape == (1, FRAME)


async def test_audio_that_becomes_stereo_goes_on():
    async with tracks("audio") as (_, media, (track,)):
        playout = media.audio_out.playout
        playout.push(48000, np.full((1, FRAME), 1000, np.int16))
        playout.push(48000, np.stack([np.full(FRAME, 1000), np.zeros(FRAME)]).astype(np.int16))
        playout.push(48000, np.full((1, FRAME), 1000, np.int16))
        packets = [await track.recv() for _ in range(3)]
        assert [packet.pts for packet in packets] == [0, FRAME, 2 * FRAME]
        stereo = [bool(bytes(packet)[0] & 0b100) for packet in packets]  # RFC 6716 section 3.1
        assert stereo == [False, True, True]


@pytest.mark.parametrize(("channels", "layout"), [(1, "mono"), (2, "stereo")])
async def test_other_codecs_get_frames(channels, layout):
    async with tracks("audio") as (_, media, (track,)):
        track.use_codec("pcmu")
        samples = np.stack([np.arange(FRAME), -np.arange(FRAME)])[:channels].astype(np.int16)
        media.audio_out.playout.push(48000, samples)
        frame = await track.recv()
        assert isinstance(frame, av.AudioFrame)
        assert (frame.sample_rate, frame.samples, frame.pts) == (48000, FRAME, 0)
        assert (frame.format.name, frame.layout.name) == ("s16", layout)
        assert frame.time_base == Fraction(1, 48000)
        assert frame.to_ndarray().reshape(-1, channels).T.tolist() == samples.tolist()


async def test_video_is_sent_as_frames():
    async with tracks("video") as (_, media, (track,)):
        await media.video_out.take(np.zeros((16, 16, 3), np.uint8), wait=False)
        frame = await track.recv()
        assert isinstance(frame, av.VideoFrame)
        assert (frame.pts, frame.time_base) == (0, FrameClock.TIME_BASE)


@pytest.mark.parametrize("modality", ["audio", "video"])
async def test_a_track_that_was_stopped_gives_nothing(modality):
    async with tracks(modality) as (_, _, (track,)):
        track.stop()
        with pytest.raises(MediaStreamError):
            await track.recv()


@pytest.mark.parametrize("modality", ["audio", "video"])
async def test_a_session_that_ended_gives_nothing(modality):
    async with tracks(modality) as (session, _, (track,)):
        session.close("enough")
        with pytest.raises(MediaStreamError):
            await track.recv()


async def test_inputs_of_a_handler():
    async with tracks("audio-video") as (session, _, made):
        assert made[0].latest_args == "not_set"
        made[0].set_args([1, "two"])
        assert session.handler.latest_args == ["__webrtc_value__", 1, "two"]
        assert all(track.latest_args == session.handler.latest_args for track in made)
        assert session.handler.args_set.is_set()


async def test_inputs_of_a_function():
    async with tracks("video") as (_, media, (track,)):
        assert track.latest_args == "not_set"
        track.set_args([5])
        assert track.latest_args == [5]
        assert media.inputs.args == (5,)
        with pytest.raises(ValueError, match="takes 0 to 1 inputs"):
            track.set_args([1, 2, 3])


@pytest.mark.parametrize("mode", ["send-receive", "receive"])
@pytest.mark.parametrize("modality", ["audio", "video"])
async def test_the_channel(modality, mode):
    async with tracks(modality, mode) as (_, _, (track,)):
        assert track.channel is None
        waiting = asyncio.create_task(track.wait_for_channel())
        channel = object()
        track.set_channel(channel)
        assert track.channel is channel
        assert track.channel_set.is_set()
        await asyncio.wait_for(waiting, 5)


async def test_a_program_may_say_itself_that_there_is_a_channel():
    async with tracks("video") as (_, _, (track,)):
        track.channel_set.set()
        await asyncio.wait_for(track.wait_for_channel(), 5)


@pytest.mark.parametrize("modality", ["audio", "video"])
async def test_tracks_that_only_send_say_when_inputs_were_set(modality):
    handler = {"audio": Audio(), "video": function}[modality]
    async with tracks(modality, "receive", handler) as (_, _, (track,)):
        assert not track.args_set.is_set()
        await asyncio.to_thread(track.set_args, [1])
        await asyncio.sleep(0)
        assert track.args_set.is_set()


async def test_the_queue_can_be_looked_at_added_to_and_emptied():
    async with tracks("audio") as (_, media, (track,)):
        assert track.queue.empty()
        track.queue.put_nowait((24000, np.zeros(2400, np.int16)))
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1920), np.int16), layout="stereo")
        frame.sample_rate = 48000
        await track.queue.put(frame)
        assert track.queue.qsize() == 6
        while not track.queue.empty():
            track.queue.get_nowait()
        assert media.audio_out.playout.queued_s == 0
        with pytest.raises(asyncio.QueueEmpty):
            track.queue.get_nowait()
        with pytest.raises(HandlerError):
            track.queue.put_nowait("nothing to hear")


async def test_the_queue_can_be_cleared_from_the_loop_and_from_threads():
    async with tracks("audio") as (_, media, (track,)):
        for thread in (False, True):
            media.audio_out.playout.push(48000, np.zeros(48000, np.int16))
            if thread:
                clearing = threading.Thread(target=track.clear_queue)
                clearing.start()
                clearing.join()
                await asyncio.sleep(0)
            else:
                track.clear_queue()
            assert media.audio_out.playout.queued_s == 0


async def test_start_starts_the_session():
    async with tracks("audio") as (session, _, (track,)):
        await track.start()
        assert session.state.value == "live"
        await track.start()


class Channel:
    def __init__(self) -> None:
        self.sent: list[str] = []

    def send(self, message: str) -> None:
        self.sent.append(message)


async def ended(track: MediaCallback) -> None:
    """Stop a track that a program has made, and wait until its session is over."""
    track.stop()
    assert track._session is not None
    await track._session.closed.wait()


async def test_an_audio_track_that_a_program_makes():
    class Echo(Audio):
        def __init__(self) -> None:
            super().__init__()
            self.heard: asyncio.Queue = asyncio.Queue()
            self.channels: set = set()

        async def receive(self, frame) -> None:
            self.channels.add(current_channel.get())
            await self.heard.put(frame)

        async def emit(self):
            return await self.heard.get(), AdditionalOutputs("heard")

    handler, channel, outputs = Echo(), Channel(), []
    source = AudioSource(np.full(48000, 1000, np.int16))
    track = AudioCallback(source, handler, Context("me"), channel, outputs.append)

    frames = [await track.recv() for _ in range(20)]

    assert all(isinstance(frame, av.AudioFrame) for frame in frames)
    assert [frame.pts for frame in frames[:3]] == [0, FRAME, 2 * FRAME]
    assert any(abs(int(frame.to_ndarray().max()) - 1000) < 50 for frame in frames)
    assert handler.channels == {channel}
    assert outputs[0].args == ("heard",)
    assert channel.sent[0] == '{"type": "fetch_output", "data": []}'
    await ended(track)
    with pytest.raises(MediaStreamError):
        await track.recv()


async def test_a_video_track_that_a_program_makes():
    def dim(picture, strength):
        return picture // strength

    track = VideoCallback(VideoSource(), dim, Context("me"), fps=10, skip_frames=True)
    untouched = (await track.recv()).to_ndarray(format="bgr24").max()
    track.set_args(["__webrtc_value__", 2])
    pictures = [(await track.recv()).to_ndarray(format="bgr24").max() for _ in range(4)]

    assert untouched > 180
    assert pictures[-1] < 140
    assert track.latest_args == [2]
    await ended(track)


async def test_tracks_that_a_program_makes_of_generators():
    def voice(level=7):
        yield 24000, np.full(4800, level, np.int16)

    def pictures():
        for _ in range(3):
            yield np.zeros((16, 16, 3), np.uint8)

    channel = Channel()
    audio = ServerToClientAudio(voice, Context("me"), channel)
    heard = [await audio.recv() for _ in range(8)]
    assert max(int(frame.to_ndarray().max()) for frame in heard) == 7
    video = ServerToClientVideo(pictures, Context("you"), None, None, 100)
    assert [(await video.recv()).width for _ in range(3)] == [16] * 3
    with pytest.raises(MediaStreamError):
        while True:
            await video.recv()
    await ended(audio)
    await ended(video)


async def test_a_track_with_an_audio_video_handler_that_a_program_makes():
    class Still(AudioVideo):
        async def video_emit(self):
            return np.zeros((16, 16, 3), np.uint8)

    track = VideoStreamHandler_(VideoSource(), Still(), Context("me"))
    assert (await track.recv()).width == 16
    channel = Channel()
    track.set_channel(channel)
    assert track.event_handler.channel is channel
    await ended(track)


async def test_a_track_that_was_made_for_nothing_leaves_nothing():
    track = VideoCallback(VideoSource(), function, Context("me"))

    assert (track.latest_args, track.has_started, track.latest_frame) == ("not_set", False, None)
    track.stop()
    assert track._session is None
