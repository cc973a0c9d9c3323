"""When speech ended, to a few milliseconds: by the level of the audio around the detected end."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["LAST_S", "speech_end_s"]

BLOCK_S = 0.005
"""The resolution, in seconds."""

BEFORE_S, AFTER_S = 0.3, 0.1
"""How far before and after the detected end the real one is looked for, in seconds. A model that
judges windows of 32 ms notes the end up to two of them late, and misses faint endings."""

REFERENCE_S = 1.0
"""The length of the speech whose loudest blocks are the reference, in seconds."""

LAST_S = REFERENCE_S + AFTER_S
"""How much of the end of an utterance is looked at if the detected end is unknown, in seconds."""

RANGE = 10 ** (-32 / 20)
"""The level of the faintest sound of speech, relative to its loudest blocks: -32 dB."""

OVER_NOISE = 2.5
"""How much louder than the noise after it the end of speech is: 8 dB."""

MIN_LEVEL = 40.0
"""The level of the faintest sound, RMS of ``int16`` samples: -58 dB of full scale."""


def speech_end_s(
    samples: NDArray[np.int16], rate: int, detected_s: float | None = None, channels: int = 1
) -> float:
    """Return when the speech in audio ended.

    Args:
        samples: An utterance with the pause after it, ``int16``, of any shape; several channels are
            interleaved.
        rate: Sample rate in Hz.
        detected_s: Where the speech ended according to the turn detection, in seconds before the
            end of the audio; None if that is unknown.
        channels: The number of channels.

    Returns:
        Seconds before the end of the audio, from 0 to its length.
    """
    size = max(1, round(BLOCK_S * rate)) * channels
    flat = samples.reshape(-1)
    most = LAST_S + (detected_s or 0.0)
    flat = flat[-(round(most * rate) * channels) :]
    count = flat.size // size
    fallback = detected_s or 0.0
    if not count:
        return fallback
    blocks = flat[flat.size - count * size :].reshape(count, size).astype(np.float32)
    levels = np.sqrt(np.mean(blocks * blocks, axis=1))
    first, last = 0, count
    noise = float(np.quantile(levels, 0.1))
    if detected_s is not None:
        end = count - round(detected_s / BLOCK_S)
        first, last = end - round(BEFORE_S / BLOCK_S), end + round(AFTER_S / BLOCK_S)
        after = levels[min(max(end + 6, 0), count) :]
        noise = float(np.median(after)) if after.size else noise
    loud = float(np.quantile(levels, 0.95))
    threshold = max(RANGE * loud, OVER_NOISE * noise, MIN_LEVEL)
    first, last = max(first, 0), min(max(last, 0), count)
    sound = np.flatnonzero(levels[first:last] >= threshold)
    if not sound.size:
        return fallback
    return (count - first - int(sound[-1]) - 1) * BLOCK_S
