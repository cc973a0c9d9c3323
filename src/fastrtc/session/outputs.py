"""Queue of the ``AdditionalOutputs`` of a connection."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Callable

from ..core.bounded_queue import Overflow
from ..core.outputs import AdditionalOutputs

__all__ = ["OutputQueue"]

logger = logging.getLogger(__name__)

MAX_QUEUED = 1024
"""Capacity of the queue; a new item evicts the oldest. Many programs never read their outputs."""


class _Outputs(asyncio.Queue[AdditionalOutputs]):
    """A queue that calls a function when an item is added."""

    def __init__(self, added: Callable[[], None]) -> None:
        super().__init__()
        self._added = added
        self._returns = False

    def put_nowait(self, item: AdditionalOutputs) -> None:
        super().put_nowait(item)
        self._added()

    def put_first(self, item: AdditionalOutputs) -> None:
        self._returns = True
        try:
            self.put_nowait(item)
        finally:
            self._returns = False

    def _init(self, maxsize: int) -> None:
        self._items: deque[AdditionalOutputs] = deque()
        self._queue = self._items  # as in the base class

    def _put(self, item: AdditionalOutputs) -> None:
        if self._returns:
            self._items.appendleft(item)
        else:
            self._items.append(item)


class _Quit(asyncio.Event):
    """An event that calls a function when it is set."""

    def __init__(self, was_set: Callable[[], None]) -> None:
        super().__init__()
        self._was_set = was_set

    def set(self) -> None:
        super().set()
        self._was_set()


class OutputQueue:
    """The outputs of one connection, in order, for any number of readers.

    Each output goes to one reader. Reading ends when the connection has ended and all outputs were
    read.

    Attributes:
        queue: The unread outputs; a program may add and remove items.
        quit: Set when no outputs will follow; a program may set it.
        begun: Whether the connection has started.
    """

    queue: _Outputs
    quit: asyncio.Event

    def __init__(self) -> None:
        self._readers: deque[asyncio.Future[None]] = deque()
        self._overflow = Overflow(
            logger.warning,
            "More than %d outputs are unread: the oldest are dropped. Read them with "
            "output_stream() or fetch_latest_output()",
            MAX_QUEUED,
        )
        self.queue = _Outputs(self._wake_one)
        self.quit = _Quit(self._wake_all)
        self.begun = False

    @property
    def ended(self) -> bool:
        """Whether no outputs will follow."""
        return self.quit.is_set()

    @property
    def being_read(self) -> bool:
        """Whether a reader is waiting for outputs."""
        return any(not reader.done() for reader in self._readers)

    def begin(self) -> None:
        """Record that the connection has started."""
        self.begun = True

    def put(self, outputs: AdditionalOutputs) -> None:
        """Append outputs; must be called on the event loop."""
        self.queue.put_nowait(outputs)
        if self.queue.qsize() > MAX_QUEUED:
            self.queue.get_nowait()
            self._overflow.record()

    def put_back(self, outputs: AdditionalOutputs) -> None:
        """Put back the outputs that were removed last, for another reader."""
        self.queue.put_first(outputs)

    def _wake_one(self) -> None:
        while self._readers:
            reader = self._readers.popleft()
            if not reader.done():
                reader.set_result(None)
                return

    def end(self) -> None:
        """Record that no outputs will follow."""
        self.quit.set()

    def _wake_all(self) -> None:
        for reader in self._readers:
            if not reader.done():
                reader.set_result(None)
        self._readers.clear()

    def take(self) -> AdditionalOutputs | None:
        """Remove and return the oldest outputs, or return None."""
        return None if self.queue.empty() else self.queue.get_nowait()

    async def get(self) -> AdditionalOutputs | None:
        """Wait for outputs; return None once the connection has ended and all were read."""
        while self.queue.empty():
            if self.ended:
                return None
            reader = asyncio.get_running_loop().create_future()
            self._readers.append(reader)
            try:
                await reader
            except asyncio.CancelledError:
                if reader in self._readers:
                    self._readers.remove(reader)
                elif not self.queue.empty():
                    self._wake_one()  # pass the wake-up on to another reader
                raise
        return self.queue.get_nowait()

    def __aiter__(self) -> AsyncIterator[AdditionalOutputs]:
        """Iterate over the outputs until the connection has ended."""
        return self._read()

    async def _read(self) -> AsyncIterator[AdditionalOutputs]:
        while (outputs := await self.get()) is not None:
            yield outputs
