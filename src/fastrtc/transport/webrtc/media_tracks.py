"""What a connection sends, as tracks of aiortc, and the hold that programs have on it."""

from __future__ import annotations

import asyncio
import math
import threading
from collections.abc import Awaitable, Callable, Coroutine
from fractions import Fraction
from typing import Any, Literal, TypeVar, cast

import av
import numpy as np
from aiortc import AudioStreamTrack, MediaStreamTrack, VideoStreamTrack
from aiortc.mediastreams import MediaStreamError
from numpy.typing import NDArray

from ...core.context import Context, current_context
from ...core.messages import DataChannel, current_channel
from ...core.outputs import AdditionalOutputs
from ...core.types import EmitType, Modality, Mode
from ...handlers.base import StreamHandlerBase
from ...handlers.kinds import video_function
from ...handlers.video import VideoStreamHandler
from ...pacing.frames import FrameClock
from ...pacing.playout import FRAME_S, Playout, PlayoutFrame, check_output
from ...session.media import Media
from ...session.session import Session, State
from .guard import guarded, retried, watch_listeners
from .opus import OPUS_RATE, OpusEncoder

__all__ = [
    "AudioCallback",
    "AudioMediaCallback",
    "MediaCallback",
    "ServerToClientAudio",
    "ServerToClientVideo",
    "VideoCallback",
    "VideoMediaCallback",
    "VideoStreamHandler_",
    "make_tracks",
]

SetOutputs = Callable[[AdditionalOutputs], Any]
C = TypeVar("C", bound="MediaCallback")
T = TypeVar("T")


class MediaCallback(MediaStreamTrack):
    """One kind of media of a connection; in ``connections[id]`` there is one for each kind.

    Those are made for a session that there is. One that a program makes itself makes a session
    of its own when it is first asked for a frame: ``stop`` ends it.

    Attributes:
        event_handler: The handler object, or function, that runs for this connection.
        context: The connection.
        channel: Its data channel, once there is one.
        channel_set: Set when there is one. No media wait for it.
        set_additional_outputs: Takes each ``AdditionalOutputs`` of the handler; or None.
        track: The media of the client, once there are some.
        thread_quit: Set when the track has been stopped.
    """

    def __init__(
        self,
        event_handler: Any,
        context: Context,
        channel: DataChannel | None,
        set_additional_outputs: SetOutputs | None,
        *,
        track: MediaStreamTrack | None = None,
        media: tuple[Any, Modality, Mode],
    ) -> None:
        super().__init__()
        watch_listeners(self)
        self.event_handler = event_handler
        self.context = context
        self.channel = channel
        self.channel_set = asyncio.Event()
        self.set_additional_outputs = set_additional_outputs
        self.track = track
        self.thread_quit = asyncio.Event()
        self._wanted = media
        self._own_session = False
        self._session: Session | None = None
        self._media: Media | None = None
        if channel is not None:
            self.channel_set.set()
        self._prepare()

    @classmethod
    def of(cls: type[C], session: Session, media: Media, mode: Mode) -> C:
        """Make the one of a session that there is."""
        made = cls.__new__(cls)
        MediaCallback.__init__(
            made,
            video_function(session.handler),
            cast(Context, session.context[current_context]),
            None,
            session._deliver_outputs,
            media=(session.handler, "audio", mode),
        )
        made._session, made._media = session, media
        return made

    def _prepare(self) -> None:
        """Set what the class has of its own."""

    def _open(self) -> tuple[Session, Media]:
        """Return the session and its media, made when there are none yet."""
        if self._session is None or self._media is None:
            handler, modality, mode = self._wanted
            self._session = session = Session(
                self.context.webrtc_id,
                handler,
                deliver=self.set_additional_outputs or _ignore,
                release=_ignore,
                websocket=self.context.websocket,
                copies=False,
                call=self.context.call,
            )
            self._own_session = True
            session.context.run(current_channel.set_source, lambda: self.channel)
            self._media = Media(session, modality, mode, playout=Playout())
            if self.channel is not None:
                self._use_channel(self.channel)
            if self.track is not None:
                session.on_start(self._start_reading)
            session.start()
        return self._session, self._media

    def _start_reading(self) -> None:
        assert self._session is not None
        self._session.run("track", self._read())

    async def _read(self) -> str:
        """Read the track of the client until it ends."""
        assert self.track is not None
        while True:
            try:
                frame = await self.track.recv()
            except MediaStreamError:
                return "the track has ended"
            self._take(frame)

    def _take(self, frame: Any) -> None:
        """Take a frame of the client."""
        raise NotImplementedError

    @property
    def has_started(self) -> bool:
        """Whether the media flow."""
        return self._session is not None and self._session.state is not State.NEW

    @property
    def latest_args(self) -> Any:
        """The inputs that came last; ``"not_set"`` before there were any."""
        media = self._media
        if media is None:
            return "not_set"
        args = media.handler.latest_args if media.inputs is None else list(media.inputs.args)
        return args or "not_set"

    def set_args(self, args: list[Any]) -> None:
        """Take inputs for the handler; callable from any thread."""
        _, media = self._open()
        media.set_args(args)

    def set_channel(self, channel: DataChannel) -> None:
        """Take the data channel of the connection."""
        self.channel = channel
        self.channel_set.set()
        if self._own_session:
            self._use_channel(channel)

    def _use_channel(self, channel: DataChannel) -> None:
        assert self._session is not None
        self._session.mailbox.open(channel.send)
        if isinstance(self.event_handler, StreamHandlerBase):
            self.event_handler.set_channel(channel)

    async def wait_for_channel(self) -> None:
        """Wait until there is a data channel."""
        await self.channel_set.wait()

    async def start(self) -> None:
        """Let the media flow; it does by itself when the connection is established."""
        session, _ = self._open()
        session.start()

    @guarded(None)
    def stop(self) -> None:
        """Send nothing more."""
        super().stop()
        self.thread_quit.set()
        if self._own_session and self._session is not None:
            self._session.close("the track was stopped")

    def _live(self) -> Media:
        """Return the media, unless they have ended.

        Raises:
            MediaStreamError: If so.
        """
        if self.readyState != "live":
            raise MediaStreamError
        session, media = self._open()
        if session.ended:
            raise MediaStreamError
        return media

    async def _before_the_end(self, frame: Coroutine[Any, Any, T]) -> T:
        """Wait for a frame; one of a session of its own may end meanwhile.

        Raises:
            MediaStreamError: If so.
        """
        if not self._own_session or self._session is None:
            return await frame
        waiting = asyncio.ensure_future(frame)
        end = asyncio.ensure_future(self._session.closed.wait())
        try:
            await asyncio.wait((waiting, end), return_when=asyncio.FIRST_COMPLETED)
            if not waiting.done():
                raise MediaStreamError
            return waiting.result()
        finally:
            waiting.cancel()
            end.cancel()


class _AudioQueue(asyncio.Queue[Any]):
    """The audio that waits to be sent, as the queue that programs look at, add to and empty."""

    def __init__(self, media: Media) -> None:
        super().__init__()
        self._media = media

    def qsize(self) -> int:
        """Return how many frames of 20 ms wait."""
        playout = None if self._media.audio_out is None else self._media.audio_out.playout
        return 0 if playout is None else math.ceil(playout.queued_s / FRAME_S)

    def empty(self) -> bool:
        """Whether none waits."""
        return self.qsize() == 0

    def put_nowait(self, item: Any) -> None:
        """Add audio: a frame of PyAV, or what ``emit`` may return.

        Raises:
            HandlerError: If it is no audio.
        """
        playout = None if self._media.audio_out is None else self._media.audio_out.playout
        if isinstance(item, av.AudioFrame):
            item = (item.sample_rate, _planar(item))
        rate, samples = check_output(item)
        if playout is not None:
            playout.push(rate, samples)

    async def put(self, item: Any) -> None:
        """Add audio, as ``put_nowait`` does: it never waits."""
        self.put_nowait(item)

    def get_nowait(self) -> None:
        """Drop what waits, so that a loop which takes all of it ends at once.

        Raises:
            asyncio.QueueEmpty: If none waits.
        """
        if self.empty():
            raise asyncio.QueueEmpty
        self._media.clear()


class AudioMediaCallback(MediaCallback, AudioStreamTrack):
    """The audio of a connection."""

    kind = "audio"
    _encodes_opus = False
    _encoder: OpusEncoder | None = None

    def use_codec(self, name: str) -> None:
        """Learn which codec was negotiated; Opus is encoded here, others by aiortc."""
        self._encodes_opus = name == "opus"

    @property
    def queue(self) -> asyncio.Queue[Any]:
        """The audio that waits to be sent; on the event loop."""
        return _AudioQueue(self._open()[1])

    def clear_queue(self) -> None:
        """Drop the audio that is queued but not yet sent; callable from any thread."""
        if self._media is not None:
            self._media.clear()

    @retried(FRAME_S)
    async def recv(self) -> Any:
        """Wait for the next 20 ms that are to be sent.

        Raises:
            MediaStreamError: When the connection ends.
        """
        media = self._live()
        assert media.audio_out is not None
        frame = await self._before_the_end(media.audio_out.frame())
        return self._encode(frame) if self._encodes_opus else _audio_frame(frame)

    def _take(self, frame: Any) -> None:
        assert self._media is not None and self._media.audio_in is not None
        self._media.audio_in.push(frame.sample_rate, _planar(frame))

    def _encode(self, frame: PlayoutFrame) -> Any:
        channels, rate = frame.samples.shape[0], _rate(frame)
        encoder = self._encoder
        if encoder is None or (encoder.channels, encoder.rate) != (channels, rate):
            encoder = self._encoder = OpusEncoder(channels, rate)
        return encoder.encode(frame.samples, frame.pts)


class AudioCallback(AudioMediaCallback):
    """The audio of a connection.

    Args:
        track: The audio of the client.
        event_handler: What it goes through.
        context: The connection.
        channel: Its data channel.
        set_additional_outputs: Called with each ``AdditionalOutputs``.
    """

    def __init__(
        self,
        track: MediaStreamTrack,
        event_handler: StreamHandlerBase,
        context: Context,
        channel: DataChannel | None = None,
        set_additional_outputs: SetOutputs | None = None,
    ) -> None:
        media: Any = (event_handler, "audio", "send-receive")
        super().__init__(
            event_handler, context, channel, set_additional_outputs, track=track, media=media
        )

    @property
    def start_up_task(self) -> asyncio.Task[Any] | None:
        """What runs the handler's ``start_up``, once the media flow."""
        return self._task("start_up")

    @property
    def process_input_task(self) -> asyncio.Task[Any] | None:
        """What feeds the handler's ``receive``, once the media flow."""
        return self._task("receive")

    @property
    def decode_task(self) -> asyncio.Task[Any] | None:
        """What asks the handler's ``emit``, once the media flow."""
        return self._task("emit")

    def _task(self, name: str) -> asyncio.Task[Any] | None:
        return None if self._media is None else self._media.tasks.get(name)

    def event_handler_receive(self, frame: tuple[int, NDArray[np.int16]]) -> Awaitable[None]:
        """Call the handler's ``receive`` once; await the result."""
        session, _ = self._open()
        return session.invoker.call("program", self.event_handler.receive, frame)

    def event_handler_emit(self) -> Awaitable[EmitType]:
        """Call the handler's ``emit`` once; await the result."""
        session, _ = self._open()
        return session.invoker.call("program", self.event_handler.emit)


class ServerToClientAudio(AudioMediaCallback):
    """The audio of a connection whose client only receives.

    Args:
        event_handler: A generator function of audio, or a handler.
        context: The connection.
        channel: Its data channel.
        set_additional_outputs: Called with each ``AdditionalOutputs``.

    Attributes:
        args_set: Set when inputs were set.
    """

    def __init__(
        self,
        event_handler: Any,
        context: Context,
        channel: DataChannel | None = None,
        set_additional_outputs: SetOutputs | None = None,
    ) -> None:
        media: Any = (event_handler, "audio", "receive")
        super().__init__(event_handler, context, channel, set_additional_outputs, media=media)

    def _prepare(self) -> None:
        self.args_set = threading.Event()

    def set_args(self, args: list[Any]) -> None:
        """Take inputs for the handler; callable from any thread."""
        super().set_args(args)
        self.args_set.set()


class VideoMediaCallback(MediaCallback, VideoStreamTrack):
    """The video of a connection.

    Attributes:
        fps: Frames per second that are sent at most.
    """

    kind = "video"
    fps: float

    @property
    def frame_ptime(self) -> float:
        """The time from frame to frame, in seconds."""
        return 1 / self.fps

    def _prepare(self) -> None:
        handler = self._wanted[0]
        self.fps = getattr(handler, "fps", 30)
        self._clock: FrameClock | None = None

    @retried(FRAME_S)
    async def recv(self) -> av.VideoFrame:
        """Wait for the next frame and for its moment.

        Raises:
            MediaStreamError: When the connection ends.
        """
        media = self._live()
        assert media.video_out is not None
        return await self._before_the_end(media.video_out.frame())

    async def next_timestamp(self) -> tuple[int, Fraction]:
        """Wait for the moment of the next frame of a track of the program's own.

        Returns:
            Its ``pts`` and ``time_base``.
        """
        loop = asyncio.get_running_loop()
        if self._clock is None:
            self._clock = FrameClock(self.fps)
        await asyncio.sleep(max(0.0, self._clock.due(loop.time()) - loop.time()))
        return self._clock.stamp(loop.time()), FrameClock.TIME_BASE

    def array_to_frame(self, array: NDArray[np.uint8]) -> av.VideoFrame:
        """Make a frame of a picture: BGR, ``uint8``, shape ``(height, width, 3)``."""
        return av.VideoFrame.from_ndarray(array, format="bgr24")

    def _take(self, frame: Any) -> None:
        assert self._media is not None and self._media.video_in is not None
        self._media.video_in.push(frame)


class VideoCallback(VideoMediaCallback):
    """The video of a connection.

    Args:
        track: The video of the client.
        event_handler: What it goes through: a function of a frame, or an audio-video handler.
        context: The connection.
        channel: Its data channel.
        set_additional_outputs: Called with each ``AdditionalOutputs``.
        mode: ``"send-receive"``, or ``"send"`` if nothing is sent back.
        fps: Frames per second that are sent at most.
        skip_frames: Whether a function that is slower than the camera gets the newest frame.
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
        media: Any = (handler, "video", mode)
        super().__init__(
            event_handler, context, channel, set_additional_outputs, track=track, media=media
        )

    def _prepare(self) -> None:
        super()._prepare()
        self.mode = self._wanted[2]
        self.skip_frames: bool = getattr(self._wanted[0], "skip_frames", False)

    @property
    def latest_frame(self) -> av.VideoFrame | None:
        """The newest frame of the client, once there is one."""
        inbound = None if self._media is None else self._media.video_in
        return None if inbound is None else inbound.latest

    def add_frame_to_payload(self, args: list[Any], frame: NDArray[np.uint8] | None) -> list[Any]:
        """Return the inputs with the frame in place of the first, which stands for it."""
        return [frame, *args[1:]] if args else []


class VideoStreamHandler_(VideoCallback):  # noqa: N801 (the reference's name)
    """The video of a connection whose handler has audio, too."""


class ServerToClientVideo(VideoMediaCallback):
    """The video of a connection whose client only receives.

    Args:
        event_handler: A generator function of frames.
        context: The connection.
        channel: Its data channel.
        set_additional_outputs: Called with each ``AdditionalOutputs``.
        fps: Frames per second that are sent at most.

    Attributes:
        args_set: Set when inputs were set.
    """

    def __init__(
        self,
        event_handler: Any,
        context: Context,
        channel: DataChannel | None = None,
        set_additional_outputs: SetOutputs | None = None,
        fps: int = 30,
    ) -> None:
        media: Any = (VideoStreamHandler(video_function(event_handler), fps), "video", "receive")
        super().__init__(event_handler, context, channel, set_additional_outputs, media=media)

    def _prepare(self) -> None:
        super()._prepare()
        self.args_set = asyncio.Event()

    def set_args(self, args: list[Any]) -> None:
        """Take inputs for the handler; callable from any thread."""
        super().set_args(args)
        session, _ = self._open()
        session.invoker.post(self.args_set.set)


def make_tracks(session: Session, media: Media, mode: Mode) -> list[MediaCallback]:
    """Make the tracks of a connection, audio first."""
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


def _planar(frame: av.AudioFrame) -> NDArray[Any]:
    """Return the samples of a frame, shape ``(channels, n)``."""
    samples = frame.to_ndarray()
    if frame.format.is_planar:
        return samples
    return samples.reshape(-1, len(frame.layout.channels)).T


def _ignore(_: Any) -> None:
    """Do nothing."""
