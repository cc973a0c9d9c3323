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

MAX_APART_S = 1.0
"""How far the time of a picture by the audio of the same moment may be from that by its arrival, in
seconds. If it is further, that audio is of before a restart, or the peer reports nonsense."""

STOPPED_S = 1.0
"""After how long without pictures a video has stopped, in seconds: the audio waits no longer."""

ROUNDING_S = 1e-6


class _Waiting(NamedTuple):
    at_s: float
    audio_s: float | None
    frame: Any

    def time_s(self, audio_offset_s: float | None) -> float:
        """Return when it was captured: by the audio of that moment, or by its arrival."""
        if self.audio_s is None or audio_offset_s is None:
            return self.at_s
        time_s = self.audio_s + audio_offset_s
        return time_s if abs(time_s - self.at_s) <= MAX_APART_S else self.at_s


class _Source:
    """The pictures of one side, at the times of their sender's clock.

    Attributes:
        audio_offset_s: What to add to the RTP time of the audio of this side for its time on our
            clock; None if that is unknown.
        late_s: How much later than the audio of its moment the last picture came, in seconds.
        arrival_s: When the last picture came.
        from_s: When the stretch began: pictures that are known to be from before are left out.
    """

    def __init__(self) -> None:
        self._baseline = DelayBaseline()
        self._waiting: deque[_Waiting] = deque(maxlen=MAX_WAITING)
        self._last_s: float | None = None
        self.audio_offset_s: float | None = None
        self.late_s = 0.0
        self.arrival_s = -inf
        self.from_s = -inf

    def add(self, event: Picture) -> None:
        if self._last_s is not None and not 0 <= event.media_s - self._last_s < 5:
            self._baseline = DelayBaseline()  # a new stream
        self._last_s = event.media_s
        self._baseline.add(event.media_s, event.at_s)
        at_s = event.media_s + self._baseline.offset
        waiting = _Waiting(at_s, event.audio_s, event.frame)
        self._waiting.append(waiting)
        self.late_s = at_s - waiting.time_s(self.audio_offset_s)
        self.arrival_s = event.at_s

    def take(self, until_s: float) -> Any:
        """Return the newest frame up to a time; None if there is no new one."""
        frame = None
        while self._waiting and (at_s := self._time_of(self._waiting[0])) <= until_s + ROUNDING_S:
            waiting = self._waiting.popleft()
            if waiting.audio_s is None or at_s >= self.from_s:
                frame = waiting.frame
        return frame

    def drop_from(self, time_s: float) -> None:
        """Drop the frames from a time on."""
        while self._waiting and self._time_of(self._waiting[-1]) >= time_s:
            self._waiting.pop()

    def _time_of(self, waiting: _Waiting) -> float:
        return waiting.time_s(self.audio_offset_s)


class Pictures:
    """Compose the pictures of both sides into frames of one size.

    Each picture is scaled to fit its half and keeps its shape. While a side has none, it is black.
    A picture that tells which audio was captured with it is shown with that audio; others are
    placed by the clock of their sender and the smallest delay of their arrival.

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

    def start(self, began_s: float, at_s: float) -> None:
        """Begin a stretch.

        Args:
            began_s: When the recording began, on the clock of the event loop.
            at_s: When the stretch begins, on the same clock.
        """
        self._began_s = began_s
        for source in self._sources.values():
            source.from_s = at_s
            source.late_s = 0.0

    def late_s(self, now_s: float) -> float:
        """Return how much later than its audio the client's video comes, in seconds.

        Returns:
            0 if it is not later, or has stopped.
        """
        source = self._sources.get("received")
        if source is None or now_s - source.arrival_s > STOPPED_S:
            return 0.0
        return max(0.0, source.late_s)

    def align(self, audio_offset_s: float | None) -> None:
        """Place the client's pictures by its audio, where they tell their place in it.

        Args:
            audio_offset_s: What to add to the RTP time of the audio for its time on the clock of
                the event loop, in seconds; None if that is unknown.
        """
        source = self._sources.get("received")
        if source is not None:
            source.audio_offset_s = audio_offset_s

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
