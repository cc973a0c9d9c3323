"""The state machine of a conversation, connected with the replies, the playout and the client."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from ..core.messages import create_message
from ..handlers.link import HandlerLink
from .conversation import Conversation
from .face import Face
from .interruptions import Interruptions, Verdict
from .replies import Replies
from .state_reports import StateReports
from .transitions import Action, Event, State
from .turn_events import TurnEvents

__all__ = ["StateDriver"]

_USER = (State.USER_SPEAKING, State.END_OF_TURN_PENDING)


class StateDriver:
    """Feed the state machine with events, and perform its actions; the base of ``Dialogue``.

    Attributes:
        face: The ``ReplyOnPause``.
        link: The link between the handler and its connection.
        conversation: The state machine.
        reports: Reports its state.
        replies: The replies.
    """

    face: Face
    link: HandlerLink
    conversation: Conversation
    reports: StateReports
    replies: Replies
    _interruptions: Interruptions | None
    _state_lock: threading.Lock  # acquired last

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
            if self.link.turn_events is not None:
                self._report(self.link.turn_events, before, actions)
            self.reports.changed(self.conversation.state)
            self.replies.says.look()

    def _report(self, turns: TurnEvents, before: State, actions: Sequence[Action]) -> None:
        """Report what nothing else does."""
        state = self.conversation.state
        if before in _USER and state not in _USER and Action.REQUEST_REPLY not in actions:
            turns.speech_dropped()
        elif before is State.INTERRUPTION_PENDING and Action.CANCEL_REPLY not in actions:
            turns.false_interruption()

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

    @property
    def speaking(self) -> bool:
        """Whether a reply is being prepared or played."""
        return self.replies.speaking

    # Messages

    def say(self, what: str) -> None:
        """Send a ``log`` message."""
        self.link.send(create_message("log", what))

    def say_started_talking(self) -> None:
        """Notify the client that the speaker started to talk."""
        self.say("started_talking")
