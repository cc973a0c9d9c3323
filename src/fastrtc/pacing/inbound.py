"""Audio of the client on its way to the handler's ``receive``."""

from __future__ import annotations

import logging
import queue
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ..audio.converter import AudioConverter
from ..core.alarm import Alarm
from ..handlers.base import StreamHandlerBase
from ..handlers.invoke import Invoker, is_async

__all__ = ["AudioInbound"]

logger = logging.getLogger(__name__)

BACKLOG_S = 30.0
"""How much audio waits for a handler that is slow, such as one that loads a model first.

What comes later pushes out the oldest: 30 s of 48 kHz mono are 3 MB.
"""


MOST_FRAMES = 12_000
"""How many pieces wait at most: as much audio in pieces of 2.5 ms. Each costs memory of its own."""


class AudioInbound:
    """Brings the client's audio to the rate and layout of a handler and feeds it.

    ``push`` is called on the event loop and never waits; ``receive`` runs in a task or a
    thread of the connection, one call at a time.

    Args:
        handler: Whose ``receive`` is called.
        invoker: Runs it.
        flat: Whether samples have the shape ``(n,)`` rather than ``(1, n)``.

    Attributes:
        receiving: Whether a sync ``receive`` is running, or blocked, at this moment.
        on_received: Called when ``receive`` has taken a frame, where it ran: on the loop
            if it is async, else in its thread.
    """

    def __init__(self, handler: StreamHandlerBase, invoker: Invoker, *, flat: bool = False) -> None:
        self._rate = handler.input_sample_rate
        self._receive = handler.receive  # type: ignore[attr-defined]
        self._invoker = invoker
        self._shape = (-1,) if flat else (1, -1)
        channels = 2 if handler.expected_layout == "stereo" else 1
        self._converter = AudioConverter(self._rate, channels)
        self._frames: queue.SimpleQueue[NDArray[np.int16] | None] = queue.SimpleQueue()
        self._alarm = Alarm()
        self._pushed = self._taken = 0  # samples; the second is counted by whoever feeds
        self._stopped = False
        self.receiving = False
        self.on_received: Callable[[], None] = _nothing
        self._most_waiting = round(BACKLOG_S * self._rate * channels)
        self._dropped = 0

    def push(self, rate: int, samples: NDArray[np.int16]) -> None:
        """Take audio of the client.

        Args:
            rate: Its sample rate in Hz.
            samples: Shape ``(channels, n)``.
        """
        if self._stopped:
            return
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
        self._frames.put(frame)
        self._pushed += frame.size
        while (
            self._pushed - self._taken > self._most_waiting and self._frames.qsize() > 1
        ) or self._frames.qsize() > MOST_FRAMES:
            try:
                oldest = self._frames.get_nowait()
            except queue.Empty:
                break
            assert oldest is not None
            self._pushed -= oldest.size
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
        if not is_async(self._receive):
            try:
                await self._invoker.call("receive", self._feed)
            finally:
                self._stopped = True
                self._frames.put(None)
        while True:
            while not self._frames.empty():
                frame = self._frames.get_nowait()
                assert frame is not None
                self._taken += frame.size
                await self._invoker.call("receive", self._receive, (self._rate, frame))
                self.on_received()
            await self._alarm.wait()

    def _feed(self) -> None:
        """Feed a sync handler, in its thread."""
        while (frame := self._frames.get()) is not None and not self._stopped:
            self._taken += frame.size
            self.receiving = True
            try:
                self._invoker.finish(self._receive((self._rate, frame)))
            finally:
                self.receiving = False
            self.on_received()


def _nothing() -> None:
    """Do nothing."""
