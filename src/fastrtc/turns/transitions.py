"""The states of a conversation, and the table of transitions between them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

__all__ = ["TABLE", "Action", "Event", "Guard", "State", "Transition"]


class State(Enum):
    """What a conversation is doing; the values are sent to the client."""

    LISTENING = "listening"  # neither side speaks
    USER_SPEAKING = "user_speaking"
    END_OF_TURN_PENDING = "end_of_turn_pending"  # the user paused, and may go on
    THINKING = "thinking"  # a reply is requested or runs, and has no audio to play
    SPEAKING = "speaking"  # audio of a reply is played
    INTERRUPTION_PENDING = "interruption_pending"  # speech over a reply, too short so far


class Event(Enum):
    """What happens in a conversation; the values are used in the diagram."""

    SPEECH_DETECTED = "speech over the reply"
    SPEECH_DISMISSED = "silence again"
    SPEECH_STARTED = "speech"
    PAUSE_STARTED = "pause"
    SPEECH_CONTINUED = "speech goes on"
    TURN_ENDED = "end of turn"
    TURN_DROPPED = "utterance dropped"
    REPLY_TRIGGERED = "reply triggered"
    REPLY_AWAITED = "reply awaited"
    AUDIO_QUEUED = "audio of the reply"
    REPLY_FINISHED = "reply finished"
    INTERRUPTED = "interrupted by the program"


class Action(Enum):
    """What the owner of a conversation has to do; the values are used in the diagram."""

    TELL_SPEECH = "tell the client: started_talking"
    TELL_PAUSE = "tell the client: pause_detected"
    REQUEST_REPLY = "request a reply"
    CANCEL_REPLY = "cancel the reply"  # nothing, if there is none
    HOLD_PLAYOUT = "pause or duck the playout"
    RELEASE_PLAYOUT = "resume the playout"


class Guard(Enum):
    """A condition on a transition."""

    AUDIO = "audio is queued"
    NO_AUDIO = "no audio is queued"


@dataclass(frozen=True)
class Transition:
    """One row of the table.

    Attributes:
        source: The state before.
        event: What happened.
        target: The state after.
        actions: What to do, in this order.
        guard: The condition; None for none.
    """

    source: State
    event: Event
    target: State
    actions: tuple[Action, ...] = ()
    guard: Guard | None = None


_S, _E, _A = State, Event, Action
_REPLYING = (_S.THINKING, _S.SPEAKING)
_USER = (_S.USER_SPEAKING, _S.END_OF_TURN_PENDING)
_START = (_A.TELL_SPEECH, _A.CANCEL_REPLY)
_ANSWER = (_A.TELL_PAUSE, _A.CANCEL_REPLY, _A.REQUEST_REPLY)
_TRIGGER = (_A.CANCEL_REPLY, _A.REQUEST_REPLY)
_RELEASE = (_A.RELEASE_PLAYOUT,)
_PENDING = _S.INTERRUPTION_PENDING

TABLE: tuple[Transition, ...] = (
    # the user
    *(Transition(s, _E.SPEECH_STARTED, _S.USER_SPEAKING, _START) for s in (_S.LISTENING, *_USER)),
    Transition(_S.USER_SPEAKING, _E.PAUSE_STARTED, _S.END_OF_TURN_PENDING),
    Transition(_S.END_OF_TURN_PENDING, _E.SPEECH_CONTINUED, _S.USER_SPEAKING),
    *(Transition(s, _E.TURN_ENDED, _S.THINKING, _ANSWER) for s in (_S.LISTENING, *_USER)),
    *(Transition(s, _E.TURN_DROPPED, _S.LISTENING) for s in _USER),
    # the reply
    *(Transition(s, _E.REPLY_TRIGGERED, _S.THINKING, _TRIGGER) for s in (_S.LISTENING, *_USER)),
    Transition(_S.LISTENING, _E.REPLY_AWAITED, _S.THINKING),
    Transition(_S.LISTENING, _E.AUDIO_QUEUED, _S.SPEAKING),
    Transition(_S.THINKING, _E.AUDIO_QUEUED, _S.SPEAKING),
    Transition(_S.SPEAKING, _E.REPLY_AWAITED, _S.THINKING),
    *(Transition(s, _E.REPLY_FINISHED, _S.LISTENING) for s in _REPLYING),
    # the user during a reply
    *(Transition(s, _E.SPEECH_DETECTED, _PENDING, (_A.HOLD_PLAYOUT,)) for s in _REPLYING),
    *(Transition(s, _E.SPEECH_STARTED, _S.USER_SPEAKING, _START) for s in _REPLYING),
    *(Transition(s, _E.TURN_ENDED, _S.THINKING, _ANSWER) for s in _REPLYING),
    *(Transition(s, _E.REPLY_TRIGGERED, _S.THINKING, _TRIGGER) for s in _REPLYING),
    *(Transition(s, _E.INTERRUPTED, s, (_A.CANCEL_REPLY,)) for s in (_S.LISTENING, *_USER)),
    *(Transition(s, _E.INTERRUPTED, _S.LISTENING, (_A.CANCEL_REPLY,)) for s in _REPLYING),
    # speech that may be an interruption: whatever happens, the playout is not left paused
    Transition(_PENDING, _E.SPEECH_STARTED, _S.USER_SPEAKING, (*_START, *_RELEASE)),
    Transition(_PENDING, _E.SPEECH_DISMISSED, _S.SPEAKING, _RELEASE, Guard.AUDIO),
    Transition(_PENDING, _E.SPEECH_DISMISSED, _S.THINKING, _RELEASE, Guard.NO_AUDIO),
    Transition(_PENDING, _E.REPLY_FINISHED, _S.LISTENING, _RELEASE),
    Transition(_PENDING, _E.TURN_ENDED, _S.THINKING, (*_ANSWER, *_RELEASE)),
    Transition(_PENDING, _E.REPLY_TRIGGERED, _S.THINKING, (*_TRIGGER, *_RELEASE)),
    Transition(_PENDING, _E.INTERRUPTED, _S.LISTENING, (_A.CANCEL_REPLY, *_RELEASE)),
)
"""All transitions. An event without a row for the current state changes nothing."""
