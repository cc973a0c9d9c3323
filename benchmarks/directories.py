"""Measures what the operations of the directories of clusters cost.

python -m benchmarks.directories

Starts a Redis of its own (`redis-server` has to be installed) and runs the directory's scripts in
it, from this process. Figures of Redis are the CPU time of the Redis process per operation,
network included, so neither the client nor other programs on the machine count. Redis uses one
core: a second divided by the figure is what one Redis carries. Figures of SQLite are wall time in
one process, because there is no server.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from fastrtc.server.cluster.directory import Directory, DirectoryUnreachable, Key, Node
from fastrtc.server.cluster.redis import RedisDirectory
from fastrtc.server.cluster.sqlite import SQLiteDirectory
from tests.support.redis_server import redis_server

__all__ = ["Costs", "measure_redis", "measure_sqlite"]

LOST_AFTER_S = 3600  # the nodes that fill the directory send no further heartbeats
SESSIONS = 20  # of each node
CANDIDATE = b"candidate:1 1 udp 2113937151 192.168.1.20 54400 typ host" * 3
STREAM = "/"
AT_ONCE = 16


@dataclass(frozen=True)
class Costs:
    """Of each operation, in microseconds.

    Attributes:
        nodes: Number of nodes in the directory.
        beat: A heartbeat.
        claim: A claim of a new connection, with a `total_limit`.
        release: The release of one.
        find: Looking up the owner of a connection.
        leave_item: Leaving a candidate for the future owner.
        refill: A heartbeat that names the keys of a node's 20 connections.
        leave: The removal of a node with 20 connections, as it leaves or is dead.
    """

    nodes: int
    beat: float
    claim: float
    release: float
    find: float
    leave_item: float
    refill: float
    leave: float


def record(number: int) -> Node:
    address = f"http://10.0.{number // 250}.{number % 250}:41234"
    return Node(f"{number:032x}", address, SESSIONS, 40, False, {STREAM: 20})


def keys_of(number: int) -> list[Key]:
    return [Key(STREAM, f"{number:08x}{session:08x}") for session in range(SESSIONS)]


async def measure(
    directory: Directory, nodes: int, repeats: int, used: Callable[[], float]
) -> Costs:
    """Fill a directory and measure its operations.

    Args:
        directory: The directory, which is empty.
        nodes: Number of nodes to fill it with.
        repeats: How often each operation runs.
        used: Returns the time used so far, in seconds.
    """

    async def cost(operation: Callable[[int], Awaitable[object]], times: int = repeats) -> float:
        limit = asyncio.Semaphore(AT_ONCE)

        async def run(number: int) -> None:
            async with limit:
                try:
                    await operation(number)
                except DirectoryUnreachable:  # the machine has stalled
                    await operation(number)

        before = used()
        await asyncio.gather(*[run(number) for number in range(times)])
        return (used() - before) / times * 1e6

    for number in range(nodes):
        await directory.beat(record(number), keys_of(number))

    def key(number: int) -> Key:
        return Key(STREAM, f"new {number}")

    def node(number: int) -> Node:
        return record(number % nodes)

    beat = await cost(lambda number: directory.beat(node(number)))
    claim = await cost(lambda number: directory.claim(key(number), node(number).id, 10**9))
    find = await cost(lambda number: directory.find(key(number)))
    release = await cost(lambda number: directory.release(key(number), node(number).id))

    leave_item = await cost(lambda number: directory.find(key(number), CANDIDATE))
    refill = await cost(lambda number: directory.beat(node(number), keys_of(number % nodes)))
    leave = await cost(lambda number: directory.leave(node(number).id), min(nodes, repeats))
    return Costs(nodes, beat, claim, release, find, leave_item, refill, leave)


@contextlib.asynccontextmanager
async def opened(directory: Directory) -> AsyncIterator[Directory]:
    try:
        yield directory
    finally:
        await directory.close()


async def measure_redis(nodes: int, repeats: int) -> Costs:
    """Return the CPU time of Redis for each operation."""
    with tempfile.TemporaryDirectory() as folder, redis_server(Path(folder)) as server:
        usage = Path(f"/proc/{server.pid}/schedstat")
        async with opened(RedisDirectory(server.url, LOST_AFTER_S)) as directory:
            return await measure(
                directory, nodes, repeats, lambda: int(usage.read_text().split()[0]) / 1e9
            )


async def measure_sqlite(nodes: int, repeats: int) -> Costs:
    """Return the wall time of each operation in one process."""
    with tempfile.TemporaryDirectory() as folder:
        async with opened(SQLiteDirectory(Path(folder) / "directory", LOST_AFTER_S)) as directory:
            return await measure(directory, nodes, repeats, time.perf_counter)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5000, help="of each operation")
    repeats = parser.parse_args().repeats
    rows = [("SQLite", asyncio.run(measure_sqlite(nodes, repeats // 5))) for nodes in (4, 64)]
    rows += [
        ("Redis", asyncio.run(measure_redis(nodes, repeats))) for nodes in (10, 100, 1000, 5000)
    ]
    names = [name for name in asdict(rows[0][1]) if name != "nodes"]
    print("| directory | nodes | " + " | ".join(f"{name} (µs)" for name in names) + " |")
    print("|---" * (len(names) + 2) + "|")
    for what, costs in rows:
        figures = " | ".join(f"{getattr(costs, name):.0f}" for name in names)
        print(f"| {what} | {costs.nodes} | {figures} |")


if __name__ == "__main__":
    main()
