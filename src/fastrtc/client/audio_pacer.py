"""Sending of audio in real time, with silence in between and backpressure."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..audio.converter import AudioConverter
from ..audio.fifo import SampleFifo
from ..core.rates import FRAME_S

__all__ = ["AudioPacer", "Samples"]

Samples: TypeAlias = "NDArray[np.int16] | NDArray[np.float32]"
"""Audio samples, shape ``(n,)`` or ``(channels, n)``."""

MAX_QUEUED_S = 0.2
"""How much audio may be queued before ``push`` waits, in seconds."""

MAX_LATE_S = 0.5
"""A clock that is later than this, in seconds, starts again: the audio of a suspended process is
not sent in a burst."""


class AudioPacer:
    """Send frames of 20 ms in real time.

    Args:
        rate: Sample rate of the frames in Hz.
        send: Sends a frame of shape ``(n,)``.
        paced: Whether a frame is sent every 20 ms, of silence if nothing is queued. Otherwise
            each frame is sent when it is pushed.
    """

    def __init__(
        self, rate: int, send: Callable[[NDArray[np.int16]], Awaitable[None]], *, paced: bool
    ) -> None:
        self._rate = rate
        self._send = send
        self._paced = paced
        self._frame = round(rate * FRAME_S)
        self._converter = AudioConverter(rate, 1)
        self._fifo = SampleFifo(1)
        self._taken = asyncio.Event()
        self._stopped = False

    async def push(self, rate: int, samples: Samples) -> None:
        """Queue audio, and wait until no more than ``MAX_QUEUED_S`` of it is queued.

        Args:
            rate: Sample rate in Hz.
            samples: Shape ``(n,)`` or ``(channels, n)``.

        Raises:
            ValueError: If the rate or the shape is invalid.
            TypeError: If the dtype is not a real number.
        """
        self._fifo.push(self._converter.convert(rate, samples))
        if not self._paced:
            await self._send_queued()
        await self._wait_for(MAX_QUEUED_S)

    async def drain(self) -> None:
        """Wait until all queued audio has been sent; an incomplete frame is padded."""
        self._fifo.push(self._converter.flush())
        if len(self._fifo) % self._frame:
            padding = self._frame - len(self._fifo) % self._frame
            self._fifo.push(np.zeros((1, padding), np.int16))
        if not self._paced:
            await self._send_queued()
        await self._wait_for(0.0)

    def clear(self) -> None:
        """Drop the queued audio."""
        self._fifo = SampleFifo(1)
        self._converter.clear()
        self._taken.set()

    def stop(self) -> None:
        """Release those that wait."""
        self._stopped = True
        self._taken.set()

    async def run(self) -> None:
        """Send frames in real time, if this is paced."""
        if not self._paced:
            return
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            await self._send(self._next())
            self._taken.set()
            due += FRAME_S
            if loop.time() > due + MAX_LATE_S:
                due = loop.time()
            await asyncio.sleep(max(0.0, due - loop.time()))

    def _next(self) -> NDArray[np.int16]:
        if len(self._fifo) >= self._frame:
            frame: NDArray[np.int16] = self._fifo.pop(self._frame)[0]
            return frame
        return np.zeros(self._frame, np.int16)

    async def _send_queued(self) -> None:
        while len(self._fifo) >= self._frame:
            await self._send(self._next())

    async def _wait_for(self, seconds: float) -> None:
        while len(self._fifo) >= max(self._frame, seconds * self._rate) and not self._stopped:
            self._taken.clear()
            await self._taken.wait()
