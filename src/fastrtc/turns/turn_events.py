"""The events of a conversation, reported where they happen: in the threads of the handler."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any, Protocol

from ..core.conversation_events import (
    ConversationEvent,
    FalseInterruption,
    FirstAudio,
    FirstOutput,
    FunctionCalled,
    FunctionEnded,
    FunctionOutcome,
    ReplyDiscarded,
    ReplyInterrupted,
    SpeechDropped,
    SpeechStarted,
    SpeechStopped,
    TextSaid,
    TurnEnded,
)
from ..core.outputs import CloseStream, split_output
from ..core.transcript import Transcript
from ..core.turn import EndedBy, TurnKind
from .heard import Interruption, SpokenText

__all__ = ["ReplyEvents", "TurnEvents", "TurnSink"]


class TurnSink(Protocol):
    """Receives the events; all methods are thread-safe."""

    def now(self) -> float:
        """Return the time, as ``time.monotonic()`` does for the audio."""

    def post(self, event: ConversationEvent) -> None:
        """Process an event."""

    def said(self, event: TextSaid, *, delivered: bool = False) -> None:
        """Process the text of audio that is being queued, or that is delivered next."""

    def calling(self, call: FunctionCalled) -> None:
        """Process the call of a function, in its context, before the event of the call."""

    def queue_audio(self, turn: int, spoken: SpokenText) -> None:
        """Record that the next output of ``emit`` is the first audio of a turn."""

    def complete_audio(
        self, turn: int, error: str | None, *, superseded: bool, next_s: float = 0.0
    ) -> None:
        """Record that no more output of the turn follows.

        Args:
            turn: The number of the turn.
            error: Why an output of a function that has ended could not be played, if so.
            superseded: Whether the reply was stopped before its end.
            next_s: The length of the audio that ``emit`` returns next, and that is its last.
        """


@dataclass
class _Speech:
    """An utterance of the user; times are those of ``time.monotonic()``."""

    turn: int
    began_s: float | None = None
    ended_s: float | None = None


class TurnEvents:
    """Number the turns of one conversation, and report their events; thread-safe.

    Args:
        sink: Receives the events.
    """

    def __init__(self, sink: TurnSink) -> None:
        self.sink = sink
        self._lock = threading.Lock()
        self._count = 0
        self._user: _Speech | None = None  # who speaks now
        self._asked: _Speech | None = None  # a turn has ended, and its reply not begun
        self._reply: ReplyEvents | None = None  # the last that has begun

    def now(self) -> float:
        """Return the time."""
        return self.sink.now()

    def _next(self) -> int:
        self._count += 1
        return self._count

    # The user

    def speech_started(self, began_s: float) -> None:
        """Report the onset of an utterance."""
        with self._lock:
            if self._user is None:
                self._user = _Speech(self._next(), began_s)
                self.sink.post(SpeechStarted(self._user.turn, self.now(), began_s))

    def paused(self, ended_s: float) -> None:
        """Note a pause in which the turn may be over."""
        with self._lock:
            if self._user is not None:
                self._user.ended_s = ended_s

    def turn_ended(self, by: EndedBy, ended_s: float | None) -> None:
        """Report the end of the user's turn.

        Args:
            by: What decided it.
            ended_s: When the user stopped speaking; None if there was no speech.
        """
        with self._lock:
            self._drop_asked()
            speech, self._user = self._user or _Speech(self._next()), None
            if by == "program" and speech.began_s is None:
                ended_s = None  # nothing in the audio was speech
            speech.ended_s = ended_s
            self._asked = speech
            if ended_s is not None and speech.began_s is not None:
                self.sink.post(SpeechStopped(speech.turn, self.now(), ended_s))
            self.sink.post(TurnEnded(speech.turn, self.now(), by, ended_s))

    def speech_dropped(self) -> None:
        """Report that an utterance gets no reply."""
        with self._lock:
            speech, self._user = self._user, None
            if speech is not None:
                now = self.now()
                self.sink.post(SpeechStopped(speech.turn, now, speech.ended_s or now))
                self.sink.post(SpeechDropped(speech.turn, now))

    # The replies

    def begin(self, kind: TurnKind, *, early: bool = False) -> ReplyEvents:
        """Create the reporter of a reply.

        Args:
            kind: The kind of the turn.
            early: Whether its turn has not ended yet.
        """
        with self._lock:
            speech = None
            if early:
                speech = self._user
            elif kind == "reply":
                speech, self._asked = self._asked, None
            reply = ReplyEvents(self, speech or _Speech(self._next()), kind, early)
            if not early:
                self._reply = reply
            return reply

    def commit(self, reply: ReplyEvents | None) -> None:
        """Note that a reply that was started early is played; None if it is not reported."""
        with self._lock:
            self._asked, self._reply = None, reply

    def interrupted(self, interruption: Interruption) -> None:
        """Report that the last reply that has begun was interrupted."""
        with self._lock:
            reply, self._reply = self._reply, None
        if reply is not None:
            played_s, heard, text = float(interruption), interruption.heard_text, interruption.text
            event = ReplyInterrupted(reply.turn, self.now(), played_s, heard, text)
            self.sink.post(event)

    def unanswered(self) -> None:
        """Report that the reply to the last turn will not begin: the user goes on."""
        with self._lock:
            self._drop_asked()

    def _drop_asked(self) -> None:
        speech, self._asked = self._asked, None
        if speech is not None:
            self.sink.post(ReplyInterrupted(speech.turn, self.now(), 0.0))

    def false_interruption(self) -> None:
        """Report that speech over the reply was no interruption."""
        reply = self._reply
        if reply is not None:
            self.sink.post(FalseInterruption(reply.turn, self.now()))


class ReplyEvents:
    """Report the events of one reply; thread-safe.

    Args:
        events: The events of the conversation.
        speech: What it replies to.
        kind: The kind of the turn.
        early: Whether its turn had not ended when it was started.

    Attributes:
        turn: The number of the turn.
    """

    def __init__(self, events: TurnEvents, speech: _Speech, kind: TurnKind, early: bool) -> None:
        self.turn = speech.turn
        self._events = events
        self._speech = speech
        self._kind: TurnKind = kind
        self._early = early
        self._given = self._gave_audio = False  # by the function
        self._queued = self._complete = self._ended = False
        self._spoken = SpokenText()
        self._error: str | None = None  # of an output, after the end of the function

    def called(self) -> None:
        """Report that the function is called; in its context."""
        speech, sink = self._speech, self._events.sink
        event = FunctionCalled(
            self.turn, self._events.now(), self._kind, self._early, speech.began_s, speech.ended_s
        )
        sink.calling(event)
        sink.post(event)

    def gave(self, output: Any) -> None:
        """Report an output of the function, if it is the first one of its kind."""
        if self._gave_audio:
            return
        now, sink = self._events.now(), self._events.sink
        if not self._given:
            self._given = True
            sink.post(FirstOutput(self.turn, now))
        if split_output(output)[0] is not None:
            self._gave_audio = True
            sink.post(FirstAudio(self.turn, now))

    def ended(self, outcome: FunctionOutcome, error: BaseException | None = None) -> None:
        """Report the end of the function; once. A later error is one of its outputs."""
        text = None if error is None else f"{type(error).__name__}: {error}"
        if self._ended:
            self._error = text
            return
        self._ended = True
        self._events.sink.post(FunctionEnded(self.turn, self._events.now(), outcome, text))

    def discarded(self) -> None:
        """Report that the reply was started early, and is not played."""
        self._events.sink.post(ReplyDiscarded(self.turn, self._events.now()))

    def queue(self, media: Any, other: Any, seconds: float) -> None:
        """Report that ``emit`` returns an output now; in its thread.

        Transcripts are reported here, too, so that they keep their place among the texts of audio:
        the event loop may deliver them after ``emit`` has returned the next output.

        Args:
            media: The audio, or None.
            other: What is yielded besides, or instead.
            seconds: The length of the audio.
        """
        sink, now = self._events.sink, self._events.now()
        if media is not None:
            self._queue_audio(media, seconds)
        elif isinstance(other, Transcript):
            text = TextSaid(self.turn, now, other.text, other.who, other.final)
            sink.said(text, delivered=True)
        if isinstance(other, CloseStream):  # what follows is not played
            self.complete(next_s=seconds)

    def _queue_audio(self, media: Any, seconds: float) -> None:
        sink, now = self._events.sink, self._events.now()
        if not self._queued:
            self._queued = True
            sink.queue_audio(self.turn, self._spoken)
        self._spoken.add(seconds, getattr(media, "text", None))
        if getattr(media, "text", None):
            sink.said(TextSaid(self.turn, now, media.text))

    def complete(self, *, superseded: bool = False, next_s: float = 0.0) -> None:
        """Report that all outputs were taken; in the thread of ``emit``.

        Args:
            superseded: Whether the reply was stopped before its end.
            next_s: The length of the audio that ``emit`` returns next, and that is its last.
        """
        if not self._complete:
            self._complete = True
            self._spoken.end()
            sink = self._events.sink
            sink.complete_audio(self.turn, self._error, superseded=superseded, next_s=next_s)
