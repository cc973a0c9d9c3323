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

from fastrtc.handlers.stream import AsyncAudioVideoStreamHandler, AsyncStreamHandler
from fastrtc.handlers.video import VideoStreamHandler
from fastrtc.pacing.frames import FrameClock
from fastrtc.session.media import Media
from fastrtc.session.session import Session
from fastrtc.transport.media_tracks import (
    AudioCallback,
    MediaCallback,
    ServerToClientAudio,
    ServerToClientVideo,
    VideoCallback,
    VideoStreamHandler_,
    make_tracks,
)
from fastrtc.transport.opus import OpusDecoder

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


async def test_video_options_are_the_event_handler():
    async with tracks("video", handler=VideoStreamHandler(function)) as (session, _, made):
        assert made[0].event_handler is session.handler


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
        assert made[0].latest_args == []
        made[0].set_args([1, "two"])
        assert session.handler.latest_args == ["__webrtc_value__", 1, "two"]
        assert all(track.latest_args == session.handler.latest_args for track in made)
        assert session.handler.args_set.is_set()


async def test_inputs_of_a_function():
    async with tracks("video") as (_, media, (track,)):
        assert track.latest_args == []
        track.set_args([5])
        assert track.latest_args == [5]
        assert media.inputs.args == (5,)
        with pytest.raises(ValueError, match="takes 0 to 1 inputs"):
            track.set_args([1, 2, 3])


async def test_the_channel():
    async with tracks("audio") as (_, _, (track,)):
        assert track.channel is None
        channel = object()
        track.set_channel(channel)
        assert track.channel is channel


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
