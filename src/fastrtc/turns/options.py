"""How turns are told apart, and which speech counts."""

from __future__ import annotations

import math
from dataclasses import dataclass
from numbers import Real

__all__ = ["AlgoOptions", "SpeechRules"]

_FINITE = ("audio_chunk_duration", "pre_roll_s", "hop_s")  # the others may be "never"
_MAY_BE_NONE = ("min_interruption_s", "hop_s")


@dataclass
class AlgoOptions:
    """How ``ReplyOnPause`` decides that somebody began to speak, and paused.

    All are in seconds. Subclasses may have other defaults.

    Attributes:
        audio_chunk_duration: The stretch of audio that is looked at, up to now. With the
            default a pause is found half a second after the end of speech: later than people
            hesitate within a sentence, sooner than they wonder whether they were heard.
        started_talking_threshold: Somebody began to speak when that stretch has more speech
            than this: a "yes" is more, a click is less.
        speech_threshold: After that, they paused when it has less speech than this.
        max_continuous_speech_s: An utterance as long as this is answered without a pause.
        pre_roll_s: How much audio from before the onset belongs to an utterance. Detectors
            notice soft consonants late.
        min_interruption_s: While a reply is running, more speech than this interrupts it;
            with None, more than ``started_talking_threshold``.
        hop_s: How often is decided; with None, whenever the detector knows more, which is
        hop_s: How often is decided; with None, whenever the detector knows more, which is
            every 32 ms with Silero. As long as ``audio_chunk_duration`` or longer, ``vad`` is
            asked about blocks of audio, one after the other. So it is where a model has only
            ``vad``, and, with None, where the other values make sense in no other way: less than
            0.3 s of silence would be a pause.

    Raises:
        ValueError: If one is negative or not a number. The thresholds and the maximum may be
            infinite, which means never.
    """

    audio_chunk_duration: float = 0.6
    started_talking_threshold: float = 0.2
    speech_threshold: float = 0.1
    max_continuous_speech_s: float = float("inf")
    pre_roll_s: float = 0.3
    min_interruption_s: float | None = None
    hop_s: float | None = None

    def __post_init__(self) -> None:
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
    """Which speech counts where audio is followed as it comes; all are in seconds.

    Attributes:
        min_speech_s: A burst of speech that is not longer does not count. Within an utterance
            one that has not ended counts for as long as it goes on.
        joined_s: Stretches of speech with less silence between them are one burst. More than
            ``AlgoOptions.audio_chunk_duration`` is the same as that, here and in the next one.
        counted_silence_s: Shorter silence counts as speech: within a burst, and after one within
            an utterance.
        pad_s: So much more counts as speech at both ends of a burst.
    """

    min_speech_s: float = 0.0
    joined_s: float = 0.0
    counted_silence_s: float = 0.0
    pad_s: float = 0.0
