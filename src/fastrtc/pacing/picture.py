"""Conversion between video frames and arrays."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
from av import VideoFrame
from numpy.typing import NDArray

from ..core.errors import HandlerError

__all__ = ["is_picture", "to_array", "to_frame"]

_FORMATS = {1: "gray8", 3: "bgr24", 4: "bgra"}


def to_array(frame: VideoFrame) -> NDArray[np.uint8]:
    """Return a frame as BGR, ``uint8``, shape ``(height, width, 3)``."""
    picture: NDArray[np.uint8] = frame.to_ndarray(format="bgr24")  # type: ignore[assignment]
    return picture


def is_picture(value: object) -> bool:
    """Return whether a value is an array, a tensor or an image that ``to_frame`` may accept."""
    return hasattr(value, "__array__") or hasattr(value, "__array_interface__")


def to_frame(picture: Any) -> VideoFrame:
    """Convert a picture to a frame.

    Args:
        picture: An array, or an object that NumPy reads as one: BGR or BGRA, ``uint8``, shape
            ``(height, width, 3)`` or ``(..., 4)``; or gray, ``(height, width)``, ``uint8`` or
            ``bool`` (black and white). Or a Pillow image, whose color channels are converted. The
            fourth channel is ignored.

    Returns:
        The frame. An odd height or width is made even by repeating the last row or column.

    Raises:
        HandlerError: If the value is not a picture.
    """
    array = _as_array(picture)
    if array.dtype == np.bool_:
        array = array.astype(np.uint8) * np.uint8(255)
    channels = 1 if array.ndim == 2 else array.shape[-1] if array.ndim == 3 else 0
    if array.dtype != np.uint8 or channels not in _FORMATS or 0 in array.shape:
        what = f"{array.dtype} of shape {array.shape}"
        if array.dtype.kind in "iuf" and array.dtype != np.uint8:
            what += ": scale it to 0 to 255 and convert it with astype(np.uint8)"
        raise _not_a_picture(what)
    if channels == 1:
        array = array.reshape(array.shape[:2])
    if array.shape[0] % 2 or array.shape[1] % 2:  # H.264 refuses odd sizes: repeat the last line
        odd = [(0, length % 2) for length in array.shape[:2]]
        array = np.pad(array, odd + [(0, 0)] * (array.ndim - 2), mode="edge")
    frame = VideoFrame.from_ndarray(np.ascontiguousarray(array), format=_FORMATS[channels])
    # VP8 and H.264 want this format; here, in the handler's thread, the conversion is free
    return frame.reformat(format="yuv420p")


def _as_array(picture: Any) -> NDArray[Any]:
    if type(picture) is np.ndarray:
        return picture
    pillow = sys.modules.get("PIL.Image")  # imported already if the value is an image
    try:
        if pillow is not None and isinstance(picture, pillow.Image):
            return _of_image(picture)
        if isinstance(picture, np.ma.MaskedArray):
            return np.ma.filled(picture, 0)
        if is_picture(picture) or isinstance(picture, memoryview):
            return np.asarray(picture)
    except HandlerError:
        raise
    except Exception as error:  # of any type: it is the code of another library
        name = type(picture).__name__
        raise _not_a_picture(f"{name}, which gives no array: {error}") from error
    raise _not_a_picture(type(picture).__name__)


def _of_image(image: Any) -> NDArray[Any]:
    """Return the colors of a Pillow image as BGR."""
    if image.mode.startswith(("I", "F")):  # without a highest value that all programs agree on
        raise _not_a_picture(f"an image of the mode {image.mode}: convert it to RGB or L")
    return np.asarray(image.convert("RGB"))[..., ::-1]


def _not_a_picture(what: str) -> HandlerError:
    return HandlerError(
        "A video frame must be a uint8 array of shape (height, width, 3), or an image of Pillow, "
        f"not {what}"
    )
