"""What the options of Silero VAD and of turns come to: which rule decides, and which are unused."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import fields
from numbers import Real

from ..pause_detection.protocol import WINDOW, ModelOptions, PauseDetectionModel
from ..pause_detection.silero import SileroVADModel, SileroVadOptions
from .options import AlgoOptions, SpeechRules

__all__ = ["decides_in_blocks", "speech_rules", "unused_options"]

MIN_PAUSE_S = 0.3
"""People are silent for as long within a sentence. Options that make a pause of less are none for
audio that is followed as it comes."""

MIN_ROOM_S = 0.1
"""Likewise options that allow less than this to be silent where somebody began to speak."""

NEEDS_STREAM = ("min_speech_duration_ms", "min_silence_duration_ms", "speech_pad_ms")


def decides_in_blocks(options: AlgoOptions) -> bool:
    """Whether the options are meant for blocks of audio, which ``vad`` judges one after the other.

    They are where ``hop_s`` is ``audio_chunk_duration`` or more. Without a ``hop_s`` they are, too,
    where the other values make no sense for audio that is followed as it comes: less than 0.3 s of
    silence would be a pause, or speech would have to fill all but 0.1 s of
    ``audio_chunk_duration`` to begin an utterance. ``vad`` finds more speech, as it pads it.

    Args:
        options: What counts as speech and as a pause.
    """
    chunk = options.audio_chunk_duration
    if options.hop_s is not None:
        return options.hop_s >= chunk
    if math.isinf(options.started_talking_threshold):  # never, whatever decides
        return False
    pause = round(chunk - options.speech_threshold, 6)
    room = round(chunk - options.started_talking_threshold, 6)
    return pause < MIN_PAUSE_S or room < MIN_ROOM_S


def speech_rules(options: ModelOptions) -> SpeechRules | None:
    """Give the rules that options of Silero VAD make for audio that is followed as it comes.

    The defaults are made for ``vad``: there, half a second of silence at the end of a block is
    speech. So padding and silence only count if they were given other values; and none of the
    options does unless one was.

    Args:
        options: Of the model; those of other models make no rules.

    Returns:
        The rules, or None if every window of speech counts.

    Raises:
        ValueError: If one is no number, or negative.
    """
    if not isinstance(options, SileroVadOptions):
        return None
    given = [name for name in NEEDS_STREAM if _is_given(options, name)]
    if not given:
        return None
    speech, silence, padding = (_seconds(options, name) for name in NEEDS_STREAM)
    return SpeechRules(
        min_speech_s=speech,
        joined_s=silence,
        counted_silence_s=silence if "min_silence_duration_ms" in given else 0.0,
        pad_s=padding if "speech_pad_ms" in given else 0.0,
    )


def unused_options(
    algo_options: AlgoOptions,
    model_options: ModelOptions,
    model: PauseDetectionModel,
    in_blocks: bool,
) -> Iterator[str]:
    """Say of each option that was given and has no effect why that is so.

    Args:
        algo_options: What counts as speech and as a pause.
        model_options: Options of the model.
        model: Finds speech.
        in_blocks: Whether ``vad`` is asked for blocks of audio.
    """
    chunk_s = algo_options.audio_chunk_duration
    hop_s = algo_options.hop_s
    if in_blocks and hop_s is not None and hop_s < chunk_s:
        yield (
            f"AlgoOptions.hop_s={hop_s:g}: a model that has only vad() is asked every "
            f"audio_chunk_duration={chunk_s:g} s"
        )
    if getattr(type(model), "vad", None) is not SileroVADModel.vad:
        return
    if not isinstance(model_options, SileroVadOptions):
        return
    options = model_options
    size = options.window_size_samples
    fixed = getattr(model, "has_fixed_window", False)  # a stand-in may have no network
    if fixed and size not in (WINDOW, _DEFAULTS["window_size_samples"]):
        yield f"SileroVadOptions.window_size_samples={size}: this model judges {WINDOW} at a time"
    longest = options.max_speech_duration_s
    if not math.isinf(longest) and (longest >= chunk_s or not in_blocks):
        yield (
            f"SileroVadOptions.max_speech_duration_s={longest:g}: an utterance is as long as "
            "AlgoOptions.max_continuous_speech_s allows"
        )
    silence = options.min_silence_duration_ms
    if _is_given(options, "min_silence_duration_ms") and silence > chunk_s * 1000:
        yield (
            f"SileroVadOptions.min_silence_duration_ms={silence:g}: more than "
            f"{chunk_s * 1000:g} has no further effect, as only audio_chunk_duration={chunk_s:g} s "
            "are looked at"
        )
    if in_blocks and options.min_speech_duration_ms >= chunk_s * 1000:
        yield (
            f"SileroVadOptions.min_speech_duration_ms={options.min_speech_duration_ms:g}: nothing "
            f"is ever speech, as a block has audio_chunk_duration={chunk_s:g} s"
        )


def _is_given(options: SileroVadOptions, name: str) -> bool:
    return bool(getattr(options, name) != _DEFAULTS[name])


def _seconds(options: SileroVadOptions, name: str) -> float:
    value = getattr(options, name)
    milliseconds = float(value) if isinstance(value, Real) else math.nan
    if not milliseconds >= 0:
        raise ValueError(f"{name} must be a number of milliseconds, not {value!r}")
    return milliseconds / 1000


_DEFAULTS = {field.name: field.default for field in fields(SileroVadOptions)}
