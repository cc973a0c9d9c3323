"""The audio of a handler's outputs: validation and length."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..audio.convert import as_planar, as_samples, check_dtype
from ..core.errors import HandlerError
from ..core.outputs import split_output
from ..core.rates import check_rate
from ..core.types import Layout

__all__ = ["check_audio", "check_output", "is_nothing", "playable_s", "seconds_of"]

MAX_RATE = 768_000
"""Highest accepted sample rate in Hz: the highest that sound hardware has."""

_PAIR = (tuple, list)
_INT16 = np.dtype(np.int16)


def check_audio(
    rate: object, samples: object, layout: Layout | None = None
) -> tuple[int, NDArray[Any]]:
    """Validate audio of a handler, where its author sees the error.

    Args:
        rate: In Hz: any number with an integral value, at most 768 kHz.
        samples: Mono or stereo, of any real dtype, or bytes: see ``as_samples`` and ``as_planar``.
        layout: How to interpret two channels.

    Returns:
        The rate, and the samples in shape ``(channels, n)``, dtype unchanged.

    Raises:
        HandlerError: If the value is not audio.
    """
    if (  # mostly
        type(samples) is np.ndarray
        and samples.dtype == _INT16
        and (samples.ndim == 1 or samples.ndim == 2 and samples.shape[0] == 1)
        and layout is None
        and type(rate) is int
        and 0 < rate <= MAX_RATE
    ):
        return rate, samples.reshape(1, -1)
    try:
        whole = check_rate(rate, "The sample rate of audio")
    except ValueError as error:
        raise HandlerError(str(error)) from None
    if whole > MAX_RATE:
        raise HandlerError(f"The sample rate of audio must be at most {MAX_RATE} Hz, not {rate}")
    try:
        planar = as_planar(as_samples(samples), layout)
        check_dtype(planar.dtype)
    except (TypeError, ValueError) as error:
        raise HandlerError(f"This is not audio: {error}") from error
    return whole, planar


def check_output(media: object) -> tuple[int, NDArray[Any]]:
    """Validate the media of a handler's output; see ``check_audio``.

    Args:
        media: ``(rate, samples)`` or ``(rate, samples, layout)``, as a tuple or a list.

    Raises:
        HandlerError: If the value is not audio.
    """
    if not isinstance(media, _PAIR) or not 2 <= len(media) <= 3:
        shown = type(media).__name__
        if isinstance(media, _PAIR):
            shown = f"a {shown} of {len(media)}"
        raise HandlerError(
            "Audio must be given as (sample_rate, samples) or "
            f"(sample_rate, samples, layout), not {shown}"
        )
    return check_audio(*media)


def seconds_of(media: object) -> float:
    """Return the length of the audio of an output, in seconds.

    Raises:
        HandlerError: If it cannot be played.
    """
    rate, samples = check_output(media)
    return float(samples.shape[1] / rate)


def playable_s(output: object) -> float:
    """Return the length of the audio of an output, in seconds; 0 if it cannot be played."""
    try:
        return seconds_of(split_output(output)[0])
    except HandlerError:
        return 0.0


def is_nothing(output: Any) -> bool:
    """Return whether it is None, or audio without samples, which some handlers give instead."""
    media, other = split_output(output)
    if isinstance(media, tuple | list) and len(media) > 1:
        return other is None and _is_empty(media[1])
    return other is None and media is None


def _is_empty(samples: Any) -> bool:
    if isinstance(samples, np.ndarray):
        return samples.size == 0
    try:
        return as_samples(samples).size == 0
    except (TypeError, ValueError):  # invalid: reported when it is played
        return False
