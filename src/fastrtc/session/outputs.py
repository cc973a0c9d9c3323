"""``AdditionalOutputs`` of each connection, kept until the program reads them."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Callable

from ..core.outputs import AdditionalOutputs

__all__ = ["OutputQueue"]

logger = logging.getLogger(__name__)

MOST_WAITING = 1024
"""Outputs that wait to be read; then the oldest is dropped. Many programs never read any."""


class _Outputs(asyncio.Queue[AdditionalOutputs]):
    """A queue that says when something was added."""

    def __init__(self, added: Callable[[], None]) -> None:
        super().__init__()
        self._added = added

    def put_nowait(self, item: AdditionalOutputs) -> None:
        super().put_nowait(item)
        self._added()


class _Quit(asyncio.Event):
    """An event that says when it was set."""

    def __init__(self, was_set: Callable[[], None]) -> None:
        super().__init__()
        self._was_set = was_set

    def set(self) -> None:
        super().set()
        self._was_set()


class OutputQueue:
    """The outputs of one connection, in order, for any number of readers.

    Each output goes to one reader. Reading ends with the connection, when those
    that were given before are read.

    Attributes:
        queue: What waits to be read; a program may add to it, and take from it.
        quit: Set when nothing follows; a program may set it.
        begun: Whether the connection is there.
    """

    queue: asyncio.Queue[AdditionalOutputs]
    quit: asyncio.Event

    def __init__(self) -> None:
        self._readers: deque[asyncio.Future[None]] = deque()
        self._dropped = 0
        self.queue = _Outputs(self._wake_one)
        self.quit = _Quit(self._wake_all)
        self.begun = False

    @property
    def ended(self) -> bool:
        """Whether nothing follows."""
        return self.quit.is_set()

    @property
    def being_read(self) -> bool:
        """Whether somebody waits for outputs."""
        return any(not reader.done() for reader in self._readers)

    def begin(self) -> None:
        """Say that the connection is there."""
        self.begun = True

    def put(self, outputs: AdditionalOutputs) -> None:
        """Add outputs; on the event loop."""
        self.queue.put_nowait(outputs)
        if self.queue.qsize() > MOST_WAITING:
            self.queue.get_nowait()
            self._dropped += 1
            if self._dropped == 1:
                logger.warning(
                    "%d outputs wait to be read: the oldest is dropped. Read them with "
                    "output_stream() or fetch_latest_output()",
                    MOST_WAITING,
                )

    def _wake_one(self) -> None:
        while self._readers:
            reader = self._readers.popleft()
            if not reader.done():
                reader.set_result(None)
                return

    def end(self) -> None:
        """Say that nothing follows."""
        self.quit.set()

    def _wake_all(self) -> None:
        for reader in self._readers:
            if not reader.done():
                reader.set_result(None)
        self._readers.clear()

    def take(self) -> AdditionalOutputs | None:
        """Take the oldest outputs, if there are any."""
        return None if self.queue.empty() else self.queue.get_nowait()

    async def get(self) -> AdditionalOutputs | None:
        """Wait for outputs; None when the connection has ended and all are read."""
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
                    self._wake_one()  # what it was woken for is for another
                raise
        return self.queue.get_nowait()

    def __aiter__(self) -> AsyncIterator[AdditionalOutputs]:
        """Read until the connection has ended."""
        return self._read()

    async def _read(self) -> AsyncIterator[AdditionalOutputs]:
        while (outputs := await self.get()) is not None:
            yield outputs
