"""The turns of a connection, and those who follow its conversation."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..core.conversation_events import (
    AudioStarted,
    ConversationEvent,
    FunctionCalled,
    FunctionEnded,
    ReplyDiscarded,
    ReplyInterrupted,
    TextSaid,
    TurnListener,
)
from ..core.messages import create_message
from ..core.transcript import Transcript
from ..core.turn import Turn
from ..handlers.base import StreamHandlerBase
from ..handlers.link import link_of
from ..pacing.playout import Playout, PlayoutFrame
from ..turns.heard import SpokenText
from ..turns.turn_events import TurnEvents
from .turn_recorder import TurnRecorder

if TYPE_CHECKING:
    from .media import Media
    from .session import Session

__all__ = ["MAX_RECORDS", "TurnLog"]

logger = logging.getLogger(__name__)

MAX_TEXTS = 64
"""Texts of audio that are remembered until their captions are sent."""

MAX_RECORDS = 100
"""Turns that are kept."""


class TurnLog:
    """Let listeners follow the conversation of a session, and record its turns.

    Without listeners it does nothing.

    Args:
        session: The session.

    Attributes:
        records: The last turns, at most 100, in the order in which they were completed.
        clock: Returns the time, in any thread; a call on a clock of its own replaces
            ``time.monotonic()``, which threads of the program read otherwise.
    """

    def __init__(self, session: Session) -> None:
        self.records: tuple[Turn, ...] = ()
        self.clock: Callable[[], float] = _now
        self._session = session
        self._listeners: list[TurnListener] = []
        self._media: Media | None = None
        self._recorder: TurnRecorder | None = None
        self._began_at = self.clock()
        self._connected_at = time.time()
        self._timer: asyncio.TimerHandle | None = None
        self._ended_at: float | None = None  # when the connection has
        self._closed = False
        self._called = 0  # the turn whose function was called last
        self._texts: deque[tuple[str, str]] = deque(maxlen=MAX_TEXTS)
        self._posted: deque[ConversationEvent] = deque()  # and not yet delivered
        self._delivering = False
        self._client_may_ask = False
        self._stop_client: Callable[[], None] | None = None  # it gets the turns

    # Who listens; on the event loop

    def listen(self, listener: TurnListener) -> Callable[[], None]:
        """Add a listener; on the event loop.

        Returns:
            A function that removes it.
        """
        self._listeners.append(listener)
        self._begin()

        def stop() -> None:
            with contextlib.suppress(ValueError):
                self._listeners.remove(listener)

        return stop

    @property
    def open_turns(self) -> frozenset[int]:
        """The numbers of the turns that are not complete."""
        return frozenset() if self._recorder is None else self._recorder.open_turns

    def attach(self, media: Media) -> None:
        """Set the media of the session."""
        self._media = media
        if self._listeners:
            self._begin()

    def connected(self) -> None:
        """Record that the connection is established: its clock begins."""
        self._began_at, self._connected_at = self.clock(), time.time()
        if self._recorder is not None:
            self._start_clock(self._recorder)
            self._ask()

    def _start_clock(self, recorder: TurnRecorder) -> None:
        recorder.began_at, recorder.connected_at = self._began_at, self._connected_at

    def _begin(self) -> None:
        """Begin to record, once there is a listener, and media to record."""
        media = self._media
        if media is None or self._recorder is not None or self._closed:
            return
        link = link_of(media.handler) if isinstance(media.handler, StreamHandlerBase) else None
        conversational = link is not None and link.conversation is not None
        playout = None if media.audio_out is None else media.audio_out.playout
        recorder = self._recorder = TurnRecorder(
            self._session.id,
            media.playback,
            conversational=conversational,
            sent_s=0.0 if playout is None else playout.sent_s,
        )
        self._start_clock(recorder)
        if link is not None and conversational:
            link.turn_events = TurnEvents(self)
            if media.audio_in is not None:
                media.audio_in.arrivals = media.arrivals
                link.arrived_at = media.audio_in.arrived_at
        if media.audio_out is not None:
            media.audio_out.on_polled = self._polled
            media.audio_out.on_cleared = self._cleared
        self._session.messages.on("heard", self._heard)

    # What happens

    def now(self) -> float:
        """Return the time; thread-safe."""
        return self.clock()

    def post(self, event: ConversationEvent) -> None:
        """Process an event of the conversation; thread-safe.

        Events that follow each other closely wake the event loop once.
        """
        self._posted.append(event)
        if not self._delivering:
            self._delivering = True
            with contextlib.suppress(RuntimeError):  # the loop is closed
                self._session.loop.call_soon_threadsafe(self._deliver_posted)

    def said(self, event: TextSaid, *, delivered: bool = False) -> None:
        """Process the text of audio, or a transcript that will be delivered; thread-safe."""
        if delivered or self._session.captions:  # it comes as a transcript, too
            self._texts.append((event.text, event.who))
        self.post(event)

    def transcribed(self, transcript: Transcript) -> None:
        """Record a transcript for the client, unless it is the text of audio; thread-safe."""
        if self._recorder is None:
            return
        texts = transcript.text, transcript.who
        if texts in self._texts:
            self._texts.remove(texts)
            return
        now = self.clock()
        self.post(TextSaid(self._called, now, transcript.text, transcript.who, transcript.final))

    def calling(self, call: FunctionCalled) -> None:
        """Let the listeners set context variables for a function; in its context."""
        for listener in tuple(self._listeners):
            self._call(listener.calling, call)

    def queue_audio(self, turn: int, spoken: SpokenText) -> None:
        """Record that the next output of ``emit`` is the first audio of a turn; thread-safe."""
        if self._media is not None and self._media.audio_out is not None:
            self._media.audio_out.mark_output(lambda: self._audio_queued(turn, spoken))

    def complete_audio(
        self, turn: int, error: str | None, *, superseded: bool, next_s: float = 0.0
    ) -> None:
        """Record that no more output of a turn follows; thread-safe."""
        if self._media is not None and self._media.audio_out is not None:
            self._media.audio_out.mark_output(
                lambda: self._audio_complete(turn, error, superseded, next_s)
            )

    # On the event loop

    def _deliver_posted(self) -> None:
        self._delivering = False  # what is posted from now on wakes the loop again
        try:
            while self._posted:
                self._deliver(self._posted.popleft())
        finally:
            if self._posted:  # an event has failed, and the loop logs it
                self._session.loop.call_soon(self._deliver_posted)

    def _deliver(self, event: ConversationEvent) -> None:
        if self._recorder is None or self._closed:
            return
        late = self._ended_at is not None and event.at_s > self._ended_at
        if late and not isinstance(event, FunctionEnded | ReplyDiscarded):
            return
        if isinstance(event, FunctionCalled):
            self._called = event.turn
        told: ConversationEvent | None = event
        if isinstance(event, ReplyInterrupted):
            told = self._recorder.interruption(event)
        self._recorder.feed(event)
        if told is not None:
            self._tell(told)
        self._flush()

    @property
    def _live(self) -> TurnRecorder | None:
        """The recorder while the connection lives."""
        return self._recorder if self._ended_at is None else None

    def _audio_queued(self, turn: int, spoken: SpokenText) -> None:
        if self._live is not None:
            if self._media is not None and self._media.filler is not None:
                self._media.filler.stop()  # its end is no part of the turn
            self._live.queue_audio(turn, self._pushed_s, spoken)

    def _audio_complete(
        self, turn: int, error: str | None, superseded: bool, next_s: float
    ) -> None:
        if self._live is not None:
            now, end_s = self.clock(), self._pushed_s + next_s
            self._live.complete_audio(turn, end_s, now, error, superseded=superseded)
            self._flush()

    @property
    def _pushed_s(self) -> float:
        audio_out = None if self._media is None else self._media.audio_out
        playout = None if audio_out is None else audio_out.playout
        return 0.0 if playout is None else playout.pushed_s

    def _polled(self, playout: Playout, frame: PlayoutFrame | None) -> None:
        recorder, media = self._live, self._media
        if recorder is None or media is None:
            return
        now = self.clock()
        sent = None if frame is None else (playout.rate, frame.samples)
        recorder.polled(playout.sent_s, now, media.sent_to_client_s, sent)
        if not playout.playing:
            recorder.idle(now)
        if recorder.changed:  # as for few frames
            self._flush()

    def _cleared(self, playout: Playout) -> None:
        # after the events that were posted before, such as an interruption
        self._session.loop.call_soon(self._cut, playout.sent_s, playout.pushed_s)

    def _cut(self, sent_s: float, pushed_s: float) -> None:
        if self._live is not None:
            self._live.cut(sent_s, pushed_s, self.clock())
            self._flush()

    def played(self, position_s: float) -> None:
        """Record that the client has played what was sent until a position."""
        if self._media is not None and self._recorder is not None and not self._closed:
            now = self.clock()
            self._media.playback.played(position_s, now)
            self._recorder.advance(now)
            self._flush()

    def _flush(self) -> None:
        """Pass on what has followed, and wait for what may come."""
        recorder = self._recorder
        if recorder is None:
            return
        events, turns = recorder.take()
        for event in events:
            if isinstance(event, AudioStarted) and self._media is not None:
                if self._media.playback.answers:
                    self._ask()
            self._tell(event)
        for turn in turns:
            self.records = (*self.records, turn)[-MAX_RECORDS:]
            for listener in tuple(self._listeners):
                self._call(listener.on_turn, turn)
        next_at = recorder.next_at
        if next_at is not None and self._timer is None and not self._closed:
            delay_s = max(0.0, next_at - self.clock())
            self._timer = self._session.loop.call_later(delay_s, self._advance)

    def _advance(self) -> None:
        self._timer = None
        if self._recorder is not None:
            self._recorder.advance(self.clock())
            self._flush()

    def _tell(self, event: ConversationEvent) -> None:
        for listener in tuple(self._listeners):
            self._call(listener.on_event, event)

    def _call(self, function: Callable[[Any], None], value: Any) -> None:
        try:
            function(value)
        except Exception as error:
            self._session.errors.log_failure(function.__qualname__, error)

    def _ask(self) -> None:
        """Ask the client how long audio waits in its buffers, if it may know."""
        session = self._session
        if self._media is None or session.user_context.phone_call is not None:
            return
        if session.tells_codes:  # others get only what FastRTC 0.0.34 would send
            number = self._media.playback.ask(self.clock())
            session.outbox.post(create_message("report_heard", {"n": number}))

    def _heard(self, message: dict[str, Any]) -> bool:
        data = message.get("data")
        if self._media is None or not isinstance(data, dict) or "delay_s" not in data:
            return False
        return self._media.playback.answer(data.get("n"), data.get("delay_s"), self.clock())

    def serve_client(self, *, allowed: bool = True) -> None:
        """Send the turns to the client from when it asks for them, if that is allowed.

        The page asks any stream, so its question is no message for the program in any case.
        """
        self._client_may_ask = allowed
        self._session.messages.on("turns", self._client_asks)

    def _client_asks(self, message: dict[str, Any]) -> bool:
        data = message.get("data")
        wants = data.get("on") if isinstance(data, dict) else None
        if not isinstance(wants, bool):
            return False
        stop, self._stop_client = self._stop_client, None
        if stop is not None:
            stop()
        if wants and self._client_may_ask:
            self._stop_client = self.listen(_ClientTurns(self._session.outbox.post))
        return True

    def end(self) -> None:
        """Record that the connection has ended: it interrupts all turns, whatever comes later.

        Only the ends of their functions do, until ``close``.
        """
        self._ended_at = self.clock()

    def close(self) -> None:
        """Complete all turns."""
        if self._recorder is not None and not self._closed:
            ended_at = self.clock() if self._ended_at is None else self._ended_at
            self._recorder.close(ended_at)
            self._flush()
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def _now() -> float:
    return time.monotonic()


class _ClientTurns(TurnListener):
    """Send the client each turn, without its texts."""

    def __init__(self, post: Callable[[str], None]) -> None:
        self._post = post

    def on_turn(self, turn: Turn) -> None:
        self._post(create_message("turn", turn.as_dict()))
