"""The media of a session: connect the handler's methods with the transport."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

from ..core.errors import CannotSay
from ..core.tasks import runs_on
from ..core.types import AudioFrameType, Modality, Mode
from ..handlers.base import StreamHandlerBase
from ..handlers.inputs import FunctionInputs, WebRTCData
from ..handlers.invoke import is_async
from ..handlers.kinds import video_function
from ..handlers.link import is_replying, link_of
from ..handlers.speaking import Sayable, SpeechHandle, interrupt
from ..handlers.video import VideoStreamHandler
from ..pacing.arrival_clock import ArrivalClock
from ..pacing.audio_output import check_output
from ..pacing.filler import Filler
from ..pacing.inbound import AudioInbound
from ..pacing.outbound import AudioOutbound
from ..pacing.playout import Playout
from ..pacing.video import VideoInbound, VideoOutbound, run_function
from .client_buffer import ClientBuffer
from .playback_reports import PlaybackReports
from .session import Session
from .speaker import Speaker

__all__ = ["Media"]

logger = logging.getLogger(__name__)

DEFAULT_FPS = 30

WAKE_TIMEOUT_S = 0.5
"""Timeout of the last ``receive`` when a connection closes, in seconds."""


class Media:
    """Connect a session's handler with the media of its transport.

    The transport pushes what it receives into ``audio_in`` and ``video_in``, and sends what it gets
    from ``audio_out`` and ``video_out``. They are None for media that the session does not have.

    Args:
        session: The session; the media start with it.
        modality: Audio, video or both.
        mode: The direction, as seen by the client.
        playout: Paces the audio to send, at the sample rate of the transport.
        flat: Whether ``receive`` gets samples of shape ``(n,)``.
        framed: Whether ``receive`` gets blocks of 20 ms; otherwise one block for each ``push``.
        ask: Replaces ``run_emit``.

    Attributes:
        drop_unplayed: Drops the audio that the client has not played; thread-safe. ``clear`` by
            default; a transport whose client has a buffer replaces it.
        playback: When the client plays what was sent.
        arrivals: When the client's audio arrives, while the turns of its conversation are recorded.
        sent_to_client_s: Returns how much audio was sent to the client, in seconds, on the scale of
            its marks; a transport with marks replaces it.
        items: What a program queues itself for the client of a socket; None without a socket.
        tasks: The tasks of ``start_up``, ``receive`` and ``emit`` of a started handler.
    """

    def __init__(
        self,
        session: Session,
        modality: Modality,
        mode: Mode,
        *,
        playout: Playout | None = None,
        flat: bool = False,
        framed: bool = True,
        ask: Callable[[], Coroutine[Any, Any, str | None]] | None = None,
    ) -> None:
        self._session = session
        self._ask = ask or self.run_emit
        handler = self.handler = session.handler
        self._receives = receives = mode != "receive"
        sends = mode != "send"
        has_audio, has_video = "audio" in modality, "video" in modality
        self.audio_in: AudioInbound | None = None
        self.audio_out: AudioOutbound | None = None
        self.video_in: VideoInbound | None = None
        self.video_out: VideoOutbound | None = None
        self.inputs: FunctionInputs | None = None
        self.speaker: Speaker | None = None
        self.filler: Filler | None = None
        self.drop_unplayed: Callable[[], None] = self.clear
        self.playback = PlaybackReports()
        self.arrivals = ArrivalClock()
        self.sent_to_client_s: Callable[[], float] = float
        self.items: asyncio.Queue[Any] | None = None
        self.tasks: dict[str, asyncio.Task[Any]] = {}
        invoker, deliver = session.invoker, session.deliver
        emit, video_emit = "emit", "video_emit"
        if not isinstance(handler, StreamHandlerBase):
            emit = video_emit = getattr(video_function(handler), "__name__", "handler")
        if has_audio:
            if receives and isinstance(handler, StreamHandlerBase):
                failures = session.failures("receive")
                self.audio_in = AudioInbound(handler, invoker, failures, flat=flat, framed=framed)
            sent = (playout or Playout()) if sends else None
            self.audio_out = AudioOutbound(invoker, deliver, sent, session.failures(emit))
            self.audio_out.captions = session.captions
            self.speaker = Speaker(session, self.audio_out, self.queued_s)
            self.filler = Filler(self.audio_out, self.unsent_s)
        if has_video:
            skip = isinstance(handler, VideoStreamHandler) and handler.skip_frames
            fps = getattr(handler, "fps", DEFAULT_FPS)
            if receives:
                self.video_in = VideoInbound(skip_frames=skip)
            self.video_out = VideoOutbound(
                invoker, deliver, fps if sends else None, session.failures(video_emit)
            )
        if isinstance(handler, StreamHandlerBase):
            link = link_of(handler)
            link.after_audio = self._after_audio
            link.duck = self.duck
            if self.speaker is not None:
                link.fill, link.say = self.fill, self.speaker.say
                self.speaker.conversation = link.conversation
        else:
            self.inputs = FunctionInputs(video_function(handler), media=int(receives))
        self.use_no_buffer()
        session.turns.attach(self)
        session.timers.busy = self._is_busy
        if session.recording is not None:
            session.recording.attach(self, modality, mode)
        if self.audio_in is not None and session.timers.has_idle_timeout:
            self.audio_in.on_pushed = session.timers.heard
        session.on_start(self._start)
        session.on_stop(self._stop)

    def use_no_buffer(self) -> None:
        """Let nothing but the queue hold unplayed audio: the client of the transport has no buffer.

        A transport whose client has one binds its own ``ClientBuffer``.
        """
        ClientBuffer(self.clear, self.unsent_s, self.pause, self.resume).bind(self)
        self.playback.reset()
        self.arrivals.codec_s = 0.0
        self.sent_to_client_s = float

    def send_nothing(self, kind: str) -> None:
        """Drop the output of a kind ("audio" or "video") that the client does not receive."""
        if kind == "audio" and self.audio_out is not None:
            self.audio_out.playout = None
        elif kind == "video" and self.video_out is not None:
            self.video_out.drop()

    def set_args(self, args: list[Any]) -> None:
        """Set the inputs of the handler; thread-safe.

        Raises:
            ValueError: If the handler is a function that takes a different number of inputs.
        """
        self._session.timers.client_active()
        if self.inputs is not None:
            self.inputs.set(args)
        else:
            self.handler.set_args(args)

    def set_page_args(self, value: WebRTCData | str, args: list[Any]) -> None:
        """Set the inputs of the handler to those of a page; thread-safe.

        Args:
            value: The value of the component: the first input of a stream handler.
            args: The values of the other components.

        Raises:
            ValueError: If the handler is a function that takes a different number of inputs.
        """
        self._session.timers.client_active()
        handler = self.handler
        if not isinstance(handler, StreamHandlerBase):
            self.set_args(args)
        elif isinstance(value, WebRTCData):  # it takes the place of the placeholder
            handler.latest_args = [value, *args]
            link = link_of(handler)
            link.inputs_set += 1
            link.call_on_loop(handler.args_set.set)
        else:
            handler.set_args([value, *args])

    def clear(self) -> None:
        """Drop the audio that is queued but not yet sent; thread-safe."""
        if self.audio_out is None:
            return
        if self.speaker is not None:
            self.speaker.cut()
        self.audio_out.will_clear()
        self._on_loop(self._clear)

    def _clear(self) -> None:
        assert self.audio_out is not None
        if self.filler is not None:
            self.filler.forget()
        self.audio_out.clear()

    def fill(self, audio: AudioFrameType | None) -> None:
        """Repeat audio until it is called with None or the queue is cleared; on the loop.

        It does not count in ``queued_s``.
        """
        if self.filler is None:
            return
        if audio is None:
            self.filler.stop()
        else:
            self.filler.start(*check_output(audio))

    def pause(self) -> None:
        """Send no audio until ``resume`` or ``clear``; thread-safe."""
        if self.audio_out is not None:
            self._on_loop(self.audio_out.pause)

    def resume(self) -> None:
        """Continue with the sample at which ``pause`` stopped; thread-safe."""
        if self.audio_out is not None:
            self._on_loop(self.audio_out.resume)

    def duck(self, db: float | None) -> None:
        """Lower the volume by *db* decibels; None ends it; thread-safe."""
        if self.audio_out is not None:
            self._on_loop(self.audio_out.duck, db)

    def _on_loop(self, function: Callable[..., None], *args: Any) -> None:
        if runs_on(self._session.loop):
            function(*args)
        else:
            self._session.invoker.post(function, *args)

    def use_voice(self, voice: Callable[[], Any]) -> None:
        """Set what returns the voice that speaks the text of ``say``, or None."""
        if self.speaker is not None:
            self.speaker.voice = voice

    def say(self, speech: Sayable, *, interruptible: bool = True) -> SpeechHandle:
        """Say something; thread-safe. See ``StreamHandlerBase.say``."""
        if self.speaker is None:
            raise CannotSay("The stream has no audio")
        return self.speaker.say(speech, interruptible)

    def _after_audio(self, function: Callable[[], None]) -> None:
        """Call a function where ``receive`` runs, behind the audio so far; only on the loop."""
        if self.audio_in is not None:
            self.audio_in.call(function)

    def interrupt(self) -> None:
        """Drop unplayed audio, and cancel the reply of a ``ReplyOnPause``; thread-safe."""
        if isinstance(self.handler, StreamHandlerBase):
            interrupt(self.handler)
        else:
            self.drop_unplayed()

    def queued_s(self) -> float:
        """Return how much audio is queued but not yet sent, in seconds; thread-safe."""
        filled = self.filler is not None and self.filler.active
        return 0.0 if filled else self.unsent_s()

    def unsent_s(self) -> float:
        """Return the same, including what fills a silence."""
        playout = None if self.audio_out is None else self.audio_out.playout
        if playout is None:
            return 0.0
        return playout.queued_s + playout.ahead_s(self._session.loop.time())

    def _is_busy(self) -> bool:
        """Return whether a reply is being made or played."""
        handler = self.handler
        making = isinstance(handler, StreamHandlerBase) and is_replying(handler)
        return making or self.queued_s() > 0

    async def _stop(self) -> None:
        if self.audio_out is not None:
            self.audio_out.cues.close()  # the transport polls no more: they would wait forever
        await self._wake_emit()

    async def _wake_emit(self) -> None:
        """Unblock a sync ``emit`` by calling ``receive`` with a last, silent frame.

        Many handlers return ``self.queue.get()`` from ``emit`` and fill the queue in ``receive``.
        Nothing else can unblock such an ``emit`` and its thread.
        """
        invoker, handler = self._session.invoker, self.handler
        last: list[Coroutine[Any, Any, Any]] = []
        if (
            self.audio_in is not None
            and self.audio_out is not None
            and self.audio_out.emitting
            and not self.audio_in.receiving
        ):
            last.append(invoker.call("receive", handler.receive, self.audio_in.silence()))
        if (
            self.video_in is not None
            and invoker.busy("video_emit")
            and not invoker.busy("video_receive")
        ):
            black = self.video_in.black()
            last.append(invoker.call("video_receive", handler.video_receive, black))
        context = self._session.context
        calls = [context.copy().run(asyncio.ensure_future, call) for call in last]
        if calls:
            _, pending = await asyncio.wait(calls, timeout=WAKE_TIMEOUT_S)
            for call in pending:
                call.cancel()
            await asyncio.gather(*calls, return_exceptions=True)

    def _start(self) -> None:
        if self.inputs is not None and self._receives and self.video_out is None:
            logger.warning(
                "Session %s: the function is not called, as it cannot receive audio: use a "
                "StreamHandler or AsyncStreamHandler",
                self._session.id,
            )
        elif self.inputs is not None:
            self._start_function(video_function(self.handler), self.inputs)
        else:
            self._start_handler(self.handler)

    def _start_handler(self, handler: Any) -> None:
        session, invoker = self._session, self._session.invoker
        tasks = self.tasks
        tasks["start_up"] = session.run("start_up", self._start_up())
        if self.audio_in is not None and self.audio_out is not None:
            both = (is_async(handler.receive), is_async(handler.emit))
            if both == (True, True):
                self.audio_in.on_received = self.audio_out.fed
            elif both == (False, False) and link_of(handler).emit_wakes is None:
                self.audio_in.on_received = self.audio_out.fed_in_thread
        if self.audio_in is not None:
            tasks["receive"] = session.run("receive", self.audio_in.run())
        if self.audio_out is not None:
            tasks["emit"] = session.run("emit", self._ask())
        if self.video_in is not None:
            failures = session.failures("video_receive")
            session.run(
                "video_receive", self.video_in.run(invoker, handler.video_receive, failures)
            )
        if self.video_out is not None:
            session.run("video_emit", self.video_out.run_emit(handler.video_emit))

    async def _start_up(self) -> None:
        opened = link_of(self.handler).opened
        if opened is not None:
            opened()
        try:
            await self._session.invoker.call("start_up", self.handler.start_up)
        except Exception as error:
            self._session.failures("start_up").failed(error)

    async def run_emit(self) -> str:
        """Call the handler's ``emit`` until it ends the stream.

        Returns:
            The reason, after its audio has been played.
        """
        assert self.audio_out is not None
        link = link_of(self.handler)
        return await self.audio_out.run_emit(
            self.handler.emit, link.emit_wakes, stale=link.drops_stale
        )

    def _start_function(self, function: Callable[..., Any], inputs: FunctionInputs) -> None:
        session, invoker = self._session, self._session.invoker
        if self.video_in is not None and self.video_out is not None:
            session.run(
                "video",
                run_function(function, inputs, self.video_in, self.video_out, invoker),
            )
            return
        out = self.video_out or self.audio_out
        assert out is not None

        async def generate(out: AudioOutbound | VideoOutbound = out) -> str:
            args = await inputs.wait()
            return await out.run_generator(invoker.iterate("generator", function, *args))

        session.run("generator", generate())
