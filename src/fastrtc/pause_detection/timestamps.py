"""Speech timestamps from VAD probabilities. Arithmetic only."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise, zip_longest
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ..core.types import AudioChunk
from .protocol import RATE

__all__ = ["TimestampOptions", "speech_timestamps"]

HYSTERESIS = 0.15
"""How far below the threshold the probability must fall to end speech, as it dips within words. The
same value as in Silero's ``get_speech_timestamps``, like ``MIN_PROBABILITY``."""

MIN_PROBABILITY = 0.01
"""Lower probabilities are never speech, whatever the threshold: models rarely return exactly 0."""

SPLIT_SILENCE = round(0.098 * RATE)
"""Silence longer than this, in samples, is where speech that is too long is split."""


class TimestampOptions(Protocol):
    """The options that this module uses; see `SileroVadOptions`."""

    threshold: float
    min_speech_duration_ms: int
    max_speech_duration_s: float
    min_silence_duration_ms: int
    speech_pad_ms: int


@dataclass
class _Burst:
    """Windows above the threshold and the silence that follows, in samples.

    Attributes:
        start: Start of the first window above the threshold.
        end: Start of the first silent window after it, or the end of the audio.
        quiet: Start of the last silent window before the next burst.
    """

    start: int
    end: int
    quiet: int


def speech_timestamps(
    probabilities: NDArray[np.float32], window: int, length: int, options: TimestampOptions
) -> list[AudioChunk]:
    """Return the stretches of speech.

    Args:
        probabilities: The probability of speech in each window, shape ``(m,)``.
        window: Window length at 16 kHz, in samples.
        length: Length of the audio in samples; the last window may extend beyond it.
        options: The thresholds.

    Returns:
        The stretches in order, in samples, with their padding.
    """
    bursts = _bursts(probabilities, window, length, options.threshold)
    return _padded(
        list(_utterances(bursts, window, length, options)),
        length,
        _samples(options.speech_pad_ms),
    )


def _samples(milliseconds: float) -> int:
    return int(milliseconds * RATE / 1000)


def _bursts(
    probabilities: NDArray[np.float32], window: int, length: int, threshold: float
) -> list[_Burst]:
    release = max(threshold - HYSTERESIS, MIN_PROBABILITY)
    bursts: list[_Burst] = []
    speaking = False
    for start, probability in enumerate(probabilities.tolist()):
        start *= window
        if probability >= threshold:
            if not speaking:
                bursts.append(_Burst(start, length, length))
                speaking = True
        elif probability < release and bursts:
            if speaking:
                bursts[-1].end = start
                speaking = False
            bursts[-1].quiet = start
    return bursts


def _utterances(
    bursts: list[_Burst], window: int, length: int, options: TimestampOptions
) -> Iterator[AudioChunk]:
    """Join bursts that are separated by a short silence, drop short ones, split long ones."""
    min_length = _samples(options.min_speech_duration_ms)
    pause = _samples(options.min_silence_duration_ms)
    padding = 2 * _samples(options.speech_pad_ms)
    max_length = max(0, options.max_speech_duration_s * RATE - window - padding)
    start: int | None = None
    split: tuple[int, int] | None = None  # start and end of the last silence that is long enough
    for burst, following in zip_longest(bursts, bursts[1:]):
        if start is None:
            start, split = burst.start, None
        while burst.end - start > max_length:
            if split is None:
                cut = start + (math.floor(max_length / window) + 1) * window
                split = (min(cut, burst.end),) * 2
            yield AudioChunk(start=start, end=split[0])
            start, split = split[1], None
        silence = burst.quiet - burst.end
        if start == burst.end:
            start = None
        elif following is None or silence >= pause:
            # Silence at the end of the audio may be a hesitation: it counts as speech.
            ended = silence >= pause or length - start > max_length
            end = burst.end if ended else length
            if end - start > min_length:
                yield AudioChunk(start=start, end=end)
            start = None
        elif silence > SPLIT_SILENCE:
            split = (burst.end, following.start)


def _padded(chunks: list[AudioChunk], length: int, padding: int) -> list[AudioChunk]:
    """Extend chunks at both ends; chunks that are close share the silence between them."""
    if chunks:
        chunks[0]["start"] = max(0, chunks[0]["start"] - padding)
        chunks[-1]["end"] = min(length, chunks[-1]["end"] + padding)
    for chunk, following in pairwise(chunks):
        share = min(padding, (following["start"] - chunk["end"]) // 2)
        chunk["end"] += share
        following["start"] -= share
    return chunks
