"""Record the turns of a connection, from the events of its conversation. No I/O, no clock."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..core.conversation_events import (
    AudioEnded,
    AudioStarted,
    ConversationEvent,
    FirstAudio,
    FirstOutput,
    FunctionCalled,
    FunctionEnded,
    ReplyDiscarded,
    ReplyEnded,
    ReplyInterrupted,
    SpeechDropped,
    SpeechStarted,
    SpeechStopped,
    TurnEnded,
)
from ..core.turn import HeardBy, Outcome, Turn
from ..turns.heard import SpokenText
from .open_turn import OpenTurn
from .playback_reports import PlaybackReports

__all__ = ["TurnRecorder"]

MARKS_TIMEOUT_S = 1.5
"""How long to wait after the end of a reply for the marks that say when it was heard, in seconds:
network delay, and what the client has buffered."""

MAX_OPEN = 32
"""Turns that are recorded at the same time; the oldest is completed beyond it."""

EXACT_S = 0.005
"""Audio of this length or less counts as sent: resampling changes the length by as much."""


class TurnRecorder:
    """Record the turns of one connection.

    Feed it with the events, and with the progress of the playout; then ``take`` what is new. Times
    are those of one monotonic clock.

    Args:
        webrtc_id: The id of the connection.
        playback: When the client plays what was sent.
        conversational: Whether replies are reported; otherwise each stretch of audio is a turn.
        sent_s: The position of the playout at the beginning.

    Attributes:
        began_at: When the connection was established.
        connected_at: The same as Unix time.
    """

    def __init__(
        self,
        webrtc_id: str,
        playback: PlaybackReports,
        *,
        conversational: bool,
        sent_s: float = 0.0,
    ) -> None:
        self._id = webrtc_id
        self._playback = playback
        self._conversational = conversational
        self.began_at = 0.0
        self.connected_at = 0.0
        self._open: dict[int, OpenTurn] = {}
        self._closed: deque[int] = deque(maxlen=4 * MAX_OPEN)  # numbers; late events are ignored
        self._sending: list[OpenTurn] = []  # those whose audio is queued or sent
        self._finished: list[OpenTurn] = []  # those that wait for marks
        self._sent_s = sent_s  # position of the playout at the last frame
        self._count = 0  # of turns without a conversation
        self._turns: list[Turn] = []
        self._events: list[ConversationEvent] = []

    @property
    def next_at(self) -> float | None:
        """When to call ``advance`` unless something happens before; None for never."""
        return min((one.deadline for one in self._finished if one.deadline), default=None)

    @property
    def open_turns(self) -> frozenset[int]:
        """The numbers of the turns that are not complete."""
        return frozenset(self._open)

    @property
    def changed(self) -> bool:
        """Whether there is something to take."""
        return bool(self._events or self._turns)

    def take(self) -> tuple[list[ConversationEvent], list[Turn]]:
        """Return the events that followed from what happened, and the turns that are complete."""
        events, self._events = self._events, []
        turns, self._turns = self._turns, []
        return events, turns

    # The conversation

    def feed(self, event: ConversationEvent) -> None:
        """Process an event of the conversation."""
        if isinstance(event, SpeechDropped):
            self._close_number(event.turn)
            return
        one = self._turn(event.turn)
        if one is None:
            return
        at = event.at_s
        if isinstance(event, SpeechStarted):
            one.speech_began = event.began_s
        elif isinstance(event, SpeechStopped):
            one.speech_ended = event.ended_s
        elif isinstance(event, TurnEnded):
            one.turn_ended, one.ended_by = at, event.by
            one.speech_ended = event.speech_ended_s
        elif isinstance(event, FunctionCalled):
            one.kind, one.called, one.early = event.kind, at, event.early
            one.function_ended = None
        elif isinstance(event, FirstOutput):
            one.first_output = at
        elif isinstance(event, FirstAudio):
            one.first_audio = at
        elif isinstance(event, FunctionEnded):
            if one.called is not None:  # not that of a discarded reply
                one.function_ended, one.error = at, event.error
        elif isinstance(event, ReplyDiscarded):
            one.called = one.first_output = one.first_audio = one.function_ended = None
            one.early = False
        elif isinstance(event, ReplyInterrupted):
            self._interrupt(one, event)

    def interruption(self, event: ReplyInterrupted) -> ReplyInterrupted | None:
        """Return an interruption as listeners get it, before it is fed.

        Returns:
            It, with whether anything was audible; None if its reply had not begun.
        """
        one = self._open.get(event.turn)
        if one is None:  # all of it was sent
            return event
        if one.called is None:
            return None
        playing = any(other.first_sent is not None for other in self._open.values())
        return replace(event, audible=playing or event.played_s > 0)

    def _turn(self, number: int) -> OpenTurn | None:
        """Return an open turn, or a new one; None if it is complete."""
        if number not in self._open and number not in self._closed:
            self._open[number] = OpenTurn(number)
            if len(self._open) > MAX_OPEN:
                self._complete(next(iter(self._open.values())))
        return self._open.get(number)

    def _close_number(self, number: int) -> None:
        self._open.pop(number, None)
        self._closed.append(number)

    def _interrupt(self, one: OpenTurn, event: ReplyInterrupted) -> None:
        one.interrupted, one.played_s = event.at_s, event.played_s
        one.heard_text, one.text = event.heard_text, event.text
        before = [other for other in self._sending if other.number < one.number]
        for other in before:  # an interruption concerns what is queued, too
            other.interrupted = event.at_s
            other.note_played(self._sent_s)
            self._finish(other, "interrupted", event.at_s)
        if before:  # the event is about all of it
            one.played_s, one.heard_text, one.text = 0.0, "", ""
            one.note_played(self._sent_s)
        self._finish(one, "interrupted", event.at_s)

    # The playout

    def queue_audio(self, number: int, position_s: float, spoken: SpokenText) -> None:
        """Record that the next audio in the queue is the first of a turn, with its texts."""
        one = self._turn(number)
        if one is not None and one.outcome is None:
            one.begins_s, one.spoken = position_s, spoken
            self._sending.append(one)

    def complete_audio(
        self,
        number: int,
        position_s: float,
        now: float,
        error: str | None = None,
        *,
        superseded: bool = False,
    ) -> None:
        """Record that all audio of a turn is queued.

        Args:
            number: The number of the turn.
            position_s: The position of the end of the queue.
            now: The time.
            error: Why an output of it could not be played, if so.
            superseded: Whether the program has stopped the reply before its end.
        """
        one = self._turn(number)
        if one is None or one.outcome is not None:
            return
        one.ends_s, one.error = position_s, one.error or error
        if superseded and one.error is None:
            one.interrupted = now
        if one.begins_s is None:  # no audio
            self._finish(one, one.result, now)
        else:
            self._look(self._sent_s, now)

    def polled(
        self,
        sent_s: float,
        now: float,
        client_s: Callable[[], float],
        frame: tuple[int, NDArray[np.int16]] | None = None,
    ) -> None:
        """Record that a frame is about to be sent.

        Args:
            sent_s: The position of the playout after it.
            now: The time.
            client_s: Returns the position in what was sent to the client, before it.
            frame: Its sample rate in Hz, and its samples of shape ``(channels, n)``.
        """
        before_s, self._sent_s = self._sent_s, sent_s
        if sent_s > before_s and not self._conversational and not self._sending:
            self._begin_audio(before_s)
        if not self._sending:
            return
        if sent_s > before_s:
            for one in self._sending:
                if one.begins_s is not None and sent_s > one.begins_s + EXACT_S / 2:
                    if one.first_sent is None:
                        one.first_sent = now
                        one.sent_s = client_s() + max(0.0, one.begins_s - before_s)
                        self._events.append(AudioStarted(one.number, now))
                    one.last_sent = now
                    one.sent_end_s = client_s() + sent_s - before_s
                    if one.leading_silence_s is None and frame is not None:
                        length_s = frame[1].shape[1] / frame[0]
                        # the last frame has silence at its end; what was cleared counts as sent
                        start_s = max(before_s, sent_s - length_s)
                        one.listen(*frame, start_s, now)
        self._look(sent_s, now)

    def cut(self, sent_s: float, pushed_s: float, now: float) -> None:
        """Record that the program has dropped what was queued.

        Args:
            sent_s: The position of the playout then.
            pushed_s: The position of the end of the queue.
            now: The time.
        """
        for one in tuple(self._sending):
            if one.begins_s is not None and one.begins_s < pushed_s:
                one.interrupted = now
                one.note_played(sent_s)
                self._finish(one, "interrupted", now)

    def idle(self, now: float) -> None:
        """Record that nothing is left to send."""
        if not self._conversational:
            for one in tuple(self._sending):
                one.ends_s = self._sent_s
                self._finish(one, "completed", now)
        elif self._sending:
            self._look(self._sent_s, now)

    def _begin_audio(self, position_s: float) -> None:
        self._count += 1
        one = self._open[self._count] = OpenTurn(self._count, "audio", begins_s=position_s)
        self._sending.append(one)

    def _look(self, sent_s: float, now: float) -> None:
        """Finish the turns whose audio was sent."""
        for one in tuple(self._sending):
            if one.ends_s is not None and sent_s >= one.ends_s - EXACT_S:
                one.note_played(one.ends_s)
                self._finish(one, one.result, now)

    # The end of a turn

    def _finish(self, one: OpenTurn, outcome: Outcome, now: float) -> None:
        """End a reply; its record waits for marks."""
        if one.outcome is not None:
            return
        one.outcome = outcome
        if one in self._sending:
            self._sending.remove(one)
        if outcome != "interrupted" and one.begins_s is not None and one.ends_s is not None:
            one.note_played(one.ends_s)
            one.heard_text = one.text
        if one.first_sent is not None:
            self._events.append(AudioEnded(one.number, now))
        self._events.append(ReplyEnded(one.number, now, outcome))
        if outcome == "interrupted" or self._is_heard(one):
            self._complete(one)
        else:
            one.deadline = now + MARKS_TIMEOUT_S
            self._finished.append(one)

    def _is_heard(self, one: OpenTurn) -> bool:
        """Return whether no more marks are to be expected."""
        waits = one.first_sent is not None and self._playback.has_marks
        return not waits or self._playback.has_played(one.sent_end_s)

    def _heard(self, one: OpenTurn) -> tuple[float, HeardBy] | None:
        if one.first_sent is None:
            return None
        heard = self._playback.heard_at(one.first_sent, one.sent_s)
        if one.marked is None or (heard is not None and heard[1] != "marks"):
            return heard
        return one.marked if heard is None else min(one.marked, heard[0]), "marks"

    def advance(self, now: float) -> None:
        """Process a mark, if there is one, and complete the turns that wait for no more."""
        if self._playback.has_marks:
            for one in self._open.values():
                heard = self._heard(one)
                one.marked = None if heard is None else heard[0]
        for one in tuple(self._finished):
            late = one.deadline is not None and now >= one.deadline
            if late or self._is_heard(one):
                self._finished.remove(one)
                self._complete(one)

    def close(self, now: float) -> None:
        """Complete all turns that got a reply.

        Args:
            now: When the connection has ended.
        """
        for one in tuple(self._finished):
            self._finished.remove(one)
            self._complete(one)
        for one in tuple(self._open.values()):
            if one.speaking:
                continue
            failed = one.error is not None and one.begins_s is None
            if one.interrupted is None and self._conversational and not failed:
                one.interrupted = now
            one.ends_s = self._sent_s
            one.note_played(self._sent_s)
            self._finish(one, one.result, now)
        self.advance(float("inf"))

    def _complete(self, one: OpenTurn) -> None:
        self._close_number(one.number)
        if one in self._sending:
            self._sending.remove(one)
        heard = self._heard(one)
        self._turns.append(
            Turn(
                self._id,
                one.number,
                one.kind,
                self.connected_at,
                one.outcome or "completed",
                early=one.early,
                ended_by=one.ended_by,
                heard_by=None if heard is None else heard[1],
                played_s=one.played_s,
                heard_text=one.heard_text,
                text=one.text,
                error=one.error,
                leading_silence_s=one.leading_silence_s,
                **one.times(self.began_at, None if heard is None else heard[0]),
            )
        )
