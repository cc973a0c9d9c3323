"""Audio of the client on its way to the handler's ``receive``."""

from __future__ import annotations

import logging
from collections import deque

import numpy as np
from numpy.typing import NDArray

from ..audio.converter import AudioConverter
from ..core.alarm import Alarm
from ..handlers.base import StreamHandlerBase
from ..handlers.invoke import Invoker

__all__ = ["AudioInbound"]

logger = logging.getLogger(__name__)

BACKLOG_S = 30.0
"""How much audio waits for a handler that is slow, such as one that loads a model first.

What comes later pushes out the oldest: 30 s of 48 kHz mono are 3 MB.
"""


class AudioInbound:
    """Brings the client's audio to the rate and layout of a handler and feeds it.

    ``push`` is called on the event loop and never waits; ``receive`` runs in a task or a
    thread of the connection, one call at a time.

    Args:
        handler: Whose ``receive`` is called.
        invoker: Runs it.
        flat: Whether samples have the shape ``(n,)`` rather than ``(1, n)``.
    """

    def __init__(self, handler: StreamHandlerBase, invoker: Invoker, *, flat: bool = False) -> None:
        self._rate = handler.input_sample_rate
        self._receive = handler.receive  # type: ignore[attr-defined]
        self._invoker = invoker
        self._shape = (-1,) if flat else (1, -1)
        channels = 2 if handler.expected_layout == "stereo" else 1
        self._converter = AudioConverter(self._rate, channels)
        self._frames: deque[NDArray[np.int16]] = deque()
        self._alarm = Alarm()
        self._samples_waiting = 0
        self._most_waiting = round(BACKLOG_S * self._rate)
        self._dropped = 0

    def push(self, rate: int, samples: NDArray[np.int16]) -> None:
        """Take audio of the client.

        Args:
            rate: Its sample rate in Hz.
            samples: Shape ``(channels, n)``.
        """
        planar = self._converter.convert(rate, samples)
        if planar.shape[1] == 0:
            return
        packed = planar.T if planar.shape[0] > 1 else planar
        self._enqueue(np.ascontiguousarray(packed).reshape(self._shape))

    def silence(self) -> tuple[int, NDArray[np.int16]]:
        """Give 20 ms of silence in the form that ``receive`` gets."""
        samples = np.zeros(self._converter.channels * self._rate // 50, np.int16)
        return self._rate, samples.reshape(self._shape)

    def _enqueue(self, frame: NDArray[np.int16]) -> None:
        self._frames.append(frame)
        self._samples_waiting += frame.size
        while self._samples_waiting > self._most_waiting and len(self._frames) > 1:
            self._samples_waiting -= self._frames.popleft().size
            self._dropped += 1
            if self._dropped == 1:
                logger.warning(
                    "receive() is more than %.0f s behind: the oldest audio is dropped", BACKLOG_S
                )
        self._alarm.ring()

    async def run(self) -> None:
        """Feed the handler for as long as the connection lasts.

        Raises:
            Exception: What ``receive`` raises.
        """
        while True:
            while self._frames:
                frame = self._frames.popleft()
                self._samples_waiting -= frame.size
                await self._invoker.call("receive", self._receive, (self._rate, frame))
            await self._alarm.wait()
