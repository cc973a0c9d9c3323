"""Several nodes of a cluster in one process, with a directory in memory that can fail."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from fastrtc import Cluster, Stream
from fastrtc.server.cluster.directory import DirectoryUnreachable
from fastrtc.server.cluster.memory import MemoryDirectory
from fastrtc.server.cluster.node import ClusterNode
from fastrtc.server.endpoint import endpoint_of
from tests.support.peers import LOCAL, Client

__all__ = ["SECRET", "FailingDirectory", "at", "clustered", "node_of", "running", "streams_of"]

SECRET = "the secret of the nodes of a test"


class FailingDirectory(MemoryDirectory):
    """A directory that is unreachable while `down` is set, and that counts its operations."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._given = clock
        self.restart()

    def restart(self) -> None:
        """Lose all data, and be reachable."""
        super().__init__(clock=self._given)
        self.down = False
        self.operations = 0

    def __getattribute__(self, name: str) -> Any:
        if name in ("beat", "leave", "node", "claim", "release", "find"):
            self.operations += 1
            if self.down:
                raise DirectoryUnreachable("it is down")
        return super().__getattribute__(name)


def clustered(directory: Any, **options: Any) -> Cluster:
    """Options of another node with the same directory."""
    given = {"secret": SECRET, "address": "127.0.0.1", "heartbeat_s": 0.2, **options}
    return Cluster(directory=lambda: directory, **given)


def streams_of(count: int, handler: Any, directory: Any = None, **options: Any) -> list[Stream]:
    """The same stream on several nodes."""
    directory = FailingDirectory() if directory is None else directory
    given = {"modality": "audio", "server_rtc_configuration": LOCAL, "verbose": False, **options}
    return [Stream(handler, cluster=clustered(directory), **given) for _ in range(count)]


def node_of(stream: Any) -> ClusterNode:
    """The node of a stream that runs."""
    membership = endpoint_of(stream).cluster
    assert membership is not None
    (node,) = membership._nodes.values()
    return node


@asynccontextmanager
async def running(*streams: Any) -> AsyncIterator[None]:
    """Start the nodes of streams, and stop them at the end, with their connections."""
    for stream in streams:
        await endpoint_of(stream).cluster.start()
    await asyncio.gather(
        *(node_of(stream).owned.beat() for stream in streams)
    )  # they know each other
    try:
        yield
    finally:
        for stream in streams:
            await stream.close_sessions()
            await endpoint_of(stream).leave_cluster()


@asynccontextmanager
async def at(client: Client, stream: Any) -> AsyncIterator[Client]:
    """Let a client send its requests to another node within the block."""
    before, client.stream = client.stream, stream
    try:
        yield client
    finally:
        client.stream = before
