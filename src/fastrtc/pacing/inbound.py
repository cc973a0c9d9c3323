"""Inbound audio: from the client to the handler's ``receive``."""

from __future__ import annotations

import asyncio
import logging
import math
import queue
import time
from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..audio.converter import AudioConverter
from ..audio.fifo import SampleFifo
from ..core.bounded_queue import Overflow
from ..core.failures import CallbackFailures
from ..core.rates import FRAME_S
from ..core.timed_event import TimedEvent
from ..handlers.base import StreamHandlerBase
from ..handlers.invoke import Invoker, is_async
from ..handlers.link import link_of
from .arrival_clock import ArrivalClock
from .silence import SilenceClock
from .taps import InboundTap, Source

__all__ = ["AudioInbound"]

logger = logging.getLogger(__name__)

BACKLOG_S = 30.0
"""Capacity of the queue in front of a slow handler, such as one that loads a model first, in
seconds. Newer audio evicts the oldest. 30 s of 48 kHz mono are 3 MB."""

GAP_S = 0.5
"""After this long without audio, in seconds, the incomplete last block is padded with silence and
delivered: longer than a usual network stall."""

MAX_CALLS = 64
"""How many calls may wait behind audio; further ones are dropped."""

MAX_FRAMES = 12_000
"""Capacity of the queue in chunks: ``BACKLOG_S`` in chunks of 2.5 ms."""

_Item: TypeAlias = NDArray[np.int16] | Callable[[], None] | None


class AudioInbound:
    """Convert the client's audio to the rate and layout of a handler, and deliver it.

    ``push`` is called on the event loop and never waits; ``receive`` runs in a task or a thread of
    the connection, one call at a time, with blocks of 20 ms, which it may keep and modify.

    Args:
        handler: The handler whose ``receive`` is called.
        invoker: Runs user code.
        failures: Records exceptions of ``receive``, which cost one frame.
        flat: Whether samples have shape ``(n,)`` instead of ``(1, n)``.
        framed: Whether ``receive`` gets blocks of 20 ms; otherwise one block for each ``push``.

    Attributes:
        rate: The sample rate of the handler in Hz.
        overflow: Counts the blocks that are dropped because the handler is slow.
        receiving: Whether a sync ``receive`` is running at the moment.
        on_received: Called after ``receive`` has processed a frame, where that ran.
        arrivals: Follows when audio arrives, by ``time.monotonic()``; None while nothing needs it.
        on_pushed: Called on the event loop with the samples of each ``push``; None for nothing.
        tap: Records the audio; None for nothing.
        source: Where the audio that is pushed next is from; None if that is unknown.
    """

    def __init__(
        self,
        handler: StreamHandlerBase,
        invoker: Invoker,
        failures: CallbackFailures,
        *,
        flat: bool = False,
        framed: bool = True,
    ) -> None:
        self.rate = handler.input_sample_rate
        self._receive = handler.receive  # type: ignore[attr-defined]
        self._invoker = invoker
        self._flat = flat
        self._framed = framed
        self._failures = failures
        channels = 2 if handler.expected_layout == "stereo" else 1
        self._converter = AudioConverter(self.rate, channels)
        self._block = round(self.rate * FRAME_S)
        self._fifo = SampleFifo(channels)
        self._source: tuple[int, int] | None = None  # rate and channels of what came last
        self._owed: float | None = None  # samples, until the resampler has given the first
        self._gap_s = GAP_S
        self._came_at = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._needs_silence = link_of(handler).needs_silence
        self._silence = SilenceClock(FRAME_S)
        self._silence_timer: asyncio.TimerHandle | None = None
        self._frames: queue.SimpleQueue[_Item] = queue.SimpleQueue()
        self._calls = 0  # how many of these are functions
        self._queued = TimedEvent()
        self._pushed = self._taken = 0  # samples queued, and samples taken by `run`
        self._received = 0  # of these, what `receive` has returned from
        self._per_s = self.rate * channels
        self.arrivals: ArrivalClock | None = None
        self._stopped = False
        self._finishing = False  # nothing comes any more, but what there is is given
        self._done = asyncio.Event()
        self.receiving = False
        self.on_received: Callable[[], None] = _nothing
        self.on_pushed: Callable[[NDArray[np.int16]], None] | None = None
        self.tap: InboundTap | None = None
        self.source: Source | None = None
        self._most_waiting = round(BACKLOG_S * self.rate * channels)
        self.overflow = Overflow(
            logger.warning,
            "receive() is more than %.0f s behind: the oldest audio is dropped",
            BACKLOG_S,
        )

    def push(self, rate: int, samples: NDArray[np.int16]) -> None:
        """Queue audio of the client.

        Args:
            rate: Sample rate in Hz.
            samples: Shape ``(channels, n)``.
        """
        source, self.source = self.source, None
        if self._stopped or self._finishing or samples.shape[1] == 0:
            return
        if self.tap is not None:
            self.tap.received(rate, samples, source)
        if self.on_pushed is not None:
            self.on_pushed(samples)
        if self._needs_silence is not None:
            self._watch_for_silence(samples.shape[1] / rate)
        if not self._framed:
            planar = self._converter.convert(rate, samples)
            if planar.shape[1]:
                self._enqueue(planar)
            return
        if self._source != (rate, samples.shape[0]):
            self._fifo.push(self._converter.flush())
            self._source, self._owed = (rate, samples.shape[0]), 0.0
        planar = self._converter.convert(rate, samples)
        if self._owed is not None:
            self._make_up(samples.shape[1] * self.rate / rate, planar.shape[1])
        if planar.shape[1] == self._block and not len(self._fifo):  # mostly
            self._enqueue(planar)
        else:
            self._fifo.push(planar)
            self._enqueue_blocks()
        if len(self._fifo) or rate != self.rate:
            self._wait_for_gap(samples.shape[1] / rate)

    @property
    def waiting_s(self) -> float:
        """How much audio waits for ``receive``, in seconds."""
        return (self._pushed - self._taken) / self._per_s

    def flush(self) -> None:
        """Deliver the incomplete last block, padded with silence; later audio starts a new one."""
        if self._stopped:
            return
        self._fifo.push(self._converter.flush())
        self._source = None
        self._enqueue_blocks()
        if len(self._fifo):
            self._enqueue(self._fifo.pop_padded(self._block))

    def call(self, function: Callable[[], None]) -> None:
        """Call a function where ``receive`` runs, after it has processed the audio so far.

        The incomplete last block is padded with silence and delivered before.
        """
        if self._stopped or self._finishing or self._calls >= MAX_CALLS:
            return
        self.flush()
        self._calls += 1
        self._frames.put(function)
        self._queued.ring()

    async def finish(self, timeout: float) -> None:
        """Stop accepting audio, and wait until ``receive`` has processed what is queued.

        Args:
            timeout: The longest time to wait, in seconds.
        """
        self.flush()
        self._finishing = True
        self._frames.put(None)
        self._queued.ring()
        try:
            await asyncio.wait_for(self._done.wait(), timeout)
        except asyncio.TimeoutError:
            pass

    def skip(self, seconds: float) -> None:
        """Account for audio that the client did not send before the next packet (DTX).

        Handlers that need silence to detect the end of an utterance get it; others get none, just
        as while no packets arrive at all.
        """
        if self.tap is not None:
            self.tap.skipped(seconds)
        if self._needs_silence is not None and not self._stopped and self._needs_silence():
            self._fill(self._silence.missing(seconds))

    def _watch_for_silence(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        self._silence.heard(seconds, loop.time())
        if self._silence_timer is None:
            self._silence_timer = loop.call_at(self._silence.next_at(), self._fill_gap)

    def _fill_gap(self) -> None:
        """Deliver silence as it becomes due, for as long as the handler needs it."""
        assert self._needs_silence is not None
        loop = asyncio.get_running_loop()
        self._silence_timer = None
        now = loop.time()  # once: while the event loop stalls, the next block becomes due as well
        due = self._silence.take(now)
        if due and not self._needs_silence():
            if self._received == self._pushed:
                return  # until audio comes again
            self._silence.heard(0.0, now)  # the handler has not got to what came last
            due = 0
        self._fill(due)
        if self._silence.next_at() > now:
            self._silence_timer = loop.call_at(self._silence.next_at(), self._fill_gap)

    def _fill(self, blocks: int) -> None:
        if blocks:
            self.flush()
        for _ in range(blocks):
            self._enqueue(np.zeros((self._converter.channels, self._block), np.int16))

    def arrived_at(self) -> float:
        """Return when the end of the block that ``receive`` processes arrived; see ``arrivals``.

        Call it where ``receive`` runs.
        """
        if self.arrivals is None:
            return time.monotonic()
        return self.arrivals.time_of(self._taken / self._per_s)

    def silence(self) -> tuple[int, NDArray[np.int16]]:
        """Return 20 ms of silence in the form that ``receive`` gets."""
        return self.rate, self._shaped(np.zeros((self._converter.channels, self._block), np.int16))

    def _make_up(self, due: float, given: int) -> None:
        """Insert silence before the first audio, to make up for the resampler's delay.

        Otherwise each block would have to wait for the packet after its own. If packets do not map
        to a whole number of samples, the resampler returns one sample less now and then.
        """
        assert self._owed is not None
        self._owed += due
        missing = math.ceil(self._owed) - given
        if missing > 0:
            spare = 0 if due.is_integer() else 1
            silence = max(0, missing + spare - len(self._fifo))
            self._fifo.push(np.zeros((self._converter.channels, silence), np.int16))
        if given:
            self._owed = None

    def _wait_for_gap(self, seconds: float) -> None:
        """Deliver the incomplete last block when no audio follows."""
        loop = asyncio.get_running_loop()
        self._came_at = loop.time()
        self._gap_s = max(GAP_S, 2 * seconds)
        if self._timer is None:
            self._timer = loop.call_later(self._gap_s, self._look_for_gap)

    def _look_for_gap(self) -> None:
        loop = asyncio.get_running_loop()
        self._timer = None
        until = self._came_at + self._gap_s
        if loop.time() < until:
            self._timer = loop.call_at(until, self._look_for_gap)
        else:
            self.flush()

    def _enqueue_blocks(self) -> None:
        while len(self._fifo) >= self._block:
            self._enqueue(self._fifo.pop(self._block))

    def _shaped(self, planar: NDArray[np.int16]) -> NDArray[np.int16]:
        """Copy samples into an array as handlers get it, channels interleaved."""
        channels, n = planar.shape
        if channels == 1:
            return planar[0].copy() if self._flat else planar.copy()
        frame = np.empty(planar.size if self._flat else (1, planar.size), np.int16)
        frame.reshape(n, channels)[:] = planar.T
        return frame

    def _enqueue(self, planar: NDArray[np.int16]) -> None:
        frame = self._shaped(planar)
        self._frames.put(frame)
        self._pushed += frame.size
        if self.arrivals is not None:
            self.arrivals.push(self._pushed / self._per_s, time.monotonic())
        passed = 0
        while (
            self._pushed - self._taken > self._most_waiting and self._frames.qsize() > 1
        ) or self._frames.qsize() > MAX_FRAMES:
            try:
                oldest = self._frames.get_nowait()
            except queue.Empty:
                break
            if not isinstance(oldest, np.ndarray):
                self._frames.put(oldest)  # late rather than never
                passed += 1
                if passed > MAX_CALLS:
                    break
                continue
            self._pushed -= oldest.size
            if self.arrivals is not None:
                self.arrivals.reset()
            self.overflow.record()
        self._queued.ring()

    async def run(self) -> None:
        """Call ``receive`` until the connection ends or ``finish`` is called.

        Raises:
            HandlerKeepsFailing: If ``receive`` fails again and again.
            HandlerExited: If it raises a ``BaseException`` that is not an ``Exception``.
        """
        try:
            await self._run()
        finally:
            self._stop()

    def _stop(self) -> None:
        self._stopped = True
        self._done.set()
        for timer in (self._timer, self._silence_timer):
            if timer is not None:
                timer.cancel()

    async def _run(self) -> None:
        if not is_async(self._receive):
            try:
                await self._invoker.call("receive", self._feed)
            finally:
                self._stopped = True
                self._frames.put(None)
            return
        while True:
            while not self._frames.empty():
                frame = self._frames.get_nowait()
                if frame is None:
                    return
                if not isinstance(frame, np.ndarray):
                    await self._invoker.call("receive", self._do, frame)
                    continue
                self._taken += frame.size
                try:
                    await self._invoker.call_async("receive", self._receive, (self.rate, frame))
                except Exception as error:
                    self._failures.failed(error)
                    await asyncio.sleep(0)  # what waits behind it may fail as fast
                else:
                    self._failures.succeeded()
                    self.on_received()
                finally:
                    self._received += frame.size
            await self._queued.wait()

    def _feed(self) -> None:
        """Call a sync ``receive``, in its thread."""
        while (frame := self._frames.get()) is not None and not self._stopped:
            if not isinstance(frame, np.ndarray):
                self._do(frame)
                continue
            self._taken += frame.size
            self.receiving = True
            try:
                self._invoker.finish(self._receive((self.rate, frame)))
            except Exception as error:
                self._failures.failed(error)
            else:
                self._failures.succeeded()
                self.on_received()
            finally:
                self.receiving = False
                self._received += frame.size

    def _do(self, function: Callable[[], None]) -> None:
        self._calls -= 1
        try:
            function()
        except Exception as error:
            self._failures.failed(error)


def _nothing() -> None:
    """Do nothing."""
