"""Options of turn detection."""

from __future__ import annotations

import math
from dataclasses import dataclass
from numbers import Real

__all__ = ["AlgoOptions", "SpeechRules"]

_FINITE = (
    "audio_chunk_duration",
    "pre_roll_s",
    "hop_s",
    "max_pause_s",
)  # the others may be "never"
_MAY_BE_NONE = ("min_interruption_s", "hop_s")


@dataclass
class AlgoOptions:
    """Thresholds of speech onset and end of turn for ``ReplyOnPause``.

    All values are in seconds. Subclasses may have other defaults.

    Attributes:
        audio_chunk_duration: Length of the window that each decision looks at, which ends now.
            With the default, the turn ends half a second after the last speech: longer than
            most hesitations within a sentence, short enough to feel responsive.
        started_talking_threshold: An utterance starts when the window has more speech than
            this: a "yes" has more, a click has less.
        speech_threshold: The turn ends when the window has less speech than this.
        max_continuous_speech_s: An utterance that reaches this length is answered without a
            pause.
        pre_roll_s: Audio from before the onset that is added to the utterance. Detectors notice
            soft consonants late.
        min_interruption_s: While a reply is running, the speech that interrupts it must exceed
            this; None means ``started_talking_threshold``.
        hop_s: Interval between decisions. None means as often as the model has a new result,
            which is every 32 ms for Silero. With ``audio_chunk_duration`` or more, ``vad`` is
            called for consecutive chunks of audio instead. That is also the case, with None, for
            models that only have ``vad``, and if less than 0.3 s of silence would end a turn.
            Models that only have ``vad`` are called every ``hop_s`` for the window, if it is
            less than ``audio_chunk_duration``.
        adaptive_pause: Whether the pause that ends a turn follows the pauses that the speaker
            makes within a turn, from 0.3 to 1.5 s.
        max_pause_s: The pause that ends a turn which is certainly incomplete according to the turn
            model of ``ReplyOnPause``.

    Raises:
        ValueError: If a value is negative or not a number. The thresholds and
            ``max_continuous_speech_s`` may be infinite, which means never.
    """

    audio_chunk_duration: float = 0.6
    started_talking_threshold: float = 0.2
    speech_threshold: float = 0.1
    max_continuous_speech_s: float = float("inf")
    pre_roll_s: float = 0.3
    min_interruption_s: float | None = None
    hop_s: float | None = None
    adaptive_pause: bool = False
    max_pause_s: float = 3.0

    def __post_init__(self) -> None:
        if not isinstance(self.adaptive_pause, bool):
            raise ValueError(f"adaptive_pause must be True or False, not {self.adaptive_pause!r}")
        for name in AlgoOptions.__dataclass_fields__:
            value = getattr(self, name)
            if value is None and name in _MAY_BE_NONE:
                continue
            seconds = float(value) if isinstance(value, Real) else math.nan
            if not seconds >= 0:
                raise ValueError(f"{name} must be a number of seconds, not {value!r}")
            if name in _FINITE and math.isinf(seconds):
                raise ValueError(f"{name} must be finite, not {value!r}")


@dataclass(frozen=True)
class SpeechRules:
    """Conditions on speech in continuous audio; all values are in seconds.

    Attributes:
        min_speech_s: Bursts of speech up to this length are ignored. Within an utterance, a
            burst that has not ended counts while it lasts.
        joined_s: Speech separated by less silence than this is one burst. Values above
            ``AlgoOptions.audio_chunk_duration`` have no further effect; so below.
        counted_silence_s: Silence shorter than this counts as speech within a burst, and after
            a burst within an utterance.
        pad_s: Added to both ends of a burst, and counted as speech.
    """

    min_speech_s: float = 0.0
    joined_s: float = 0.0
    counted_silence_s: float = 0.0
    pad_s: float = 0.0
