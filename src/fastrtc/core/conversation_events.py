"""What happens in a conversation, for those who record, measure or relay it.

Each event has the number of its turn in the connection, as ``Turn.number``, and ``at_s``, the time
of ``time.monotonic()``, which threads and the event loop share.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from .turn import EndedBy, Outcome, Turn, TurnKind

__all__ = [
    "AudioEnded",
    "AudioStarted",
    "ConversationEvent",
    "FalseInterruption",
    "FirstAudio",
    "FirstOutput",
    "FunctionCalled",
    "FunctionEnded",
    "FunctionOutcome",
    "ReplyDiscarded",
    "ReplyEnded",
    "ReplyInterrupted",
    "SpeechDropped",
    "SpeechStarted",
    "SpeechStopped",
    "TextSaid",
    "TurnEnded",
    "TurnListener",
]

FunctionOutcome: TypeAlias = Literal["completed", "superseded", "failed"]
"""How the function of a reply ended: it was exhausted, closed early, or raised."""


@dataclass(frozen=True)
class _Event:
    turn: int
    at_s: float


@dataclass(frozen=True)
class SpeechStarted(_Event):
    """The user began to speak.

    Attributes:
        began_s: When; it is detected later.
    """

    began_s: float


@dataclass(frozen=True)
class SpeechStopped(_Event):
    """The user stopped speaking: reported with the end of the turn, or as speech is dropped.

    Attributes:
        ended_s: When.
    """

    ended_s: float


@dataclass(frozen=True)
class TurnEnded(_Event):
    """The end of the user's turn was decided; a reply follows.

    Attributes:
        by: What decided it.
        speech_ended_s: When the user stopped speaking; None if there was no speech.
    """

    by: EndedBy
    speech_ended_s: float | None


@dataclass(frozen=True)
class SpeechDropped(_Event):
    """The speech of the user gets no reply."""


@dataclass(frozen=True)
class FunctionCalled(_Event):
    """The function of a reply is called.

    Attributes:
        kind: The kind of the turn.
        early: Whether it is called before the end of the turn is decided.
        speech_began_s: When the user began to speak, if known.
        speech_ended_s: When the user stopped speaking, if known.
    """

    kind: TurnKind
    early: bool = False
    speech_began_s: float | None = None
    speech_ended_s: float | None = None


@dataclass(frozen=True)
class FirstOutput(_Event):
    """The function has yielded its first output."""


@dataclass(frozen=True)
class FirstAudio(_Event):
    """The function has yielded its first audio."""


@dataclass(frozen=True)
class TextSaid(_Event):
    """A part of the text of the reply, as its audio is queued, or a transcript.

    Attributes:
        text: The text.
        who: Who said it.
        final: Whether it will not be replaced.
    """

    text: str
    who: Literal["user", "assistant"] = "assistant"
    final: bool = True


@dataclass(frozen=True)
class FunctionEnded(_Event):
    """The function of a reply has ended.

    Attributes:
        outcome: How.
        error: The type and the text of its exception.
    """

    outcome: FunctionOutcome
    error: str | None = None


@dataclass(frozen=True)
class ReplyDiscarded(_Event):
    """A reply that was started early is not played: the user went on."""


@dataclass(frozen=True)
class AudioStarted(_Event):
    """The first sample of the reply was sent."""


@dataclass(frozen=True)
class AudioEnded(_Event):
    """The last sample of the reply was sent, or the rest of it was dropped."""


@dataclass(frozen=True)
class ReplyInterrupted(_Event):
    """The reply was interrupted, by the user or the program.

    Attributes:
        played_s: How much of it was played, in seconds.
        heard_text: The text of that, if known.
        text: All text that had been synthesized.
        audible: Whether any audio was being played; otherwise a function was interrupted.
    """

    played_s: float
    heard_text: str = ""
    text: str = ""
    audible: bool = True


@dataclass(frozen=True)
class FalseInterruption(_Event):
    """Speech over a reply was no interruption: it goes on."""


@dataclass(frozen=True)
class ReplyEnded(_Event):
    """The reply was played, interrupted, or has failed.

    Attributes:
        outcome: How it ended.
    """

    outcome: Outcome


ConversationEvent: TypeAlias = (
    SpeechStarted
    | SpeechStopped
    | TurnEnded
    | SpeechDropped
    | FunctionCalled
    | FirstOutput
    | FirstAudio
    | TextSaid
    | FunctionEnded
    | ReplyDiscarded
    | AudioStarted
    | AudioEnded
    | ReplyInterrupted
    | FalseInterruption
    | ReplyEnded
)


class TurnListener:
    """Follow the conversation of one connection; subclasses override what they need.

    Exceptions are logged, and cost the conversation nothing.
    """

    def on_event(self, event: ConversationEvent) -> None:
        """Process an event; on the event loop of the connection, in order."""

    def on_turn(self, turn: Turn) -> None:
        """Process the record of a turn, once it is complete; on the event loop."""

    def calling(self, call: FunctionCalled) -> None:
        """Process the call of a function, before it; in the context of the reply, in any thread.

        Context variables that it sets are those of the function.
        """
