"""The media that a client sends, as aiortc tracks."""

from __future__ import annotations

import asyncio
import fractions
from collections import deque

import av
import numpy as np
from aiortc import MediaStreamTrack
from aiortc.mediastreams import MediaStreamError
from numpy.typing import NDArray

__all__ = ["RATE", "SentAudio", "SentVideo"]

RATE = 48_000
"""Sample rate of the audio to send, in Hz."""

VIDEO_CLOCK = 90_000
"""Units of RTP time of video per second (RFC 7741 section 4.1)."""

MAX_QUEUED = 50
"""Frames of audio that wait for aiortc's sender, 1 s; the oldest are dropped."""


class SentAudio(MediaStreamTrack):
    """The audio to send, as it is pushed."""

    kind = "audio"

    def __init__(self) -> None:
        super().__init__()
        self._frames: deque[NDArray[np.int16]] = deque(maxlen=MAX_QUEUED)
        self._pushed = asyncio.Event()
        self._pts = 0

    def push(self, samples: NDArray[np.int16]) -> None:
        """Queue a frame of shape ``(n,)``."""
        self._frames.append(samples)
        self._pushed.set()

    async def recv(self) -> av.AudioFrame:
        """Return the next frame when there is one."""
        while not self._frames:
            if self.readyState != "live":
                raise MediaStreamError
            self._pushed.clear()
            await self._pushed.wait()
        samples = self._frames.popleft()
        frame = av.AudioFrame.from_ndarray(
            np.ascontiguousarray(samples).reshape(1, -1), format="s16", layout="mono"
        )
        frame.sample_rate = RATE
        frame.pts = self._pts
        frame.time_base = fractions.Fraction(1, RATE)
        self._pts += samples.shape[0]
        return frame


class SentVideo(MediaStreamTrack):
    """The frames to send, one at a time."""

    kind = "video"

    def __init__(self) -> None:
        super().__init__()
        self._image: NDArray[np.uint8] | None = None
        self._pushed, self._taken = asyncio.Event(), asyncio.Event()
        self._started_at: float | None = None
        self._over = False

    async def push(self, image: NDArray[np.uint8]) -> None:
        """Queue a frame, BGR, when the one before it has been taken."""
        while self._image is not None and not self._over:
            self._taken.clear()
            await self._taken.wait()
        self._image = image
        self._pushed.set()

    def end(self) -> None:
        """Release those that wait to push a frame."""
        self._over = True
        self._taken.set()

    async def recv(self) -> av.VideoFrame:
        """Return the next frame when there is one."""
        while (image := self._image) is None:
            self._pushed.clear()
            await self._pushed.wait()
        self._image = None
        self._taken.set()
        now = asyncio.get_running_loop().time()
        if self._started_at is None:
            self._started_at = now
        frame = av.VideoFrame.from_ndarray(image, format="bgr24")
        frame.pts = round((now - self._started_at) * VIDEO_CLOCK)
        frame.time_base = fractions.Fraction(1, VIDEO_CLOCK)
        return frame
