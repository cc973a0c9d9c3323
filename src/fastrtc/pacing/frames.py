"""Queue and clock of video frames."""

from __future__ import annotations

from collections import deque
from fractions import Fraction
from typing import Generic, TypeVar

from ..core.timed_event import TimedEvent

__all__ = ["FrameClock", "FrameQueue"]

T = TypeVar("T")


class FrameQueue(Generic[T]):
    """A short queue of frames; a new frame evicts the oldest.

    Args:
        size: Capacity; 1 keeps only the newest frame.
    """

    def __init__(self, size: int) -> None:
        self._frames: deque[T] = deque(maxlen=size)
        self._put = TimedEvent()
        self._taken = TimedEvent()
        self.dropped = 0

    def put(self, frame: T) -> None:
        """Append a frame without waiting."""
        if len(self._frames) == self._frames.maxlen:
            self.dropped += 1
        self._frames.append(frame)
        self._put.ring()

    async def put_wait(self, frame: T) -> None:
        """Wait for room and append a frame."""
        while len(self._frames) == self._frames.maxlen:
            await self._taken.wait()
        self.put(frame)

    async def ready(self) -> None:
        """Wait until the queue has a frame."""
        while not self._frames:
            await self._put.wait()

    async def get(self) -> T:
        """Wait for a frame, and remove and return the oldest."""
        await self.ready()
        frame = self._frames.popleft()
        self._taken.ring()
        return frame

    async def empty(self) -> None:
        """Wait until the queue is empty."""
        while self._frames:
            await self._taken.wait()


class FrameClock:
    """Limit the frame rate to ``fps``.

    A frame may be sent slightly early, so that no frame of a camera with a jittering interval is
    lost.

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
        """Return the time from which the next frame may be sent."""
        return now if self._due is None else max(now, self._due)

    def stamp(self, now: float) -> int:
        """Record a frame that is sent now, and return its RTP timestamp."""
        if self._due is None or self._start is None:
            self._start = self._due = now
        # catch up by at most half an interval: no bursts after a pause
        at = max(self._due, now - self._interval / 2)
        self._due = at + self._interval
        return round((at - self._start) * self.CLOCK_RATE)
