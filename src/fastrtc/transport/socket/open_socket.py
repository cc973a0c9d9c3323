"""The transport of a session over a socket whose client has started."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ...audio.encodings import ENCODINGS
from ...core.close_reason import GOING_AWAY, INTERNAL_ERROR, CloseReason
from ...core.diagnosis import Diagnosis
from ...core.messages import current_channel, error_message
from ...core.stats import ConnectionStats
from ...core.tasks import runs_on
from ...handlers.base import StreamHandlerBase
from ...pacing.playout import Playout, PlayoutFrame
from ...pacing.realtime_limit import AHEAD_S, RealtimeAudioLimit
from ...pacing.sent_audio import MAX_SENT_TO_SOCKET_S, HeardUntil
from ...pacing.suspendable import Detached
from ...pacing.taps import OutboundTap
from ...session.client_buffer import ClientBuffer
from ...session.figures import common_stats, diagnose_socket
from ...session.media import Media
from ...session.resumption import lose_network
from ...session.session import Session
from .events import Message, Start
from .keys import Keys
from .options import CHUNK_PLAYOUT, SOCKET_PLAYOUT, SocketOptions, rate_of, send_items, takes_back
from .playback_marks import PlaybackMarks

if TYPE_CHECKING:
    from .connection import SocketConnection

__all__ = ["CHUNK_PLAYOUT", "SOCKET_PLAYOUT", "OpenSocket", "SocketOptions"]

RECEIVED_TIMEOUT_S = 10.0
"""How long ``receive`` may take to process audio that the client sent before its ``stop``."""


class OpenSocket:
    """The transport of one session over a socket.

    Args:
        connection: The socket.
        session: The session.
        start: The ``Start`` of the client.
        options: The program's side of the socket.
        media: The media of a session that its client resumes; None creates them.

    Attributes:
        session: The session.
        start: The ``Start`` of the client, with all rates filled in.
        media: The media of the session.
        keys: The DTMF keys that are queued for the handler.
        channel: The channel for messages of the program.
    """

    max_unheard_s = MAX_SENT_TO_SOCKET_S

    def __init__(
        self,
        connection: SocketConnection,
        session: Session,
        start: Start,
        options: SocketOptions,
        media: Media | None = None,
    ) -> None:
        handler = session.handler
        self.session = session
        self._input_rate = start.input_rate or rate_of(handler, "input_sample_rate")
        self._output_rate = start.output_rate or rate_of(handler, "output_sample_rate")
        self.start = replace(start, input_rate=self._input_rate, output_rate=self._output_rate)
        self._own_playout = Playout(
            self._output_rate,
            most_channels=1,
            options=SOCKET_PLAYOUT if start.framed else CHUNK_PLAYOUT,
        )
        self._resumes = self._unconfirmed = media is not None
        self.media = media or Media(
            session,
            "audio",
            options.mode,
            playout=self._own_playout,
            flat=True,
            framed=start.framed,
            ask=options.emit,
        )
        self._options = options
        self.keys = Keys(session, connection.say_once)
        self.channel = options.channel
        self.queue = self.media.items or options.queue
        self._connection = connection
        self._encoding = ENCODINGS[start.encoding]
        self._allowance = RealtimeAudioLimit()
        self._playback = PlaybackMarks(takes_back=takes_back(start, handler))
        self._bytes_received = self._bytes_sent = 0  # of audio
        self._heard = False  # audio was sent that the client may not have played
        self._client_paused = False
        self._all_played = asyncio.Event()
        self._all_played.set()
        self._detached, self._closed = False, asyncio.Event()
        session.on_close(self.close)
        if media is None:
            session.on_start(self._run)
            self.bind()

    def bind(self) -> None:
        """Use the media of the session, from which another transport may have been detached."""
        session, media, options = self.session, self.media, self._options
        ClientBuffer(options.clear, self._unplayed_s, self.pause, self.resume).bind(media)
        if media.audio_out is not None and self._resumes:
            media.audio_out.use_playout(self._own_playout)
        media.playback.has_marks = self.start.call is not None
        media.sent_to_client_s = lambda: self._playback.sent_s
        session.read_stats = self.stats
        if isinstance(handler := session.handler, StreamHandlerBase):
            handler.phone_mode = self.start.call is not None
            handler.set_channel(options.channel)
        session.tells_codes = self.start.framed  # others get only what FastRTC 0.0.34 would send
        session.channel = options.channel
        session.context.run(current_channel.set_source, lambda: session.channel)

    def begin(self) -> None:
        """Start the session, or continue it: the client knows that it is connected."""
        session = self.session
        if not self._resumes:
            session.outbox.open(self.send)
            session.start()
        elif session.resumption is not None and not self._detached:
            session.resumption.established(self, confirmed=False)
            self._run()

    def _confirm(self) -> None:
        """Record that a client that resumes has the answer: it sends something after it."""
        if self._unconfirmed and (resumption := self.session.resumption) is not None:
            resumption.confirm(self)
        self._unconfirmed = False

    def _run(self) -> None:
        session, audio_out = self.session, self.media.audio_out
        if audio_out is None:  # never with audio
            return
        if self.media.items is None:
            self.media.items = self.queue
            session.run("outputs", send_items(audio_out, self.queue))
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
        if not payload or self._detached:
            return
        if audio_in is None:
            self._connection.say_once("This stream takes no audio")
            return
        if self._unconfirmed:
            self._confirm()
        self._bytes_received += len(payload)
        seconds = len(payload) / self._encoding.sample_bytes / self._input_rate
        if not self._allowance.take(seconds, self.session.loop.time()):
            self._connection.say_once(
                "The audio arrives faster than real time: audio that is more than "
                f"{AHEAD_S:.0f} s ahead is dropped"
            )
            return
        audio_in.push(self._input_rate, self._encoding.decode(payload)[np.newaxis])

    def receive(self, event: Message) -> None:
        """Dispatch a message of the client."""
        if self._detached:
            return
        self._confirm()
        if not self.session.messages.receive(event.message, event.size):
            self._connection.say_once("This stream takes no messages: it has no on_message")

    def played(self, mark: str) -> None:
        """Record a mark that the client has echoed."""
        self._confirm()
        before_s = self._playback.played_s
        dropped = self._playback.played(mark, self.session.loop.time())
        if self._playback.played_s > before_s:
            self.session.turns.played(self._playback.played_s)
            if (tap := self._tap) is not None:
                tap.confirmed(self._playback.sent_s - self._playback.played_s)
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
        with suppress(Detached):
            while audio_out is not None and not self._detached:
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

    def send(self, text: str) -> None:
        """Send a message to the client, on the event loop."""
        self._connection.put_message(text)

    def say(self, text: str) -> None:
        """Send a message of the socket itself, in the order of those of the session."""
        if self.session.resumption is None or self._detached:
            self.send(text)
        else:  # the client counts what it receives
            self.session.outbox.post(text)

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
        return diagnose_socket(self.session, telephone=self.start.call is not None)

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
        while not self.queue.empty():
            self.queue.get_nowait()
        if self.start.framed and (tap := self._tap) is not None:
            tap.cut(self._playback.unconfirmed_s(self.session.loop.time()))
        self._playback.cleared()
        self._all_played.set()
        played = not self._heard and not self._client_paused
        self._heard = self._client_paused = False  # a clear ends a pause
        self._connection.clear_audio(played=played)

    # The end

    def detach(self) -> None:
        """Send and receive nothing for the session any more; ``close`` follows."""
        self._detached = True
        self.session.closers.remove(self.close)

    @property
    def heard_at(self) -> float | None:
        """When the client sent something last, on the clock of the loop."""
        return self._connection.heard_at

    def heard_until(self, heard: int | None) -> HeardUntil:
        """Return how far the client has heard the audio; see ``Resumable``."""
        return HeardUntil(samples=heard, sent_by=self.heard_at)

    async def client_left(self, reason: CloseReason, *, lost: bool) -> None:
        """End or suspend the session: the client has left, or its connection is closed.

        Args:
            reason: Why.
            lost: Whether the client did not close the connection.
        """
        if not self._detached:
            if self.media.audio_in is not None:
                self.media.audio_in.flush()  # the client sends no more
            text = reason.text or "the client disconnected"
            if lost:
                lose_network(self.session, self, text)
            else:
                self.session.close(text)
        await (self._closed if self._detached else self.session.closed).wait()

    async def close(self, reason: CloseReason) -> None:
        """Send the remaining messages, and close the socket unless the client has."""
        if reason.code == INTERNAL_ERROR:
            reason = replace(reason, text="The handler failed")
        elif reason.code == GOING_AWAY:
            self._connection.say(error_message(reason.text))
        try:
            await self._connection.close(reason, None if self._detached else self._all_played)
        finally:
            self._closed.set()
