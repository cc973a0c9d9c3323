"""The conversation of one connection: the client's turns, the replies, and barge-in.

``ReplyOnPause`` is its face. Programs subclass the face and override its methods, so methods that
may be overridden are called on the face; everything else lives here, where names of a subclass
cannot collide with ours.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.messages import create_message
from ..core.types import AudioFrameType, EmitType
from ..handlers.link import HandlerLink, rebound
from .conversation import Conversation
from .endpointing import Endpointing
from .face import Face
from .heard import Interruption
from .idle import IdleTimer, IdleTimes
from .interruptions import Interruptions, Verdict
from .replies import Replies
from .say import Say
from .segmenter import Segment, to_mono
from .state import AppState
from .state_reports import StateReports
from .thinking_sound import ThinkingSound
from .transitions import Action, Event, State
from .turn_judge import TurnJudge

__all__ = ["Dialogue"]


class Dialogue:
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

    # The state machine

    def handle(self, *events: Event) -> None:
        """Process events that happened at once; thread-safe."""
        with self._state_lock:
            before = self.conversation.state
            actions = [a for event in events for a in self.conversation.handle(event)]
            self._note_state(before, actions)
        self._perform(actions)

    def observe(self) -> None:
        """Let the state machine see whether a reply is expected or played; thread-safe."""
        replies = self.replies
        listening = self.conversation.state is State.LISTENING and not replies.requested
        if listening and not (self.face.state.started_talking or replies.running):
            if not replies.has_audio():
                return  # as for most frames of a call
        with self._state_lock:
            # in this order: a turn is expected before its utterance ends
            talking = self.face.state.started_talking
            requested = replies.requested
            before = self.conversation.state
            actions = self.conversation.observe(
                talking=talking or requested,
                awaited=requested or replies.running,
                has_audio=replies.has_audio(),
            )
            self._note_state(before, actions)

    @property
    def active(self) -> bool:
        """Whether a reply is awaited or played: see ``Gate``."""
        return self.conversation.replying

    def judge(self, speech_s: float, duration_s: float) -> Verdict | None:
        """Judge audio of the user while no utterance is active: see ``Gate``."""
        with self._state_lock:
            before = self.conversation.state
            played_s = self.replies.played_s
            verdict, actions = self.conversation.hear(speech_s, duration_s, played_s)
            self._note_state(before, actions)
        return verdict

    def _note_state(self, before: State, actions: Sequence[Action]) -> None:
        """Hold or release the playout, in the order of the states; the lock must be held."""
        if Action.HOLD_PLAYOUT in actions:
            self._hold()
        elif Action.RELEASE_PLAYOUT in actions and Action.CANCEL_REPLY not in actions:
            self._release()
        if self.conversation.state is not before:
            self.reports.changed(self.conversation.state)
            self.replies.says.look()

    def _perform(self, actions: Sequence[Action]) -> None:
        if Action.TELL_SPEECH in actions:
            self.say_started_talking()
        if Action.TELL_PAUSE in actions:
            self.say("pause_detected")
        try:
            if Action.CANCEL_REPLY in actions and not self.replies.says.protected:
                self._cancel(speech=Action.TELL_SPEECH in actions)
        finally:
            if Action.RELEASE_PLAYOUT in actions:
                self._release()  # after its audio was dropped
            if Action.REQUEST_REPLY in actions:
                self.replies.request()

    def _cancel(self, speech: bool) -> None:
        if speech and self.replies.keeps:
            self.replies.keep_unheard()
        if self.speaking:
            self.replies.interrupt()

    def _hold(self) -> None:
        duck_db = None if self._interruptions is None else self._interruptions.duck_db
        if duck_db is None:
            self.link.pause()
        else:
            self.link.duck(duck_db)

    def _release(self) -> None:
        self.link.resume()
        self.link.duck(None)

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
            face.process_audio(frame, face.state)
            if face.state.started_talking and not talked:
                events.append(Event.SPEECH_STARTED)
            if self._pause_pending is not paused:
                events.append(Event.PAUSE_STARTED if not paused else Event.SPEECH_CONTINUED)
            if face.state.pause_detected:
                events.append(Event.TURN_ENDED)
                self.replies.expect_turn()
        if events:
            self.handle(*events)

    def process_audio(self, audio: tuple[int, NDArray[np.int16]], state: AppState) -> None:
        """Process a frame, and store the result in *state*."""
        rate, samples = audio
        if not state.sampling_rate:
            state.sampling_rate = rate
        segmenter = self.endpointing.open_segmenter()
        if segmenter is not None:
            segment = segmenter.hear(rate, samples, self.speaking)
            self._follow_pause(segment)
            state.started_talking = state.started_talking or segment.started
            state.pause_detected = segment.said is not None
            if segment.said is not None:
                state.stream = segment.said.reshape(-1)
            return
        so_far = [] if state.buffer is None else [state.buffer]
        state.buffer = np.concatenate((*so_far, samples.reshape(-1)))
        state.pause_detected = self.face.determine_pause(state.buffer, state.sampling_rate, state)

    def _follow_pause(self, segment: Segment) -> None:
        """Start a reply early if the turn may be over, and discard it if the speaker goes on."""
        self._pause_pending = segment.pending
        if not self._early:
            return
        if segment.so_far is not None and segment.pending:
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

    @property
    def speaking(self) -> bool:
        """Whether a reply is being prepared or played."""
        return self.replies.speaking

    def trigger(self) -> None:
        """Reply now, to the audio so far or to a text; callable from any thread."""
        if self.replies.is_answer():
            return
        state = self.face.state
        with self.hearing:
            if state.stream is None:
                said = self.take_utterance()
                state.stream = np.zeros(0, np.int16) if said is None else said.reshape(-1)
            self.replies.expect_turn()
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

    # Messages

    def say(self, what: str) -> None:
        """Send a ``log`` message."""
        self.link.send(create_message("log", what))

    def say_started_talking(self) -> None:
        """Notify the client that the speaker started to talk."""
        self.say("started_talking")
