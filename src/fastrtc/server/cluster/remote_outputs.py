"""Outputs of a connection for readers on other nodes, and the readers' side.

A reader on another node asks for one ``AdditionalOutputs`` at a time, with the number of those that
it has received. What it has not received when it ends, the owner gives to the next reader.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections import OrderedDict
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Iterator
from contextlib import aclosing, contextmanager
from typing import TYPE_CHECKING, Any

from ...core.log_throttle import LogThrottle
from ...core.outputs import AdditionalOutputs
from ...session.outputs import OutputQueue
from .calls import ConnectionUnknown, RemoteCallFailed
from .client import NodeUnreachable
from .directory import DirectoryUnreachable, Key
from .items import reader_item

if TYPE_CHECKING:
    from .node import ClusterNode

__all__ = ["RemoteReaders", "WaitingReader", "read_outputs"]

logger = logging.getLogger(__name__)

READER_TTL_S = 30.0
"""How long the owner of a new connection is told of readers that wait for it, in seconds."""

MAX_FAILURES = 100
"""Number of successive outputs that cannot be read, after which a reader gives up."""

MAX_READERS = 4096
"""Number of readers on other nodes; beyond it, the one that was silent for longest is forgotten."""


_failures = LogThrottle()


class _Reader:
    """A reader on another node.

    Attributes:
        queue: The outputs of the connection.
        sent: Number of outputs that were sent to it.
        received: Number of those that it has received, as far as is known.
        idle_since: Time of the last answer, by the clock of the event loop; None during a request.
        last: The last one.
        ended: Done when it has ended.
    """

    def __init__(self, queue: OutputQueue, sent: int) -> None:
        self.queue = queue
        self.sent = sent
        self.received = sent
        self.idle_since: float | None = None
        self.last: AdditionalOutputs | None = None
        self.ended = asyncio.get_running_loop().create_future()


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
        self._reading: OrderedDict[str, _Reader] = OrderedDict()  # by reader
        self._ended: OrderedDict[str, None] = OrderedDict()  # which a late request may follow
        self._waiting: dict[str, set[WaitingReader]] = {}  # by connection
        self._calls: set[asyncio.Future[Any]] = set()

    # On the owner

    async def read(
        self, id: str, name: str, received: int, timeout_s: float
    ) -> tuple[bool, AdditionalOutputs | None]:
        """Wait for the next outputs, for a reader on another node.

        A known reader gets the remaining outputs of a connection that has ended meanwhile, and
        those that it has not received once more.

        Args:
            id: The connection.
            name: Identifies the reader: the id of its node, "/", and a random string.
            received: Number of outputs that the reader has received.
            timeout_s: Maximum time to wait, in seconds.

        Returns:
            Whether more may follow, and the outputs; None if there are none yet.

        Raises:
            ConnectionUnknown: If this node does not have the connection.
        """
        if name in self._ended:
            return False, None
        reader = self._reading.pop(name, None)
        if reader is None:
            queue = self._queue(id)
            if queue is None:
                raise ConnectionUnknown("The node does not have the connection")
            reader = _Reader(queue, received)
        self._reading[name] = reader
        while len(self._reading) > MAX_READERS:
            self._reading.popitem(last=False)
        reader.received, reader.idle_since = received, None
        try:
            if received < reader.sent or await self._receive(reader, timeout_s):
                return True, reader.last
        except asyncio.CancelledError:  # the process of the reader is gone, or has ended it
            self.end(name, received)
            raise
        finally:
            reader.idle_since = asyncio.get_running_loop().time()
        if reader.queue.ended and reader.queue.queue.empty():
            self._reading.pop(name, None)
            return False, None
        return not reader.ended.done(), None

    async def _receive(self, reader: _Reader, timeout_s: float) -> bool:
        """Wait for the next outputs, and keep them as the last ones; return whether there are."""
        before = reader.sent
        getting = asyncio.ensure_future(reader.queue.get())
        try:
            await asyncio.wait(
                {getting, reader.ended}, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED
            )
        finally:  # without await, which a cancellation would interrupt
            if not getting.done():
                getting.cancel()
            elif (outputs := getting.result()) is not None:
                if reader.ended.done():
                    reader.queue.put_back(outputs)
                else:
                    reader.sent += 1
                    reader.last = outputs
        await asyncio.gather(getting, return_exceptions=True)
        return reader.sent > before

    def end(self, name: str, received: int) -> None:
        """Forget a reader, and put back what it has not received."""
        self._ended[name] = None
        while len(self._ended) > MAX_READERS:
            self._ended.popitem(last=False)
        reader = self._reading.pop(name, None)
        if reader is not None:
            if not reader.ended.done():
                reader.ended.set_result(None)
            if received < reader.sent and reader.last is not None:
                reader.queue.put_back(reader.last)

    def idle_nodes(self, idle_s: float) -> set[str]:
        """Return the nodes that have readers without a request for a time in seconds."""
        before = asyncio.get_running_loop().time() - idle_s
        return {node for node, reader, _ in self._by_node() if _is_idle(reader, before)}

    def end_node(self, node_id: str) -> None:
        """Forget the readers of a node that is gone, and put back what they have not received."""
        for node, reader, name in list(self._by_node()):
            if node == node_id and reader.idle_since is not None:
                self.end(name, reader.received)

    def _by_node(self) -> Iterator[tuple[str, _Reader, str]]:
        for name, reader in self._reading.items():
            yield name.partition("/")[0], reader, name

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

    async def call(self, call: Coroutine[Any, Any, Any]) -> Any:
        """Await a call of a reader to the owner; return None if ``end_all`` is called meanwhile."""
        task = asyncio.ensure_future(call)
        self._calls.add(task)
        try:
            await asyncio.wait({task})
            return None if task.cancelled() else task.result()
        finally:
            self._calls.discard(task)
            if not task.done():  # the reader itself was cancelled
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)

    def end_all(self) -> None:
        """End all readers of this node whose connections are on other nodes."""
        for task in self._calls:
            task.cancel()


def _is_idle(reader: _Reader, since: float) -> bool:
    return reader.idle_since is not None and reader.idle_since <= since


async def read_outputs(
    node: ClusterNode,
    key: Key,
    readers: RemoteReaders,
    read: Callable[[str], AsyncGenerator[AdditionalOutputs, None]],
) -> AsyncGenerator[AdditionalOutputs, None]:
    """Yield the outputs of a connection that this node may not have, until it ends.

    Args:
        node: This node.
        key: The connection.
        readers: The readers of the endpoint.
        read: Reads the outputs of a connection of this node, or waits for one for 30 s.
    """
    item = reader_item(node.id)
    for _ in range(2):
        with readers.waiting(key.id) as waiting:
            try:
                owner = await node.owned.find(key, item, READER_TTL_S)
            except DirectoryUnreachable:
                owner = node.owned.known_owner(key)
            if owner in (None, node.id) and not waiting.connected:
                async with aclosing(read(key.id)) as local:
                    async for outputs in local:
                        yield outputs
                if not waiting.connected:
                    return
        try:
            async with aclosing(_read_from_owner(node, key, readers.call)) as remote:
                async for outputs in remote:
                    yield outputs
            return
        except ConnectionUnknown:
            pass  # it has just ended: wait for the next one


async def _read_from_owner(
    node: ClusterNode, key: Key, call: Callable[[Coroutine[Any, Any, Any]], Awaitable[Any]]
) -> AsyncGenerator[AdditionalOutputs, None]:
    """Yield the outputs of a connection of another node.

    Args:
        node: The node of the reader.
        key: The connection.
        call: Awaits a call; returns None if the readers of this node end meanwhile.

    Raises:
        ConnectionUnknown: If no node has the connection.
    """
    reader = f"{node.id}/{secrets.token_hex(16)}"
    received = failures = 0
    more = True
    try:
        while more and failures < MAX_FAILURES:
            try:
                answer = await call(node.call(key, "outputs", reader, received))
            except NodeUnreachable as error:
                logger.warning("The process of the connection %r is gone: %s", key.id, error)
                return
            except RemoteCallFailed as error:  # outputs that cannot be pickled, for example
                _failures.log(logger.error, "Outputs cannot be read: %s", error)
                failures += 1
                received += 1
                continue
            if answer is None:
                return
            failures = 0
            more, outputs = answer
            if outputs is not None:
                received += 1
                yield outputs
    finally:
        if more:
            node.start_task(_end_reader(node, key, reader, received), "end_outputs")


async def _end_reader(node: ClusterNode, key: Key, reader: str, received: int) -> None:
    try:
        await node.call(key, "end_outputs", reader, received)
    except (RemoteCallFailed, ConnectionUnknown, NodeUnreachable) as error:
        logger.debug("The end of a reader of outputs was not sent: %s", error)
