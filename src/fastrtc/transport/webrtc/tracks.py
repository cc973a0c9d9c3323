"""Creation of the tracks of a connection."""

from __future__ import annotations

from ...core.types import Mode
from ...session.media import Media
from ...session.session import Session
from .audio_tracks import AudioCallback, AudioMediaCallback, ServerToClientAudio
from .media_track import MediaCallback
from .video_tracks import (
    ServerToClientVideo,
    VideoCallback,
    VideoMediaCallback,
    VideoStreamHandler_,
)

__all__ = ["make_tracks"]


def make_tracks(session: Session, media: Media, mode: Mode) -> list[MediaCallback]:
    """Create the tracks of a connection, audio first."""
    tracks: list[MediaCallback] = []
    if media.audio_out is not None:
        audio = ServerToClientAudio if mode == "receive" else AudioCallback
        track: AudioMediaCallback = audio.of(session, media, mode)
        track.use_codec("opus")
        tracks.append(track)
    if media.video_out is not None:
        video: type[VideoMediaCallback] = (
            VideoStreamHandler_
            if media.audio_out is not None
            else ServerToClientVideo
            if mode == "receive"
            else VideoCallback
        )
        tracks.append(video.of(session, media, mode))
    return tracks
