"""Validate arguments of handlers when they are constructed, so that the traceback points there."""

from __future__ import annotations

import math
from numbers import Real

from ..core.rates import FRAMES_PER_SECOND, check_rate

__all__ = ["check_fps", "check_input_rate", "check_output_rate"]


def check_input_rate(rate: object) -> int:
    """Return ``input_sample_rate`` as an ``int``.

    Args:
        rate: In Hz: any number with an integral value, at least 50.

    Raises:
        ValueError: If the rate is invalid.
    """
    whole = check_rate(rate, "input_sample_rate")
    if whole < FRAMES_PER_SECOND:
        raise ValueError(
            f"input_sample_rate must be at least {FRAMES_PER_SECOND}, for a sample in 20 ms, "
            f"not {whole}"
        )
    return whole


def check_output_rate(rate: object) -> int:
    """Return ``output_sample_rate`` as an ``int``.

    Args:
        rate: In Hz: any number with an integral value that is a multiple of 50.

    Raises:
        ValueError: If the rate is invalid.
    """
    whole = check_rate(rate, "output_sample_rate")
    if whole % FRAMES_PER_SECOND:
        raise ValueError(
            f"output_sample_rate must be a multiple of {FRAMES_PER_SECOND}, not {whole}"
        )
    return whole


def check_fps(fps: object) -> float:
    """Return a frame rate unchanged.

    Args:
        fps: A number above 0, of any real type.

    Raises:
        ValueError: If it is not a positive number.
    """
    number = math.nan if isinstance(fps, bool) or not isinstance(fps, Real) else float(fps)
    if not 0 < number < math.inf:
        raise ValueError(f"fps must be a positive number, not {fps!r}")
    return fps  # type: ignore[return-value]
