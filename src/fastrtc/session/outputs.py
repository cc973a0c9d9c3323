"""``AdditionalOutputs`` of each connection, kept until the program reads them."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator

from ..core.outputs import AdditionalOutputs

__all__ = ["OutputQueue"]

logger = logging.getLogger(__name__)

MOST_WAITING = 1024
"""Outputs that wait to be read; then the oldest is dropped. Many programs never read any."""


class OutputQueue:
    """The outputs of one connection, in order, for any number of readers.

    Each output goes to one reader. Reading ends with the connection, when those
    that were given before are read.
    """

    def __init__(self) -> None:
        self._outputs: deque[AdditionalOutputs] = deque()
        self._readers: deque[asyncio.Future[None]] = deque()
        self._dropped = 0
        self.begun = False
        self.ended = False

    @property
    def being_read(self) -> bool:
        """Whether somebody waits for outputs."""
        return any(not reader.done() for reader in self._readers)

    def begin(self) -> None:
        """Say that the connection is there."""
        self.begun = True

    def put(self, outputs: AdditionalOutputs) -> None:
        """Add outputs; on the event loop."""
        self._outputs.append(outputs)
        if len(self._outputs) > MOST_WAITING:
            self._outputs.popleft()
            self._dropped += 1
            if self._dropped == 1:
                logger.warning(
                    "%d outputs wait to be read: the oldest is dropped. Read them with "
                    "output_stream() or fetch_latest_output()",
                    MOST_WAITING,
                )
        self._wake_one()

    def _wake_one(self) -> None:
        while self._readers:
            reader = self._readers.popleft()
            if not reader.done():
                reader.set_result(None)
                return

    def end(self) -> None:
        """Say that nothing follows."""
        self.ended = True
        for reader in self._readers:
            if not reader.done():
                reader.set_result(None)
        self._readers.clear()

    def take(self) -> AdditionalOutputs | None:
        """Take the oldest outputs, if there are any."""
        return self._outputs.popleft() if self._outputs else None

    async def get(self) -> AdditionalOutputs | None:
        """Wait for outputs; None when the connection has ended and all are read."""
        while not self._outputs:
            if self.ended:
                return None
            reader = asyncio.get_running_loop().create_future()
            self._readers.append(reader)
            try:
                await reader
            except asyncio.CancelledError:
                if reader in self._readers:
                    self._readers.remove(reader)
                elif self._outputs:
                    self._wake_one()  # what it was woken for is for another
                raise
        return self._outputs.popleft()

    def __aiter__(self) -> AsyncIterator[AdditionalOutputs]:
        """Read until the connection has ended."""
        return self._read()

    async def _read(self) -> AsyncIterator[AdditionalOutputs]:
        while (outputs := await self.get()) is not None:
            yield outputs
