"""The pictures of both sides, side by side, at a fixed rate. No I/O, no clock."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from math import inf
from typing import Any, NamedTuple

import numpy as np
from av import VideoFrame
from av.video.reformatter import VideoReformatter
from numpy.typing import NDArray

from .baseline import DelayBaseline
from .events import Picture, Side

__all__ = ["Pictures"]

BLACK = (16, 128, 128)
"""Black in Y, U and V of limited range."""

MAX_WAITING = 100
"""Pictures of one side that wait for their time; the oldest are dropped."""


ROUNDING_S = 1e-6


class _Waiting(NamedTuple):
    at_s: float
    frame: Any


class _Source:
    """The pictures of one side, at the times of their sender's clock."""

    def __init__(self) -> None:
        self._baseline = DelayBaseline()
        self._waiting: deque[_Waiting] = deque(maxlen=MAX_WAITING)
        self._last_s: float | None = None

    def add(self, event: Picture) -> None:
        if self._last_s is not None and not 0 <= event.media_s - self._last_s < 5:
            self._baseline = DelayBaseline()  # a new stream
        self._last_s = event.media_s
        self._baseline.add(event.media_s, event.at_s)
        self._waiting.append(_Waiting(event.media_s + self._baseline.offset, event.frame))

    def take(self, until_s: float) -> Any:
        """Return the newest frame up to a time; None if there is no new one."""
        frame = None
        while self._waiting and self._waiting[0].at_s <= until_s + ROUNDING_S:
            frame = self._waiting.popleft().frame
        return frame

    def drop_from(self, time_s: float) -> None:
        """Drop the frames from a time on."""
        while self._waiting and self._waiting[-1].at_s >= time_s:
            self._waiting.pop()


class Pictures:
    """Compose the pictures of both sides into frames of one size.

    Each picture is scaled to fit its half and keeps its shape. While a side has none, it is black.

    Args:
        sides: The sides with video, from left to right.
        size: Width and height of one side in pixels, even numbers.
        fps: Frames per second.
    """

    def __init__(self, sides: Sequence[Side], size: tuple[int, int], fps: int) -> None:
        self.fps = fps
        self.width, self.height = size[0] * len(sides), size[1]
        self._size = size
        self._sources = {side: _Source() for side in sides}
        self._reformatter = VideoReformatter()
        self._began_s = 0.0
        self._count = 0  # the number of the next frame
        self._blank_from_s = inf
        self._is_blank = False  # since a stop: a frame per second is enough
        shape = (self.height, self.width)
        halves = (self.height // 2, self.width // 2)
        self._planes = [
            np.full(shape if plane == 0 else halves, BLACK[plane], np.uint8) for plane in range(3)
        ]

    def start(self, began_s: float) -> None:
        """Begin a stretch; the recording began at a time on the clock of the event loop."""
        self._began_s = began_s

    def add(self, event: Picture) -> None:
        """Add a picture of one side."""
        source = self._sources.get(event.side)
        if source is not None:
            source.add(event)

    def stop(self, at_s: float) -> None:
        """Show black from a time on, until the next picture of a new stretch."""
        for source in self._sources.values():
            source.drop_from(at_s)
        self._blank_from_s = at_s

    def frames(self, until_s: float) -> Iterator[VideoFrame]:
        """Yield the frames up to a position in the recording, in seconds; ``pts`` counts them.

        Each is a new ``yuv420p`` frame, with the picture that is newest in its middle.
        """
        while self._count / self.fps < until_s:
            self._update(self._began_s + (self._count + 0.5) / self.fps)
            frame = self._frame()
            frame.pts = self._count
            yield frame
            whole_second = self._count + self.fps
            skips = self._is_blank and whole_second / self.fps < until_s
            self._count = whole_second if skips else self._count + 1

    def _update(self, now_s: float) -> None:
        if now_s >= self._blank_from_s:
            for source in self._sources.values():
                source.take(self._blank_from_s)
            for plane, black in zip(self._planes, BLACK, strict=True):
                plane[:] = black
            self._blank_from_s, self._is_blank = inf, True
        for index, source in enumerate(self._sources.values()):
            frame = source.take(now_s)
            if frame is not None:
                self._draw(index, frame)
                self._is_blank = False

    def _draw(self, index: int, frame: Any) -> None:
        """Draw a picture into its half, in the middle."""
        most_width, most_height = self._size
        scale = min(most_width / frame.width, most_height / frame.height)
        width = max(2, int(frame.width * scale) // 2 * 2)
        height = max(2, int(frame.height * scale) // 2 * 2)
        # a reformatter of our own: that of the frame is used by its encoder, in another thread
        scaled = self._reformatter.reformat(frame, width, height, format="yuv420p")
        left = (index * most_width + (most_width - width) // 2) // 2 * 2
        top = (most_height - height) // 2 // 2 * 2
        for plane, source in enumerate(scaled.planes):
            by = 1 if plane == 0 else 2
            target = self._planes[plane]
            half = slice(index * most_width // by, (index + 1) * most_width // by)
            if (width, height) != self._size:
                target[:, half] = BLACK[plane]
            picture = _pixels(source)[: height // by, : width // by]
            target[top // by : top // by + height // by, left // by : left // by + width // by] = (
                picture
            )

    def _frame(self) -> VideoFrame:
        frame = VideoFrame(self.width, self.height, "yuv420p")
        for plane, source in zip(frame.planes, self._planes, strict=True):
            _pixels(plane)[: source.shape[0], : source.shape[1]] = source
        return frame


def _pixels(plane: Any) -> NDArray[np.uint8]:
    """Return the bytes of a plane, shape ``(height, line size)``; not a copy."""
    return np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)
