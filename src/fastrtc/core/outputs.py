"""Outputs of a handler other than media."""

from __future__ import annotations

from numbers import Number
from typing import Any, TypeAlias

from .transcript import Transcript

__all__ = [
    "DELIVERED",
    "AdditionalOutputs",
    "CloseStream",
    "Delivered",
    "is_output",
    "split_output",
]


class AdditionalOutputs:
    """Values for the program or the page, returned or yielded besides media.

    Args:
        *args: The values, in the order of the output components.
    """

    def __init__(self, *args: object) -> None:
        self.args = args

    def __repr__(self) -> str:
        """Return a representation with the values."""
        return f"AdditionalOutputs({', '.join(map(repr, self.args))})"


class CloseStream:
    """Output of a handler that ends its connection after the queued audio has been played.

    Args:
        msg: The reason, which the client gets in an ``end_stream`` message.
    """

    def __init__(self, msg: str = "Stream closed") -> None:
        self.msg = msg


Delivered: TypeAlias = AdditionalOutputs | Transcript
"""What a handler gives for the program or the client, besides media."""

DELIVERED = (AdditionalOutputs, Transcript)
"""The same, for ``isinstance``."""

_OTHER = (*DELIVERED, CloseStream)
_PAIR = (tuple, list)


def split_output(data: Any) -> tuple[Any, Delivered | CloseStream | None]:
    """Separate an output of a handler into media and the rest.

    Args:
        data: Media; ``AdditionalOutputs``, ``Transcript`` or ``CloseStream`` alone; or a pair of
            media and one of them, as a tuple or a list.

    Returns:
        The media (None if there is none) and the rest (None if there is none).
    """
    if isinstance(data, _PAIR):
        if len(data) == 2 and isinstance(data[1], _OTHER):
            return data[0], data[1]
    elif isinstance(data, _OTHER):
        return None, data
    return data, None


def is_output(value: object) -> bool:
    """Return whether a value looks like one output rather than a generator of outputs.

    It detects a ``return`` in place of a ``yield``: ``(rate, samples)`` and a picture can be
    iterated, too, but their items are not outputs.
    """
    if isinstance(value, _OTHER):
        return True
    if isinstance(value, _PAIR):
        if isinstance(value, tuple) and split_output(value)[1] is not None:
            return True
        return len(value) in (2, 3) and isinstance(value[0], Number)
    if isinstance(value, str | bytes | bytearray | memoryview) or hasattr(value, "to_ndarray"):
        return True
    if hasattr(value, "__array__") or hasattr(value, "__array_interface__"):
        return getattr(value, "ndim", 0) <= 3  # with one more axis it may be a row of pictures
    return False
