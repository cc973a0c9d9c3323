from __future__ import annotations

import asyncio

import av
import numpy as np
import pytest
from aiortc.mediastreams import MediaStreamError

from fastrtc.core.context import Context, current_context
from fastrtc.transport.webrtc.audio_tracks import ServerToClientAudio
from fastrtc.transport.webrtc.video_tracks import (
    ServerToClientVideo,
)
from tests.transport.webrtc.tracks_of_a_session import (
    Audio,
    Channel,
    ended,
    function,
    tracks,
)


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


async def test_start_starts_the_session():
    async with tracks("audio") as (session, _, (track,)):
        await track.start()
        assert session.state.value == "live"
        await track.start()


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
