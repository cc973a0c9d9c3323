"""The outgoing video of a connection, as aiortc tracks."""

from __future__ import annotations

import asyncio
from fractions import Fraction
from typing import Any, Literal

import av
import numpy as np
from aiortc import MediaStreamTrack, VideoStreamTrack
from aiortc.mediastreams import MediaStreamError
from numpy.typing import NDArray

from ...core.context import Context
from ...core.messages import DataChannel
from ...core.rates import FRAME_S
from ...handlers.base import StreamHandlerBase
from ...handlers.kinds import video_function
from ...handlers.video import VideoStreamHandler
from ...pacing.frames import FrameClock
from .guard import retried
from .media_track import MediaCallback, SetOutputs

__all__ = ["ServerToClientVideo", "VideoCallback", "VideoMediaCallback", "VideoStreamHandler_"]


class VideoMediaCallback(MediaCallback, VideoStreamTrack):
    """The outgoing video of a connection.

    Attributes:
        fps: Maximum number of frames per second.
        taken_at: When the last frame was taken to be sent, on the clock of the event loop.
    """

    kind = "video"
    fps: float
    taken_at: float | None = None

    @property
    def frame_ptime(self) -> float:
        """The interval between frames, in seconds."""
        return 1 / self.fps

    def _prepare(self) -> None:
        self.fps = getattr(self._handler, "fps", 30)
        self._clock: FrameClock | None = None

    @retried(FRAME_S)
    async def recv(self) -> av.VideoFrame:
        """Wait until the next frame is due, and return it.

        Raises:
            MediaStreamError: When the connection ends.
        """
        outbound = self._live().video_out
        if outbound is None:
            raise MediaStreamError
        frame = await self._until_end(outbound.frame())
        self.taken_at = asyncio.get_running_loop().time()
        return frame

    async def next_timestamp(self) -> tuple[int, Fraction]:
        """Wait until the next frame of a program's own track is due.

        Returns:
            Its ``pts`` and ``time_base``.
        """
        loop = asyncio.get_running_loop()
        if self._clock is None:
            self._clock = FrameClock(self.fps)
        await asyncio.sleep(max(0.0, self._clock.due(loop.time()) - loop.time()))
        return self._clock.stamp(loop.time()), FrameClock.TIME_BASE

    def array_to_frame(self, array: NDArray[np.uint8]) -> av.VideoFrame:
        """Convert a picture to a frame: BGR, ``uint8``, shape ``(height, width, 3)``."""
        return av.VideoFrame.from_ndarray(array, format="bgr24")

    def _take(self, frame: Any) -> None:
        if self._media is not None and self._media.video_in is not None:
            self._media.video_in.push(frame)


class VideoCallback(VideoMediaCallback):
    """The outgoing video of a connection whose client also sends video.

    Args:
        track: The client's video.
        event_handler: What processes it: a function of a frame, or an audio-video handler.
        context: The context of the connection.
        channel: The data channel.
        set_additional_outputs: Called with each ``AdditionalOutputs``.
        mode: ``"send-receive"``, or ``"send"`` if no video is sent back.
        fps: Maximum number of frames per second.
        skip_frames: Whether a function that is slower than the camera only gets the newest frame.
    """

    def __init__(
        self,
        track: MediaStreamTrack,
        event_handler: Any,
        context: Context,
        channel: DataChannel | None = None,
        set_additional_outputs: SetOutputs | None = None,
        mode: Literal["send-receive", "send"] = "send-receive",
        fps: int = 30,
        skip_frames: bool = False,
    ) -> None:
        handler = event_handler
        if not isinstance(handler, StreamHandlerBase):
            handler = VideoStreamHandler(video_function(handler), fps, skip_frames)
        super().__init__(
            event_handler,
            context,
            channel,
            set_additional_outputs,
            mode=mode,
            track=track,
            handler=handler,
        )

    def _prepare(self) -> None:
        super()._prepare()
        self.mode = self._mode
        handler = self._handler  # a name of the program's own, if it is a class of its own
        self.skip_frames = isinstance(handler, VideoStreamHandler) and handler.skip_frames

    @property
    def latest_frame(self) -> av.VideoFrame | None:
        """The newest frame of the client; None before the first."""
        inbound = None if self._media is None else self._media.video_in
        return None if inbound is None else inbound.latest

    def add_frame_to_payload(self, args: list[Any], frame: NDArray[np.uint8] | None) -> list[Any]:
        """Return the inputs with the frame in place of the first, its placeholder."""
        return [frame, *args[1:]] if args else []


class VideoStreamHandler_(VideoCallback):  # noqa: N801 (the reference's name)
    """The outgoing video of a connection whose handler also has audio."""


class ServerToClientVideo(VideoMediaCallback):
    """The outgoing video of a connection whose client only receives.

    Args:
        event_handler: A generator function of frames.
        context: The context of the connection.
        channel: The data channel.
        set_additional_outputs: Called with each ``AdditionalOutputs``.
        fps: Maximum number of frames per second.

    Attributes:
        args_set: Set once inputs are set.
    """

    def __init__(
        self,
        event_handler: Any,
        context: Context,
        channel: DataChannel | None = None,
        set_additional_outputs: SetOutputs | None = None,
        fps: int = 30,
    ) -> None:
        super().__init__(
            event_handler,
            context,
            channel,
            set_additional_outputs,
            mode="receive",
            handler=VideoStreamHandler(video_function(event_handler), fps),
        )

    def _prepare(self) -> None:
        super()._prepare()
        self.args_set = asyncio.Event()

    def set_args(self, args: list[Any]) -> None:
        """Set the inputs of the handler; callable from any thread."""
        super().set_args(args)
        session, _ = self._open()
        session.invoker.post(self.args_set.set)
