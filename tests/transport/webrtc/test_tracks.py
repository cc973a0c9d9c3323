from __future__ import annotations

import pytest

from fastrtc.transport.webrtc.audio_tracks import AudioCallback, ServerToClientAudio
from fastrtc.transport.webrtc.video_tracks import (
    ServerToClientVideo,
    VideoCallback,
    VideoStreamHandler_,
)
from tests.transport.webrtc.tracks_of_a_session import (
    tracks,
)


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
