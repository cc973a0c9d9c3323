"""The effect of Silero VAD's options on turn detection, and options without effect."""

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
"""Hesitations within a sentence are this long. Options that end a turn sooner are for chunks."""

MIN_ROOM_S = 0.1
"""Options that allow less silence than this in the window of an onset are for chunks, too."""

NEEDS_STREAM = ("min_speech_duration_ms", "min_silence_duration_ms", "speech_pad_ms")


def decides_in_blocks(options: AlgoOptions, streams: bool = True) -> bool:
    """Return whether the options are meant for consecutive chunks of audio, judged by ``vad``.

    That is the case if ``hop_s`` is ``audio_chunk_duration`` or more. It is also the case without
    ``hop_s`` if the model only has ``vad``, or if the other values do not suit continuous audio:
    less than 0.3 s of silence would end a turn, or speech would have to fill all but 0.1 s of
    ``audio_chunk_duration`` to start one. (``vad`` finds more speech, as it pads it.)

    Args:
        options: The thresholds of speech onset and end of turn.
        streams: Whether the model can process a stream.
    """
    chunk = options.audio_chunk_duration
    if options.hop_s is not None:
        return options.hop_s >= chunk
    if not streams:
        return True
    if math.isinf(options.started_talking_threshold):  # never, whatever decides
        return False
    pause = round(chunk - options.speech_threshold, 6)
    room = round(chunk - options.started_talking_threshold, 6)
    return pause < MIN_PAUSE_S or room < MIN_ROOM_S


def speech_rules(options: ModelOptions) -> SpeechRules | None:
    """Translate the options of Silero VAD into conditions on continuous audio.

    The defaults are made for ``vad``, where half a second of silence at the end of a chunk counts
    as speech. So padding and silence are only used if they differ from their defaults, and none
    of the options is used if all have their defaults.

    Args:
        options: Options of the model; those of other models are ignored.

    Returns:
        The conditions; None for none.

    Raises:
        ValueError: If a value is not a number, or negative.
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
    """Yield a message for each option that was set and has no effect, with the reason.

    Args:
        algo_options: The thresholds of speech onset and end of turn.
        model_options: Options of the model.
        model: The VAD model.
        in_blocks: Whether ``vad`` judges chunks of audio.
    """
    chunk_s = algo_options.audio_chunk_duration
    hop_s = algo_options.hop_s
    if in_blocks and hop_s is not None and hop_s != chunk_s:
        yield (
            f"AlgoOptions.hop_s={hop_s:g}: vad() is called for consecutive chunks of "
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
