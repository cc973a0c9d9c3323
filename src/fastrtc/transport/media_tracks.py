"""What a connection sends, as tracks of aiortc, and the hold that programs have on it."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import av
import numpy as np
from aiortc import MediaStreamTrack
from aiortc.mediastreams import MediaStreamError

from ..core.messages import DataChannel
from ..pacing.playout import PlayoutFrame
from ..session.media import Media
from ..session.session import Session
from .opus import OPUS_RATE, OpusEncoder

__all__ = [
    "AudioCallback",
    "MediaCallback",
    "ServerToClientAudio",
    "ServerToClientVideo",
    "VideoCallback",
    "VideoStreamHandler_",
    "make_tracks",
]


class MediaCallback(MediaStreamTrack):
    """One kind of media of a connection; in ``connections[id]`` there is one for each kind.

    Args:
        session: The connection.
        media: Its media.

    Attributes:
        event_handler: The handler object, or function, that runs for this connection.
    """

    def __init__(self, session: Session, media: Media) -> None:
        super().__init__()
        self._session = session
        self._media = media
        self.event_handler = session.handler
        self.channel: DataChannel | None = None

    @property
    def latest_args(self) -> Any:
        """The inputs that the handler got last."""
        if self._media.inputs is not None:
            return list(self._media.inputs.args)
        return self.event_handler.latest_args

    def set_args(self, args: list[Any]) -> None:
        """Take inputs for the handler; callable from any thread."""
        self._media.set_args(args)

    def set_channel(self, channel: DataChannel) -> None:
        """Take the data channel of the connection."""
        self.channel = channel

    async def start(self) -> None:
        """Let the media flow; it does by itself when the connection is established."""
        self._session.start()

    def _check_live(self) -> None:
        if self.readyState != "live" or self._session.ended:
            raise MediaStreamError


class AudioCallback(MediaCallback):
    """The audio of a connection."""

    kind = "audio"

    def __init__(self, session: Session, media: Media) -> None:
        super().__init__(session, media)
        self._encodes_opus = True
        self._encoder: OpusEncoder | None = None

    def use_codec(self, name: str) -> None:
        """Learn which codec was negotiated; Opus is encoded here, others by aiortc."""
        self._encodes_opus = name == "opus"

    def clear_queue(self) -> None:
        """Drop the audio that is queued but not yet sent; callable from any thread."""
        self._media.clear()

    async def recv(self) -> Any:
        """Wait for the next 20 ms that are to be sent.

        Raises:
            MediaStreamError: When the connection ends.
        """
        self._check_live()
        assert self._media.audio_out is not None
        frame = await self._media.audio_out.frame()
        return self._encode(frame) if self._encodes_opus else _audio_frame(frame)

    def _encode(self, frame: PlayoutFrame) -> Any:
        channels, rate = frame.samples.shape[0], _rate(frame)
        encoder = self._encoder
        if encoder is None or (encoder.channels, encoder.rate) != (channels, rate):
            encoder = self._encoder = OpusEncoder(channels, rate)
        return encoder.encode(frame.samples, frame.pts)


class ServerToClientAudio(AudioCallback):
    """The audio of a connection whose client only receives."""


class VideoCallback(MediaCallback):
    """The video of a connection."""

    kind = "video"

    async def recv(self) -> av.VideoFrame:
        """Wait for the next frame and for its moment.

        Raises:
            MediaStreamError: When the connection ends.
        """
        self._check_live()
        assert self._media.video_out is not None
        return await self._media.video_out.frame()


class VideoStreamHandler_(VideoCallback):  # noqa: N801 (the reference's name)
    """The video of a connection whose handler has audio, too."""


class ServerToClientVideo(VideoCallback):
    """The video of a connection whose client only receives."""


def make_tracks(session: Session, media: Media, mode: str) -> list[MediaCallback]:
    """Make the tracks of a connection, audio first."""
    tracks: list[MediaCallback] = []
    if media.audio_out is not None:
        audio = ServerToClientAudio if mode == "receive" else AudioCallback
        tracks.append(audio(session, media))
    if media.video_out is not None:
        video: type[VideoCallback] = (
            VideoStreamHandler_
            if media.audio_out is not None
            else ServerToClientVideo
            if mode == "receive"
            else VideoCallback
        )
        tracks.append(video(session, media))
    return tracks


def _rate(frame: PlayoutFrame) -> int:
    size: int = frame.samples.shape[1]
    return size * 50


def _audio_frame(frame: PlayoutFrame) -> av.AudioFrame:
    packed = np.ascontiguousarray(frame.samples.T).reshape(1, -1)
    layout = "stereo" if frame.samples.shape[0] == 2 else "mono"
    audio = av.AudioFrame.from_ndarray(packed, format="s16", layout=layout)
    audio.sample_rate = _rate(frame)
    audio.pts = frame.pts
    audio.time_base = Fraction(1, OPUS_RATE)
    return audio
