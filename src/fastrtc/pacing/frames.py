"""Video frames that wait: for a handler, or for their moment to be sent."""

from __future__ import annotations

from collections import deque
from fractions import Fraction
from typing import Generic, TypeVar

from ..core.alarm import Alarm

__all__ = ["FrameClock", "FrameQueue"]

T = TypeVar("T")


class FrameQueue(Generic[T]):
    """A few frames that wait; a new one pushes out the oldest.

    Args:
        size: How many wait at most; 1 keeps just the newest.
    """

    def __init__(self, size: int) -> None:
        self._frames: deque[T] = deque(maxlen=size)
        self._put = Alarm()
        self._taken = Alarm()
        self.dropped = 0

    def put(self, frame: T) -> None:
        """Add a frame; never waits."""
        if len(self._frames) == self._frames.maxlen:
            self.dropped += 1
        self._frames.append(frame)
        self._put.ring()

    async def put_wait(self, frame: T) -> None:
        """Add a frame once there is room."""
        while len(self._frames) == self._frames.maxlen:
            await self._taken.wait()
        self.put(frame)

    async def ready(self) -> None:
        """Wait until there is a frame."""
        while not self._frames:
            await self._put.wait()

    async def get(self) -> T:
        """Take the oldest frame, waiting for one."""
        await self.ready()
        frame = self._frames.popleft()
        self._taken.ring()
        return frame

    async def empty(self) -> None:
        """Wait until all frames are taken."""
        while self._frames:
            await self._taken.wait()


class FrameClock:
    """Says when frames may leave so that there are no more than ``fps`` a second.

    A frame may come a little before its moment, so that a camera whose frames jitter
    around the same rate loses none.

    Args:
        fps: Frames per second.
    """

    CLOCK_RATE = 90000
    """Ticks per second of an RTP timestamp of video (RFC 3551 section 5)."""

    TIME_BASE = Fraction(1, CLOCK_RATE)
    """Unit of what ``stamp`` gives, in seconds."""

    def __init__(self, fps: float) -> None:
        self._interval = 1 / fps
        self._due: float | None = None
        self._start: float | None = None

    def due(self, now: float) -> float:
        """When the next frame may leave."""
        return now if self._due is None else max(now, self._due)

    def stamp(self, now: float) -> int:
        """Count a frame that leaves now, and give its RTP timestamp."""
        if self._due is None or self._start is None:
            self._start = self._due = now
        # half an interval of lateness is made up for, not more: no bursts after a pause
        at = max(self._due, now - self._interval / 2)
        self._due = at + self._interval
        return round((at - self._start) * self.CLOCK_RATE)
