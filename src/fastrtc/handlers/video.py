"""Video functions with options."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .arguments import check_fps

__all__ = ["VideoStreamHandler"]


@dataclass
class VideoStreamHandler:
    """A video function with options.

    Attributes:
        callable: Receives a frame (BGR, ``uint8``, ``(height, width, 3)``) and returns one; in
            ``receive`` mode, a generator of frames. Sync or async.
        fps: Maximum number of frames to send per second; a generator is asked for as many.
        skip_frames: Whether a function that is slower than the camera gets only the newest frame.
            Otherwise a few frames are queued, and a new frame evicts the oldest.

    Raises:
        ValueError: If ``fps`` is not a positive number.
    """

    callable: Callable[..., Any]
    fps: int = 30
    skip_frames: bool = False

    def __post_init__(self) -> None:
        check_fps(self.fps)
