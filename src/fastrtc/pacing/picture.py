"""Video frames as arrays, and back."""

from __future__ import annotations

from typing import Any

import numpy as np
from av import VideoFrame
from numpy.typing import NDArray

from ..core.errors import HandlerError

__all__ = ["to_array", "to_frame"]

_FORMATS = {1: "gray8", 3: "bgr24", 4: "bgra"}


def to_array(frame: VideoFrame) -> NDArray[np.uint8]:
    """Give the picture of a frame: BGR, ``uint8``, shape ``(height, width, 3)``."""
    picture: NDArray[np.uint8] = frame.to_ndarray(format="bgr24")  # type: ignore[assignment]
    return picture


def to_frame(picture: Any) -> VideoFrame:
    """Make a frame of a picture.

    Args:
        picture: BGR or BGRA, ``uint8``, shape ``(height, width, 3)`` or ``(..., 4)``; or
            grey, ``(height, width)``.

    Returns:
        The frame. An odd height or width is made even by repeating the last row or column.

    Raises:
        HandlerError: If it is no picture.
    """
    array = np.asarray(picture)
    channels = 1 if array.ndim == 2 else array.shape[-1] if array.ndim == 3 else 0
    if array.dtype != np.uint8 or channels not in _FORMATS or 0 in array.shape:
        raise HandlerError(
            "A video frame must be a uint8 array of shape (height, width, 3), "
            f"not {array.dtype} of shape {array.shape}"
        )
    if channels == 1:
        array = array.reshape(array.shape[:2])
    if array.shape[0] % 2 or array.shape[1] % 2:  # H.264 refuses odd sizes: repeat the last line
        odd = [(0, length % 2) for length in array.shape[:2]]
        array = np.pad(array, odd + [(0, 0)] * (array.ndim - 2), mode="edge")
    frame = VideoFrame.from_ndarray(np.ascontiguousarray(array), format=_FORMATS[channels])
    # VP8 and H.264 want this format; here, in the handler's thread, the conversion is free
    return frame.reformat(format="yuv420p")
