"""A socket whose client has started: what carries the audio and the messages of a session."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ...audio.encodings import ENCODINGS
from ...core.close_reason import GOING_AWAY, INTERNAL_ERROR, CloseReason
from ...core.messages import DataChannel, current_channel, error_message
from ...core.tasks import runs_on
from ...core.types import Mode
from ...handlers.base import StreamHandlerBase
from ...handlers.link import link_of
from ...pacing.playout import Playout, PlayoutOptions
from ...pacing.realtime_limit import AHEAD_S, RealtimeAudioLimit
from ...session.media import Media
from ...session.session import Session
from .events import Start
from .keys import Keys
from .playback_marks import PlaybackMarks

if TYPE_CHECKING:
    from .connection import SocketConnection

__all__ = ["CHUNK_PLAYOUT", "SOCKET_PLAYOUT", "OpenSocket", "SocketOptions"]

logger = logging.getLogger(__name__)

SOCKET_PLAYOUT = PlayoutOptions(lead_s=0.16, tail_s=0.0)
"""Audio leaves up to 160 ms ahead of its time: it bridges the network's jitter, and is all that
a client has to drop on an interruption. TCP loses nothing, so no silence follows a reply."""

CHUNK_PLAYOUT = PlayoutOptions(lead_s=0.16, tail_s=0.0, whole_chunks=True, piece_s=1.0)
"""For clients that negotiated nothing: many play message after message, and would stutter with
short ones. They cannot drop what they have, so a message has 1 s at most."""

DEFAULT_RATE = 24_000
"""The rate of what a function gives, in Hz, to a client that names none: as of handlers."""

RECEIVED_TIMEOUT_S = 10.0
"""How long ``receive`` may take for what a client sent before it said that it stops."""


@dataclass(frozen=True)
class SocketOptions:
    """What the program's side of a socket is like.

    Attributes:
        mode: In which direction audio flows, seen from the client.
        channel: Where messages of the program go.
        queue: What the program puts here is sent, as if ``emit`` had given it.
        emit: Takes the place of ``Media.run_emit``.
        clear: Called to drop the audio that is not played; from any thread.
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
        start: What the client said when it started.
        options: What the program's side is like.

    Attributes:
        session: The session.
        start: What the client said, with the rates that it left open.
        media: The media of the session.
        keys: The keys of the telephone that wait for the handler.
        channel: Where messages of the program go.
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
        self.keys = Keys(session, connection.say_once)
        self.channel = options.channel
        self._queue = options.queue
        self._connection = connection
        self._encoding = ENCODINGS[start.encoding]
        self._allowance = RealtimeAudioLimit()
        self._playback = PlaybackMarks()
        self._heard = False  # audio was sent that the client may not have played
        self._all_played = asyncio.Event()
        self._all_played.set()
        if isinstance(handler, StreamHandlerBase):
            handler.phone_mode = start.call is not None
            handler.set_channel(options.channel)
            link = link_of(handler)
            link.clear_queue = options.clear
            link.queued_s = self.unplayed_s
        session.context.run(current_channel.set, options.channel)
        session.on_start(self._run)
        session.on_close(self.close)

    def _run(self) -> None:
        session, audio_out = self.session, self.media.audio_out
        if audio_out is None:  # there always is, with audio
            return
        session.run("outputs", self._take_outputs())
        if audio_out.playout is not None:
            audio_out.on_played = lambda: self._send_mark(self._playback.ended())
            session.run("send", self._send_audio())
        if self.start.call is not None:
            session.run("keys", self.keys.run())

    # What the client sends

    def hear(self, payload: bytes) -> None:
        """Take audio of the client."""
        audio_in = self.media.audio_in
        if not payload:
            return
        if audio_in is None:
            self._connection.say_once("This stream takes no audio")
            return
        now = asyncio.get_running_loop().time()
        seconds = len(payload) / self._encoding.sample_bytes / self._input_rate
        if not self._allowance.take(seconds, now):
            self._connection.say_once(
                f"The audio comes faster than it can have been recorded: what is more than "
                f"{AHEAD_S:.0f} s ahead is dropped"
            )
            return
        audio_in.push(self._input_rate, self._encoding.decode(payload)[np.newaxis])

    def played(self, mark: str) -> None:
        """Take a mark that the client has sent back."""
        self._playback.played(mark)
        if self._playback.all_played:
            self._all_played.set()

    def expect_no_marks(self) -> None:
        """Wait for no marks any more: the connection ends."""
        self._all_played.set()

    async def finish(self) -> None:
        """Let ``receive`` get what the client has sent: it sends no more."""
        if self.media.audio_in is not None:
            await self.media.audio_in.finish(RECEIVED_TIMEOUT_S)

    # What the client gets

    async def _send_audio(self) -> None:
        audio_out = self.media.audio_out
        loop = asyncio.get_running_loop()
        while audio_out is not None:
            frame = await audio_out.frame()
            self._heard = True
            self._connection.send_audio(self._encoding.encode(frame.samples))
            seconds = frame.samples.shape[1] / self._output_rate
            self._send_mark(self._playback.sent(seconds, loop.time()))

    def _send_mark(self, name: str | None) -> None:
        """Ask the client to tell when it has played what was sent."""
        if name is not None and self._connection.send_mark(name):
            self._all_played.clear()

    async def _take_outputs(self) -> str | None:
        """Send what a program's own ``_emit_to_queue`` gives."""
        audio_out = self.media.audio_out
        while audio_out is not None:
            reason = await audio_out.accept(await self._queue.get())
            if reason is not None:
                return reason
        return None

    def send(self, text: str) -> None:
        """Send a message to the client, on the event loop."""
        self._connection.say(text)

    def unplayed_s(self) -> float:
        """Return how much audio the client has not played, in seconds; from any thread.

        By the marks that it sends back, or else by the clock.
        """
        playout = None if self.media.audio_out is None else self.media.audio_out.playout
        if playout is None:
            return 0.0
        now = self.session.loop.time()
        return playout.queued_s + max(playout.ahead_s(now), self._playback.unplayed_s(now))

    def clear(self) -> None:
        """Drop the audio that is not yet played, also at the client; from any thread."""
        self.media.clear()
        if runs_on(self.session.loop):
            self._clear_client()
        else:
            self.session.invoker.post(self._clear_client)

    def _clear_client(self) -> None:
        while not self._queue.empty():
            self._queue.get_nowait()
        self._playback.cleared()
        self._all_played.set()
        self._connection.clear_audio(played=not self._heard)
        self._heard = False

    # The end

    async def client_left(self, reason: CloseReason) -> None:
        """End the session: the client has gone, or its connection is closed."""
        if self.media.audio_in is not None:
            self.media.audio_in.flush()  # the client sends no more
        self.session.close(reason.text or "the client disconnected")
        await self.session.closed.wait()

    async def close(self, reason: CloseReason) -> None:
        """Send what is left to say, and close the socket if the client has not."""
        if reason.code == INTERNAL_ERROR:
            reason = replace(reason, text="The handler failed")
        elif reason.code == GOING_AWAY:
            self._connection.say(error_message(reason.text))
        await self._connection.close(reason, self._all_played)


def _rate_of(handler: Any, name: str) -> int:
    rate: int = getattr(handler, name, DEFAULT_RATE)
    return rate
