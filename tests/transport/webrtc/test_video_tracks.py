from __future__ import annotations

from fractions import Fraction

import av
import numpy as np
import pytest

from fastrtc.core.context import Context
from fastrtc.handlers.video import VideoStreamHandler
from fastrtc.pacing.frames import FrameClock
from fastrtc.transport.webrtc.video_tracks import (
    VideoCallback,
    VideoStreamHandler_,
)
from tests.support.peers import VideoSource
from tests.transport.webrtc.tracks_of_a_session import (
    AudioVideo,
    Channel,
    ended,
    function,
    tracks,
)


async def test_the_function_of_video_options_is_the_event_handler():
    handler = VideoStreamHandler(function, fps=10, skip_frames=True)
    async with tracks("video", handler=handler) as (session, _, (track,)):
        assert session.handler is handler
        assert track.event_handler is function
        assert (track.fps, track.frame_ptime, track.skip_frames) == (10, 0.1, True)


async def test_helpers_for_tracks_of_a_program():
    async with tracks("video") as (_, _, (track,)):
        frame = track.array_to_frame(np.zeros((4, 6, 3), np.uint8))
        assert (frame.width, frame.height, frame.format.name) == (6, 4, "bgr24")
        assert track.add_frame_to_payload(["__webrtc_value__", 5], "frame") == ["frame", 5]
        assert track.add_frame_to_payload([], "frame") == []
        (first, base), (second, _) = [await track.next_timestamp() for _ in range(2)]
        assert first == 0
        assert (second - first) * base >= Fraction(1, 40)


async def test_video_is_sent_as_frames():
    async with tracks("video") as (_, media, (track,)):
        await media.video_out.take(np.zeros((16, 16, 3), np.uint8), wait=False)
        frame = await track.recv()
        assert isinstance(frame, av.VideoFrame)
        assert (frame.pts, frame.time_base) == (0, FrameClock.TIME_BASE)


async def test_inputs_of_a_function():
    async with tracks("video") as (_, media, (track,)):
        assert track.latest_args == "not_set"
        track.set_args([5])
        assert track.latest_args == [5]
        assert media.inputs.args == (5,)
        with pytest.raises(ValueError, match="takes 0 to 1 inputs"):
            track.set_args([1, 2, 3])


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


async def test_a_track_with_an_audio_video_handler_that_a_program_makes():
    class Still(AudioVideo):
        @property
        def skip_frames(self):
            raise AssertionError("it is no option, but a name of the program")

        async def video_emit(self):
            return np.zeros((16, 16, 3), np.uint8)

    track = VideoStreamHandler_(VideoSource(), Still(), Context("me"))
    assert (await track.recv()).width == 16
    assert track.skip_frames is False
    channel = Channel()
    track.set_channel(channel)
    assert track.event_handler.channel is channel
    await ended(track)


async def test_a_track_that_was_made_for_nothing_leaves_nothing():
    track = VideoCallback(VideoSource(), function, Context("me"))

    assert (track.latest_args, track.has_started, track.latest_frame) == ("not_set", False, None)
    track.stop()
    assert track._session is None
