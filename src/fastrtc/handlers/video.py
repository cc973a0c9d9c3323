"""A video function with its options."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .arguments import check_fps

__all__ = ["VideoStreamHandler"]


@dataclass
class VideoStreamHandler:
    """A video function with its options.

    Attributes:
        callable: Takes a frame (BGR, ``uint8``, ``(height, width, 3)``) and gives one; in
            ``receive`` mode, a generator of frames. Sync or async.
        fps: How many frames it sends per second at most; a generator is asked for just as many.
        skip_frames: Whether it gets only the newest frame when it is slower than the
            camera. Otherwise a few frames wait for it, and the oldest is dropped.

    Raises:
        ValueError: If ``fps`` is not a positive number.
    """

    callable: Callable[..., Any]
    fps: int = 30
    skip_frames: bool = False

    def __post_init__(self) -> None:
        check_fps(self.fps)
