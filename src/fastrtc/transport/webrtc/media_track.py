"""The base of the aiortc tracks of a connection, which programs can access."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, TypeVar, cast

from aiortc import MediaStreamTrack
from aiortc.mediastreams import MediaStreamError

from ...core.context import Context, current_context
from ...core.messages import DataChannel, current_channel
from ...core.outputs import AdditionalOutputs
from ...core.types import Modality, Mode
from ...handlers.base import StreamHandlerBase
from ...handlers.kinds import video_function
from ...pacing.playout import Playout
from ...session.media import Media
from ...session.session import Session, State
from .guard import guarded, watch_listeners

__all__ = ["MediaCallback", "SetOutputs"]

SetOutputs = Callable[[AdditionalOutputs], Any]
C = TypeVar("C", bound="MediaCallback")
T = TypeVar("T")


class MediaCallback(MediaStreamTrack):
    """The media of one kind of a connection; ``connections[id]`` has one for each kind.

    A track of a connection uses the session of that connection. A track that a program creates
    itself creates a session of its own when the first frame is requested; ``stop`` ends it.

    Args:
        event_handler: The handler object, or function, of this connection.
        context: The context of the connection.
        channel: The data channel, if it is open.
        set_additional_outputs: Called with each ``AdditionalOutputs``.
        mode: The direction of the media, as seen by the client.
        track: The client's media.
        handler: The handler of a session of the track's own, if it is not ``event_handler``.

    Attributes:
        event_handler: The handler object, or function, of this connection.
        context: The context of the connection.
        channel: The data channel, once it is open.
        channel_set: Set once it is open. Media do not wait for it.
        set_additional_outputs: Called with each ``AdditionalOutputs`` of the handler; or None.
        track: The client's media, once they are known.
        thread_quit: Set once the track is stopped.
    """

    def __init__(
        self,
        event_handler: Any,
        context: Context,
        channel: DataChannel | None,
        set_additional_outputs: SetOutputs | None,
        *,
        mode: Mode,
        track: MediaStreamTrack | None = None,
        handler: Any = None,
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
        self._handler = event_handler if handler is None else handler
        self._mode = mode
        self._own_session = False
        self._session: Session | None = None
        self._media: Media | None = None
        if channel is not None:
            self.channel_set.set()
        self._prepare()

    @classmethod
    def of(cls: type[C], session: Session, media: Media, mode: Mode) -> C:
        """Create the track of an existing session."""
        made = cls.__new__(cls)
        MediaCallback.__init__(
            made,
            video_function(session.handler),
            cast(Context, session.context[current_context]),
            None,
            session._deliver_outputs,
            mode=mode,
            handler=session.handler,
        )
        made._session, made._media = session, media
        return made

    def _prepare(self) -> None:
        """Initialize the attributes of the subclass."""

    def _open(self) -> tuple[Session, Media]:
        """Return the session and its media; create them if necessary."""
        if self._session is None or self._media is None:
            self._session = session = Session(
                self.context.webrtc_id,
                self._handler,
                deliver=self.set_additional_outputs or _ignore,
                release=_ignore,
                websocket=self.context.websocket,
                copies=False,
                call=self.context.phone_call,
            )
            self._own_session = True
            session.context.run(current_channel.set_source, lambda: self.channel)
            modality = cast(Modality, self.kind)
            self._media = Media(session, modality, self._mode, playout=Playout())
            if self.channel is not None:
                self._use_channel(session, self.channel)
            if self.track is not None:
                session.on_start(partial(self._start_reading, session, self.track))
            session.start()
        return self._session, self._media

    def _start_reading(self, session: Session, track: MediaStreamTrack) -> None:
        session.run("track", self._read(track))

    async def _read(self, track: MediaStreamTrack) -> str:
        """Read the client's track until it ends."""
        while True:
            try:
                frame = await track.recv()
            except MediaStreamError:
                return "the track has ended"
            self._take(frame)

    def _take(self, frame: Any) -> None:
        """Process a frame of the client."""
        raise NotImplementedError

    @property
    def has_started(self) -> bool:
        """Whether media flow."""
        return self._session is not None and self._session.state is not State.NEW

    @property
    def latest_args(self) -> Any:
        """The latest inputs; ``"not_set"`` before there are any."""
        media = self._media
        if media is None:
            return "not_set"
        args = media.handler.latest_args if media.inputs is None else list(media.inputs.args)
        return args or "not_set"

    def set_args(self, args: list[Any]) -> None:
        """Set the inputs of the handler; callable from any thread."""
        _, media = self._open()
        media.set_args(args)

    def set_channel(self, channel: DataChannel) -> None:
        """Set the data channel of the connection."""
        self.channel = channel
        self.channel_set.set()
        if self._own_session and self._session is not None:
            self._use_channel(self._session, channel)

    def _use_channel(self, session: Session, channel: DataChannel) -> None:
        session.outbox.open(channel.send)
        if isinstance(self.event_handler, StreamHandlerBase):
            self.event_handler.set_channel(channel)

    async def wait_for_channel(self) -> None:
        """Wait until the data channel is open."""
        await self.channel_set.wait()

    async def start(self) -> None:
        """Start the media; called automatically when the connection is established."""
        session, _ = self._open()
        session.start()

    @guarded(None)
    def stop(self) -> None:
        """Stop sending."""
        super().stop()
        self.thread_quit.set()
        if self._own_session and self._session is not None:
            self._session.close("the track was stopped")

    def _live(self) -> Media:
        """Return the media.

        Raises:
            MediaStreamError: If the track or the session has ended.
        """
        if self.readyState != "live":
            raise MediaStreamError
        session, media = self._open()
        if session.ended:
            raise MediaStreamError
        return media

    async def _until_end(self, frame: Coroutine[Any, Any, T]) -> T:
        """Wait for a frame, or for the end of a session of the track's own.

        Raises:
            MediaStreamError: If the session ends first.
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


def _ignore(_: Any) -> None:
    """Do nothing."""
