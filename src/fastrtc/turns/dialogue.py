"""The conversation of one connection: the client's turns, the replies, and barge-in.

``ReplyOnPause`` is its face. Programs subclass the face and override its methods, so methods that
may be overridden are called on the face; everything else lives here, where names of a subclass
cannot collide with ours.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.types import AudioFrameType, EmitType
from ..handlers.link import HandlerLink, rebound
from .conversation import Conversation
from .endpointing import Endpointing
from .face import Face
from .heard import Interruption
from .idle import IdleTimer, IdleTimes
from .interruptions import Interruptions
from .replies import Replies
from .say import Say
from .segmenter import Segment, to_mono
from .state import AppState
from .state_driver import StateDriver
from .state_reports import StateReports
from .thinking_sound import ThinkingSound
from .transitions import Event, State
from .turn_judge import TurnJudge
from .turn_reporter import report_pause, report_trigger, report_turns

__all__ = ["Dialogue"]


class Dialogue(StateDriver):
    """Connect a ``ReplyOnPause`` on one connection with the state machine of its conversation.

    Audio is processed in the thread of ``receive``, outputs are returned in the thread of ``emit``,
    and replies run in their own; ``trigger`` and ``interrupt`` may be called from any thread.

    Args:
        face: The ``ReplyOnPause``.
        link: The link between the handler and its connection.
        base: The class of this package that the face derives from, to detect overrides.
        seconds_of: Validate audio of a reply and return its length in seconds.
        on_interrupt: Called when a reply is interrupted, with what was heard of it.
        warn: Whether to log options that have no effect.
        interruptions: What speech during a reply does; None to leave it to the turn detection.
        turn_judge: Judges pauses with a turn model; None without one.
        early: Whether to start replies when a turn is likely over.
        idle: What to say when the user is silent; see ``IdleTimer``.
        while_thinking: What is played while a reply is being prepared; see ``ThinkingSound``.

    Attributes:
        by_words: Whether only stop words interrupt a reply.
        conversation: The state machine.
        reports: Reports its state.
        replies: The replies.
        endpointing: Detects the end of the client's turns.
        hearing: Held while audio is processed and while the state is replaced.
        turn_judge: Judges pauses with a turn model; None without one.
        detects: Whether turns are detected, with the options and the model of the face.
        collect: Processes a frame instead of the face while the client decides about turns.
    """

    by_words = False
    detects = True

    def __init__(
        self,
        face: Face,
        link: HandlerLink,
        base: type,
        seconds_of: Callable[[Any], float],
        on_interrupt: Callable[[Interruption], Any] | None = None,
        warn: bool = True,
        *,
        interruptions: Interruptions | None = None,
        turn_judge: TurnJudge | None = None,
        early: bool = False,
        idle: IdleTimes | None = None,
        while_thinking: AudioFrameType | None = None,
    ) -> None:
        self.face = face
        self.link = link
        self.hearing = threading.RLock()
        self.conversation = Conversation(interruptions, self.by_words)
        self.reports = StateReports(link, self.observe)
        new_options = (interruptions, turn_judge, early or None, idle, while_thinking)
        self.reports.tells_client = any(option is not None for option in new_options)
        self.replies = Replies(face, link, self.hearing, seconds_of, on_interrupt, self.observe)
        self.replies.keeps = interruptions is not None
        self._idle = None if idle is None else IdleTimer(idle, self)
        self._thinking = None if while_thinking is None else ThinkingSound(while_thinking, self)
        self._base = base
        self._seconds_of = seconds_of
        self._interruptions = interruptions
        self._state_lock = threading.Lock()  # acquired last
        self._deaf = False
        chunked = self._is_overridden("determine_pause")
        gate = None if interruptions is None else self
        self.turn_judge = turn_judge
        self._early = early
        self._pause_pending = False
        self._segment: Segment | None = None  # of the last frame
        self.collect: Callable[[tuple[int, NDArray[np.int16]], AppState], None] | None = None
        ask = None if turn_judge is None else turn_judge.ask
        self.endpointing = Endpointing(face, chunked, gate, ask=ask, suspects=early)
        link.conversation = self
        link.drops_stale = True
        link.pauses = interruptions is not None
        own_emit = self._is_overridden("emit", "receive", "trigger_response")
        link.emit_wakes = None if own_emit else self.replies.wake
        link.needs_silence = self.needs_silence
        if warn and self.detects:
            self.endpointing.warn_of_unused_options()

    def for_handler(self, face: Face, link: HandlerLink) -> Dialogue:
        """Create the dialogue of a handler that was made by copying this one's."""
        on_interrupt = rebound(self.replies.on_interrupt, self.face, face)
        return type(self)(
            face,
            link,
            self._base,
            self._seconds_of,
            on_interrupt,
            False,
            interruptions=self._interruptions,
            turn_judge=self.turn_judge,
            early=self._early,
            idle=None if self._idle is None else self._idle.for_handler(self.face, face),
            while_thinking=None if self._thinking is None else self._thinking.audio,
        )

    def _is_overridden(self, *names: str) -> bool:
        return any(getattr(type(self.face), n) is not getattr(self._base, n) for n in names)

    # Listening

    def receive(self, frame: tuple[int, NDArray[np.int16]]) -> None:
        """Process audio: detect the onset and the end of the client's turn."""
        face = self.face
        self.observe()
        deaf = not face.can_interrupt and (self.speaking or face.event.is_set())
        if deaf or self.replies.says.protected:
            self._deaf = True
            self.handle(Event.SPEECH_DISMISSED)
            return
        if self._deaf:  # audio from before the reply does not belong to what follows
            self._deaf = False
            self.forget()
        self.replies.heard(frame[1].size / frame[0])
        events = []
        with self.hearing:  # the state is not replaced meanwhile
            talked, paused = face.state.started_talking, self._pause_pending
            (self.collect or face.process_audio)(frame, face.state)
            if face.state.started_talking and not talked:
                events.append(Event.SPEECH_STARTED)
            if self._pause_pending is not paused:
                events.append(Event.PAUSE_STARTED if not paused else Event.SPEECH_CONTINUED)
            if face.state.pause_detected:
                events.append(Event.TURN_ENDED)
                self.replies.expect_turn()
            if events and self.link.turn_events is not None:
                report_turns(self, self.link.turn_events, events, self._segment)
        if events:
            self.handle(*events)

    def process_audio(self, audio: tuple[int, NDArray[np.int16]], state: AppState) -> None:
        """Process a frame, and store the result in *state*."""
        rate, samples = audio
        if not state.sampling_rate:
            state.sampling_rate = rate
        segmenter = self.endpointing.open_segmenter()
        if segmenter is not None:
            segment = self._segment = segmenter.hear(rate, samples, self.speaking)
            self._follow_pause(segment)
            state.started_talking = state.started_talking or segment.started
            state.pause_detected = segment.said is not None
            if segment.said is not None:
                state.stream = segment.said.reshape(-1)
            return
        self._segment = None
        so_far = [] if state.buffer is None else [state.buffer]
        state.buffer = np.concatenate((*so_far, samples.reshape(-1)))
        state.pause_detected = self.face.determine_pause(state.buffer, state.sampling_rate, state)

    def _follow_pause(self, segment: Segment) -> None:
        """Start a reply early if the turn may be over, and discard it if the speaker goes on."""
        self._pause_pending = segment.pending
        if not self._early:
            return
        if segment.so_far is not None and segment.pending:
            report_pause(self, segment)
            self.replies.start_early(segment.so_far)
        elif segment.so_far is not None or not (segment.pending or segment.said is not None):
            self.replies.early.discard()  # there was more speech

    def determine_pause(
        self, audio: NDArray[np.int16], sampling_rate: int, state: AppState
    ) -> bool:
        """Judge a chunk of audio once it is complete; see ``ReplyOnPause``."""
        face = self.face
        options = face.algo_options
        channels = 2 if face.expected_layout == "stereo" else 1
        if len(audio) < options.audio_chunk_duration * sampling_rate * channels:
            return False
        mono = to_mono(audio, face.expected_layout)
        speech_s, _ = face.model.vad((sampling_rate, mono), face.model_options)
        state.buffer = None
        return self.endpointing.chunks.pause(
            audio, speech_s, sampling_rate, state, options, self.speaking, channels
        )

    def needs_silence(self) -> bool:
        """Return whether an utterance is active: it must also end if no more audio arrives."""
        if self.conversation.state is State.INTERRUPTION_PENDING:
            return True
        return self.face.state.started_talking and not self._deaf

    def forget(self) -> None:
        """Discard the audio of the current utterance."""
        state = self.face.state
        state.buffer = state.stream = None
        self.replies.forget()
        state.started_talking = self._pause_pending = False
        self.endpointing.forget()

    # Speaking

    def trigger(self) -> None:
        """Reply now, to the audio so far or to a text; callable from any thread."""
        if self.replies.is_answer():
            return
        with self.hearing:
            state = self.face.state
            if state.stream is None:
                said = self.take_utterance()
                state.stream = np.zeros(0, np.int16) if said is None else said.reshape(-1)
            self.replies.expect_turn()
            if self.link.turn_events is not None:
                report_trigger(self, self.link.turn_events)
        self.handle(Event.REPLY_TRIGGERED)

    def take_utterance(self) -> NDArray[np.int16] | None:
        """End the utterance and return its audio; None if there is none."""
        segmenter = self.endpointing.segmenter
        return segmenter.take() if segmenter is not None else None

    def interrupt_if_speaking(self) -> None:
        """Interrupt the reply that is being prepared or played, if any; from any thread."""
        self.replies.says.drop(protected=True)
        self.handle(Event.INTERRUPTED)

    def speak(self, say: Say) -> None:
        """Say something of the program's own accord, as a reply; callable from any thread."""
        self.replies.says.add(say)

    def supersede(self) -> None:
        """Stop the reply without telling; further outputs are dropped."""
        self.replies.early.discard()
        self.replies.supersede()

    def connected(self) -> None:
        """Begin to watch for silence; on the event loop."""
        if self._idle is not None:
            self._idle.open()

    def disconnected(self) -> None:
        """Stop the timers: the connection ends; on the event loop."""
        if self._idle is not None:
            self._idle.close()
        if self._thinking is not None:
            self._thinking.close()

    def close(self) -> None:
        """Stop the reply when the connection ends."""
        self.supersede()
        self.reports.close()

    def emit(self) -> EmitType:
        """Return the next output of the reply, or None; see ``ReplyOnPause``."""
        return self.replies.emit()

    def start_up(self) -> None:
        """Call ``startup_fn``, and play what it yields."""
        self.replies.start_up()

    def reset(self) -> None:
        """Replace the state; also stop the reply, unless called because a reply has ended."""
        face = self.face
        with self.hearing:
            heard = face.state
            face.state = state = heard.new()
            if self.replies.ending_turn:  # the next utterance may have begun already
                self.carry_over(heard, state)
            else:
                self.forget()
                self.supersede()
        face.event.clear()

    def carry_over(self, heard: AppState, state: AppState) -> None:
        """Keep the state of an utterance that began during the reply."""
        state.sampling_rate = heard.sampling_rate
        state.started_talking = heard.started_talking
        state.buffer, state.stream = heard.buffer, heard.stream
