"""What a handler may give back besides media."""

from __future__ import annotations

from typing import Any

__all__ = ["AdditionalOutputs", "CloseStream", "split_output"]


class AdditionalOutputs:
    """Values for the program or the page, given beside the media.

    Args:
        *args: The values, in the order of the output components.
    """

    def __init__(self, *args: Any) -> None:
        self.args = args

    def __repr__(self) -> str:
        """Show the values."""
        return f"AdditionalOutputs({', '.join(map(repr, self.args))})"


class CloseStream:
    """Given back by a handler to end its connection once what was said is played.

    Args:
        msg: The reason, which the client gets in an ``end_stream`` message.
    """

    def __init__(self, msg: str = "Stream closed") -> None:
        self.msg = msg


def split_output(data: Any) -> tuple[Any, AdditionalOutputs | CloseStream | None]:
    """Separate what a handler gave back into media and the rest.

    Args:
        data: Media; ``AdditionalOutputs`` or ``CloseStream`` alone; or a pair of
            media and one of them.

    Returns:
        The media (None if there is none) and the rest (None if there is none).
    """
    if isinstance(data, AdditionalOutputs | CloseStream):
        return None, data
    if (
        isinstance(data, tuple)
        and len(data) == 2
        and isinstance(data[1], AdditionalOutputs | CloseStream)
    ):
        return data[0], data[1]
    return data, None
