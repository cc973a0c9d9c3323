"""The length of a frame of audio, and sample rates as programs pass them."""

from __future__ import annotations

import operator
import reprlib
from typing import SupportsInt

import numpy as np

__all__ = ["FRAMES_PER_SECOND", "FRAME_S", "check_rate"]

FRAME_S = 0.02
"""Length of a frame of audio in seconds: the default of Opus (RFC 7587 section 4.2) and Twilio."""

FRAMES_PER_SECOND = 50
"""Frames of audio per second; an output rate must be a multiple of this."""


def check_rate(rate: object, name: str = "The sample rate") -> int:
    """Return a sample rate as an ``int``.

    Args:
        rate: In Hz: any number with an integral value, including floats, NumPy numbers and
            zero-dimensional arrays.
        name: The name of the value in errors.

    Raises:
        ValueError: If the rate is not a positive integer.
    """
    whole = rate if type(rate) is int else _whole(rate)
    if whole is None or whole <= 0:
        raise ValueError(f"{name} must be a positive integer, in Hz, not {reprlib.repr(rate)}")
    return whole


def _whole(rate: object) -> int | None:
    dimensions = getattr(rate, "ndim", 0)
    if isinstance(rate, bool | np.bool_ | str | bytes | bytearray) or dimensions != 0:
        return None
    try:
        return operator.index(rate)  # type: ignore[arg-type]
    except TypeError:  # no integer type; perhaps an integral value
        pass
    try:
        whole = int(rate) if isinstance(rate, SupportsInt) else None
    except (TypeError, ValueError, ArithmeticError):  # such as of NaN, or of infinity
        return None
    return whole if whole == rate else None
