"""Events of turn detection; all times are in seconds of audio."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

__all__ = [
    "MaximumReached",
    "Pause",
    "PauseSuspected",
    "PauseUnclear",
    "SpeechStarted",
    "TurnEvent",
]


@dataclass(frozen=True)
class SpeechStarted:
    """An utterance began.

    Attributes:
        at_s: Time of the decision, in seconds of audio.
        onset_s: Time of the onset, in seconds of audio; earlier than ``at_s``.
    """

    at_s: float
    onset_s: float


@dataclass(frozen=True)
class PauseSuspected:
    """The speaker is silent, and may have finished; the utterance goes on until its ``Pause``.

    Attributes:
        at_s: Time of the decision, in seconds of audio.
        onset_s: Start of the utterance, as in its ``SpeechStarted``.
        end_s: End of its speech so far.
    """

    at_s: float
    onset_s: float
    end_s: float


@dataclass(frozen=True)
class PauseUnclear:
    """A suspected pause lasts, and the turn model, which was unsure of it, is to be asked again.

    Attributes:
        at_s: Time of the decision, in seconds of audio.
        onset_s: Start of the utterance, as in its ``SpeechStarted``.
        end_s: End of its speech so far.
    """

    at_s: float
    onset_s: float
    end_s: float


@dataclass(frozen=True)
class Pause:
    """The speaker paused: end of turn.

    Attributes:
        at_s: Time of the decision, in seconds of audio.
        onset_s: Start of the utterance, as in its ``SpeechStarted``.
        end_s: End of its speech. The next utterance starts later.
    """

    at_s: float
    onset_s: float
    end_s: float


@dataclass(frozen=True)
class MaximumReached:
    """The utterance reached the maximum length and was cut; speech that follows is a new one.

    Attributes:
        at_s: Time of the decision, in seconds of audio.
        onset_s: Start of the utterance, as in its ``SpeechStarted``.
        end_s: Where it was cut: ``at_s``.
    """

    at_s: float
    onset_s: float
    end_s: float


TurnEvent: TypeAlias = SpeechStarted | PauseSuspected | PauseUnclear | Pause | MaximumReached
