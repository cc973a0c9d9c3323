"""Outputs of a connection for readers on other nodes, and the readers' side.

A reader on another node asks for one ``AdditionalOutputs`` at a time and waits for the answer. So
the owner removes no outputs from its queue that the reader might not read.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from ...session.outputs import OutputQueue
from .calls import ConnectionUnknown

__all__ = ["RemoteReaders", "WaitingReader"]

MAX_READERS = 4096
"""Number of readers on other nodes; beyond it, the one that was silent for longest is forgotten."""


class WaitingReader:
    """A reader on this node whose connection does not exist yet, or is on another node.

    Attributes:
        connected: Whether another node has said that it has the connection now.
    """

    def __init__(self) -> None:
        self.connected = False


class RemoteReaders:
    """The readers of an endpoint's outputs across nodes.

    Args:
        queue: Returns the queue of a connection of this node by its id; None if there is none.
    """

    def __init__(self, queue: Callable[[str], OutputQueue | None]) -> None:
        self._queue = queue
        self._reading: OrderedDict[str, OutputQueue] = OrderedDict()  # by reader
        self._waiting: dict[str, set[WaitingReader]] = {}  # by connection

    # On the owner

    async def read(self, id: str, reader: str, timeout_s: float) -> tuple[bool, Any]:
        """Wait for the next outputs, for a reader on another node.

        A known reader gets the remaining outputs of a connection that has ended meanwhile.

        Args:
            id: The connection.
            reader: A random string that identifies the reader.
            timeout_s: Maximum time to wait, in seconds.

        Returns:
            Whether more may follow, and the outputs; None if there are none yet.

        Raises:
            ConnectionUnknown: If this node does not have the connection.
        """
        queue = self._reading.pop(reader, None) or self._queue(id)
        if queue is None:
            raise ConnectionUnknown("The node does not have the connection")
        self._reading[reader] = queue
        while len(self._reading) > MAX_READERS:
            self._reading.popitem(last=False)
        try:
            outputs = await asyncio.wait_for(queue.get(), timeout_s)
        except asyncio.TimeoutError:
            return True, None
        if outputs is None:
            self._reading.pop(reader, None)
        return outputs is not None, outputs

    def end(self, reader: str) -> None:
        """Forget a reader."""
        self._reading.pop(reader, None)

    # On the node of the reader

    @contextmanager
    def waiting(self, id: str) -> Iterator[WaitingReader]:
        """Register a reader that waits for a connection."""
        reader = WaitingReader()
        readers = self._waiting.setdefault(id, set())
        readers.add(reader)
        try:
            yield reader
        finally:
            readers.discard(reader)
            if not readers and self._waiting.get(id) is readers:
                del self._waiting[id]

    def connected(self, id: str) -> None:
        """Record that another node has a connection that readers wait for."""
        for reader in self._waiting.get(id, ()):
            reader.connected = True
