"""The transport of a session over a socket whose client has started."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ...audio.encodings import ENCODINGS
from ...core.close_reason import GOING_AWAY, INTERNAL_ERROR, CloseReason
from ...core.diagnosis import Diagnosis
from ...core.messages import DataChannel, current_channel, error_message
from ...core.stats import ConnectionStats
from ...core.tasks import runs_on
from ...core.types import Mode
from ...handlers.base import StreamHandlerBase
from ...handlers.link import link_of
from ...pacing.playout import Playout, PlayoutFrame, PlayoutOptions
from ...pacing.realtime_limit import AHEAD_S, RealtimeAudioLimit
from ...pacing.taps import OutboundTap
from ...session.figures import common_stats
from ...session.media import Media
from ...session.session import Session
from .events import Message, Start
from .keys import Keys
from .playback_marks import PlaybackMarks

if TYPE_CHECKING:
    from .connection import SocketConnection

__all__ = ["CHUNK_PLAYOUT", "SOCKET_PLAYOUT", "OpenSocket", "SocketOptions"]

logger = logging.getLogger(__name__)

SOCKET_PLAYOUT = PlayoutOptions(lead_s=0.16, tail_s=0.0)
"""Audio is sent up to 160 ms ahead of its time: enough to absorb the network's jitter, and all that
a client has to drop on a barge-in. TCP loses nothing, so no silence follows a reply."""

CHUNK_PLAYOUT = PlayoutOptions(lead_s=0.16, tail_s=0.0, whole_chunks=True, piece_s=1.0)
"""For clients that did not negotiate: many play message after message, and would stutter with short
ones. They cannot drop audio that they have, so a message has at most 1 s."""

DEFAULT_RATE = 24_000
"""Output sample rate of a function in Hz if the client names none; the same as of handlers."""

RECEIVED_TIMEOUT_S = 10.0
"""How long ``receive`` may take to process audio that the client sent before its ``stop``."""


@dataclass(frozen=True)
class SocketOptions:
    """The program's side of a socket.

    Attributes:
        mode: The direction of audio, seen from the client.
        channel: The channel for messages of the program.
        queue: Items that the program puts here are sent like outputs of ``emit``.
        emit: Replaces ``Media.run_emit``.
        clear: Called to drop unplayed audio; from any thread.
    """

    mode: Mode
    channel: DataChannel
    queue: asyncio.Queue[Any]
    emit: Callable[[], Coroutine[Any, Any, str | None]]
    clear: Callable[[], None]


class OpenSocket:
    """The transport of one session over a socket.

    Args:
        connection: The socket.
        session: The session.
        start: The ``Start`` of the client.
        options: The program's side of the socket.

    Attributes:
        session: The session.
        start: The ``Start`` of the client, with all rates filled in.
        media: The media of the session.
        keys: The DTMF keys that are queued for the handler.
        channel: The channel for messages of the program.
    """

    def __init__(
        self,
        connection: SocketConnection,
        session: Session,
        start: Start,
        options: SocketOptions,
    ) -> None:
        handler = session.handler
        self.session = session
        self._input_rate = start.input_rate or _rate_of(handler, "input_sample_rate")
        self._output_rate = start.output_rate or _rate_of(handler, "output_sample_rate")
        self.start = replace(start, input_rate=self._input_rate, output_rate=self._output_rate)
        self.media = Media(
            session,
            "audio",
            options.mode,
            playout=Playout(
                self._output_rate,
                most_channels=1,
                options=SOCKET_PLAYOUT if start.framed else CHUNK_PLAYOUT,
            ),
            flat=True,
            framed=start.framed,
            ask=options.emit,
        )
        self.media.drop_unplayed = options.clear
        if self.media.speaker is not None:
            self.media.speaker.unplayed_s = self.unplayed_s
        if self.media.filler is not None:
            self.media.filler.unplayed_s = self._unplayed_s
        if self.media.audio_out is not None:
            self.media.audio_out.unplayed_s = self._unplayed_s
        self.media.playback.has_marks = start.call is not None
        self.media.sent_to_client_s = lambda: self._playback.sent_s
        self.keys = Keys(session, connection.say_once)
        self.channel = options.channel
        self._queue = options.queue
        self._connection = connection
        self._encoding = ENCODINGS[start.encoding]
        self._allowance = RealtimeAudioLimit()
        takes_back = _takes_back(start, handler)
        self._playback = PlaybackMarks(takes_back=takes_back)
        self._bytes_received = self._bytes_sent = 0  # of audio
        session.read_stats = self.stats
        self._heard = False  # audio was sent that the client may not have played
        self._client_paused = False
        self._all_played = asyncio.Event()
        self._all_played.set()
        if isinstance(handler, StreamHandlerBase):
            handler.phone_mode = start.call is not None
            handler.set_channel(options.channel)
            link = link_of(handler)
            link.clear_queue = options.clear
            link.queued_s = self.unplayed_s
            link.pause, link.resume = self.pause, self.resume
        session.tells_codes = start.framed  # others get only what FastRTC 0.0.34 would send
        session.context.run(current_channel.set, options.channel)
        session.on_start(self._run)
        session.on_close(self.close)

    def _run(self) -> None:
        session, audio_out = self.session, self.media.audio_out
        if audio_out is None:  # never with audio
            return
        session.run("outputs", self._send_outputs())
        if audio_out.playout is not None:
            audio_out.on_played = lambda: self._send_mark(self._playback.ended())
            audio_out.on_frame = self._send_frame
            session.run("send", self._send_audio())
        if self.start.call is not None:
            session.run("keys", self.keys.run())

    # What the client sends

    def hear(self, payload: bytes) -> None:
        """Pass audio of the client to the handler."""
        audio_in = self.media.audio_in
        if not payload:
            return
        if audio_in is None:
            self._connection.say_once("This stream takes no audio")
            return
        self._bytes_received += len(payload)
        now = asyncio.get_running_loop().time()
        seconds = len(payload) / self._encoding.sample_bytes / self._input_rate
        if not self._allowance.take(seconds, now):
            self._connection.say_once(
                "The audio arrives faster than real time: audio that is more than "
                f"{AHEAD_S:.0f} s ahead is dropped"
            )
            return
        audio_in.push(self._input_rate, self._encoding.decode(payload)[np.newaxis])

    def receive(self, event: Message) -> None:
        """Dispatch a message of the client."""
        if not self.session.messages.receive(event.message, event.size):
            self._connection.say_once("This stream takes no messages: it has no on_message")

    def played(self, mark: str) -> None:
        """Record a mark that the client has echoed."""
        before_s = self._playback.played_s
        dropped = self._playback.played(mark, self.session.loop.time())
        if self._playback.played_s > before_s:
            self.session.turns.played(self._playback.played_s)
        if dropped and (playout := self._playout) is not None:
            playout.skip(dropped)
            if (tap := self._tap) is not None:
                tap.restored(dropped / playout.rate)
        if self._playback.all_played:
            self._all_played.set()

    def expect_no_marks(self) -> None:
        """Stop waiting for marks: the connection ends."""
        self._all_played.set()

    async def finish(self) -> None:
        """Wait until ``receive`` has processed the client's audio: the client sends no more."""
        if self.media.audio_in is not None:
            await self.media.audio_in.finish(RECEIVED_TIMEOUT_S)

    # What the server sends

    async def _send_audio(self) -> None:
        audio_out = self.media.audio_out
        while audio_out is not None:
            await self._send_frame(await audio_out.frame())

    async def _send_frame(self, frame: PlayoutFrame) -> None:
        self._heard = True
        payload = self._encoding.encode(frame.samples)
        self._bytes_sent += len(payload)
        await self._connection.send_audio(payload)
        seconds = frame.samples.shape[1] / self._output_rate
        self._send_mark(self._playback.sent(seconds, self.session.loop.time(), frame.samples))

    def _send_mark(self, name: str | None) -> None:
        """Send a mark, which the client echoes when it has played the audio before it."""
        if name is not None and self._connection.send_mark(name):
            self._all_played.clear()

    async def _send_outputs(self) -> str | None:
        """Send the items of a program's own ``_emit_to_queue``."""
        audio_out = self.media.audio_out
        while audio_out is not None:
            reason = await audio_out.accept(await self._queue.get())
            if reason is not None:
                return reason
        return None

    def send(self, text: str) -> None:
        """Send a message to the client, on the event loop."""
        self._connection.say(text)

    def put(self, text: str) -> None:
        """Send a message of the protocol as it is, on the event loop."""
        self._connection.put(text)

    def unplayed_s(self) -> float:
        """Return the audio that the client has not played, in seconds; callable from any thread.

        Measured by the marks that it echoes, or else by the clock.
        """
        filler = self.media.filler
        return 0.0 if filler is not None and filler.active else self._unplayed_s()

    def _unplayed_s(self) -> float:
        if (playout := self._playout) is None:
            return 0.0
        now = self.session.loop.time()
        return playout.queued_s + max(playout.ahead_s(now), self._playback.unplayed_s(now))

    @property
    def _playout(self) -> Playout | None:
        return None if self.media.audio_out is None else self.media.audio_out.playout

    @property
    def _tap(self) -> OutboundTap | None:
        return None if self.media.audio_out is None else self.media.audio_out.tap

    def diagnose(self) -> Diagnosis:
        """Return the state of the connection; a socket has no candidates."""
        reason = self.session.reason
        return Diagnosis(
            self.session.id,
            "websocket" if self.start.call is None else "telephone",
            "connected" if reason is None else "ended",
            reason="" if reason is None else reason.text,
        )

    def stats(self) -> ConnectionStats:
        """Return the figures of the connection; the bytes are those of the audio."""
        return replace(
            common_stats(self.session, self.media),
            codec=self.start.encoding,
            protocol="tcp",
            bytes_received=self._bytes_received,
            bytes_sent=self._bytes_sent,
        )

    def clear(self) -> None:
        """Drop unplayed audio, also at the client; callable from any thread."""
        self.media.clear()
        self._on_loop(self._clear_client)

    def pause(self) -> None:
        """Stop playback at the client, if it supports that; callable from any thread.

        A client that does not gets no more audio, and plays the 160 ms that it has at most.
        """
        self._on_loop(self._pause)

    def resume(self) -> None:
        """Continue playback with the next sample; callable from any thread."""
        self._on_loop(self._resume)

    def _on_loop(self, function: Callable[[], None]) -> None:
        if runs_on(self.session.loop):
            function()
        else:
            self.session.invoker.post(function)

    def _pause(self) -> None:
        audio_out, playout = self.media.audio_out, self._playout
        if audio_out is None or playout is None or playout.paused:
            return
        audio_out.pause(held=self.start.pauses)
        tap = self._tap
        if self.start.pauses:
            self._client_paused = True
            if tap is not None:
                tap.held()
            self._connection.pause_audio()
            return
        now = self.session.loop.time()
        taken = self._playback.take_back(now, playout.ahead_s(now))
        if taken is None:
            return
        playout.put_back(taken.samples, now)
        if tap is not None:
            tap.taken_back(taken.samples.shape[1] / playout.rate)
        self._connection.clear_audio(played=False)
        self._heard = False
        self._send_mark(taken.mark)

    def _resume(self) -> None:
        self._playback.resumed()
        if self._client_paused:
            self._client_paused = False
            self._connection.resume_audio()
            if (tap := self._tap) is not None:
                tap.released()
        if self.media.audio_out is not None:
            self.media.audio_out.resume()

    def _clear_client(self) -> None:
        while not self._queue.empty():
            self._queue.get_nowait()
        if self.start.framed and (tap := self._tap) is not None:
            tap.cut(self._playback.unconfirmed_s(self.session.loop.time()))
        self._playback.cleared()
        self._all_played.set()
        played = not self._heard and not self._client_paused
        self._heard = self._client_paused = False  # a clear ends a pause
        self._connection.clear_audio(played=played)

    # The end

    async def client_left(self, reason: CloseReason) -> None:
        """End the session: the client has left, or its connection is closed."""
        if self.media.audio_in is not None:
            self.media.audio_in.flush()  # the client sends no more
        self.session.close(reason.text or "the client disconnected")
        await self.session.closed.wait()

    async def close(self, reason: CloseReason) -> None:
        """Send the remaining messages, and close the socket unless the client has."""
        if reason.code == INTERNAL_ERROR:
            reason = replace(reason, text="The handler failed")
        elif reason.code == GOING_AWAY:
            self._connection.say(error_message(reason.text))
        await self._connection.close(reason, self._all_played)


def _takes_back(start: Start, handler: Any) -> bool:
    """Return whether audio is taken back from the client when the handler pauses.

    That needs a client that drops its audio and echoes marks, as telephone providers do, and a mark
    for each frame.
    """
    if start.call is None or not isinstance(handler, StreamHandlerBase):
        return False
    return link_of(handler).pauses


def _rate_of(handler: Any, name: str) -> int:
    rate: int = getattr(handler, name, DEFAULT_RATE)
    return rate
