"""Simulates clusters of thousands of processes, in virtual time.

python -m benchmarks.fleet
python -m benchmarks.fleet --nodes 100 --nodes 1000 --sessions 20

The nodes are `ClusterNode`s with a `MemoryDirectory`: heartbeats, claims, look-ups, forwarding,
encoding of calls and the search for free places are the package's own code. The network, the
clients and the time that Redis takes are simulated: each operation waits until Redis has processed
those before it, which take as long as `benchmarks.directories` measures. So the figures tell what
Redis and the protocol between the nodes do at a size that no test machine has; they say nothing
about media.

Each client makes an offer at a random node, sends candidates and inputs to other random nodes, and
hangs up after a random time. Then 10% of the nodes die at once, without a word, and their clients
connect again. Then all nodes are replaced, a quarter at a time: each one drains until its last
connection ends, or until its `drain_limit`.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import random
import sys
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, TypeVar

from benchmarks.directories import Costs, measure_redis
from fastrtc.core.errors import SessionRefused
from fastrtc.server.cluster.calls import ConnectionUnknown, RemoteCallFailed, call
from fastrtc.server.cluster.client import NodeUnreachable
from fastrtc.server.cluster.directory import (
    OPERATION_TIMEOUT_S,
    Claim,
    Directory,
    DirectoryUnreachable,
    Key,
    Node,
)
from fastrtc.server.cluster.memory import MemoryDirectory
from fastrtc.server.cluster.node import ClusterNode
from fastrtc.server.cluster.options import Cluster
from fastrtc.server.cluster.ownership import Ownership
from fastrtc.server.places import Places
from tests.support.virtual_time import virtual_time

__all__ = ["Load", "Report", "simulate"]

T = TypeVar("T")

STREAM = "/"
LATENCY_S = 0.0005
"""Of the network, one way."""

UNREACHABLE_S = 2.0
"""Until a request to a machine that is gone fails."""

BALANCER_CHECK_S = 2.0
"""Until the load balancer knows that a node is gone or drains."""

NOTICE_S = (2.0, 6.0)
"""How long a client takes to notice that its node is gone."""

CANDIDATES = 4
"""Sent by each client after its offer."""

WARM_UP_S = 5.0


@dataclass(frozen=True)
class Load:
    """What the clients do.

    Attributes:
        sessions: Connections of each node, on average.
        capacity: `concurrency_limit` of each node.
        call_s: Mean duration of a connection in seconds.
        inputs_per_minute: Requests of each connection after it is established.
        drain_limit_s: `drain_limit` of each node, in seconds.
        steady_s: How long the cluster is observed before nodes die, and after it, in seconds.
    """

    sessions: int = 20
    capacity: int = 30
    call_s: float = 120.0
    inputs_per_minute: float = 2.0
    drain_limit_s: float = 30.0
    steady_s: float = 15.0


@dataclass
class Report:
    """What happened to a cluster. Times are in seconds, rates per second."""

    nodes: int
    sessions: int = 0
    offers: float = 0
    heartbeats: float = 0
    requests: float = 0
    forwarded: float = 0
    operations: float = 0
    redis_cores: float = 0
    answer_p99: float = 0
    killed_sessions: int = 0
    places_free_after: float = 0
    redis_wait_after_failure: float = 0
    reconnected_after: float = 0
    not_reconnected: int = 0
    rolling_took: float = 0
    rolling_offers: int = 0
    rolling_moved: int = 0
    rolling_redis_cores: float = 0
    failed_offers: int = 0
    lost_requests: int = 0
    cut_calls: int = 0


class RedisModel:
    """The `MemoryDirectory`, with the time that Redis takes.

    Attributes:
        count: Operations by name.
        busy_s: Time that Redis has computed.
        max_wait_s: Longest time that an operation waited for those before it.
    """

    def __init__(self, costs: Costs, lost_after_s: float) -> None:
        self._loop = asyncio.get_running_loop()
        self._costs = costs
        self._free_at = 0.0
        self.directory = MemoryDirectory(lost_after_s, self._loop.time, random.Random(2))
        self.count: Counter[str] = Counter()
        self.busy_s = self.max_wait_s = 0.0

    @property
    def live(self) -> int:
        return len(self.directory._members)

    async def run(
        self, name: str, cost_us: float, operation: Callable[..., Awaitable[T]], *args: Any
    ) -> T:
        """Run an operation when Redis has processed those before it."""
        now = self._loop.time()
        wait_s = max(self._free_at - now, 0.0)
        before = self.live
        try:
            return await operation(*args)
        finally:
            removed = 0 if name == "leave" else max(before - self.live, 0)
            used_s = (cost_us + removed * self._costs.leave) / 1e6
            self.count[name] += 1
            self.busy_s += used_s
            self.max_wait_s = max(self.max_wait_s, wait_s)
            self._free_at = max(self._free_at, now) + used_s
            await asyncio.sleep(min(wait_s + used_s + 2 * LATENCY_S, OPERATION_TIMEOUT_S))
            if wait_s + used_s > OPERATION_TIMEOUT_S:
                raise DirectoryUnreachable("Redis is too slow")


class NodesDirectory(Directory):
    """The directory of one node."""

    def __init__(self, redis: RedisModel, costs: Costs) -> None:
        self._run, self._directory, self._costs = redis.run, redis.directory, costs

    async def beat(self, node: Node, keys: Collection[Key] | None = None) -> Sequence[Node]:
        cost = self._costs.beat if keys is None else self._costs.refill * max(len(keys) / 20, 1)
        return await self._run("beat", cost, self._directory.beat, node, keys)

    async def leave(self, node_id: str) -> None:
        await self._run("leave", self._costs.leave, self._directory.leave, node_id)

    async def node(self, node_id: str) -> Node | None:
        return await self._run("node", self._costs.find, self._directory.node, node_id)

    async def claim(self, key: Key, node_id: str, total_limit: int | None = None) -> Claim:
        claim = self._directory.claim
        return await self._run("claim", self._costs.claim, claim, key, node_id, total_limit)

    async def release(self, key: Key, node_id: str) -> None:
        await self._run("release", self._costs.release, self._directory.release, key, node_id)

    async def find(self, key: Key, item: bytes | None = None, ttl_s: float = 10) -> str | None:
        cost = self._costs.find if item is None else self._costs.leave_item
        return await self._run("find", cost, self._directory.find, key, item, ttl_s)

    async def close(self) -> None:
        pass


class Network:
    """The internal endpoints of the nodes. Takes the place of the `InternalClient` of each."""

    def __init__(self) -> None:
        self.processes: dict[str, Process] = {}
        self.requests = 0

    async def request(self, node: Node, name: str, body: bytes, timeout_s: float) -> bytes:
        self.requests += 1
        process = self.processes.get(node.address)
        if process is None:
            await asyncio.sleep(UNREACHABLE_S)
            raise NodeUnreachable(f"{node.address} does not respond")
        response = await process.node._receive(name, body)
        await asyncio.sleep(2 * LATENCY_S)
        return response

    async def drop(self, address: str) -> None:
        pass

    async def close(self) -> None:
        pass


class SimulatedNode(ClusterNode):
    """A node without sockets."""

    def __init__(self, options: Cluster, network: Network, redis: RedisModel, costs: Costs) -> None:
        super().__init__(options)
        self._network = network
        self._redis_directory = NodesDirectory(redis, costs)

    async def _start(self) -> None:
        address = f"http://{self.id}:41234"
        self._listening = SimpleNamespace(address=address, close=lambda: None)
        self._client = self._network
        self._ownership = Ownership(
            self._redis_directory,
            self._tasks,
            lambda: self.record,
            self._update_nodes,
            self._take_items,
            self._end_lost,
        )
        await self._ownership.beat()
        self._tasks.start(self._ownership.send_heartbeats(self._options.heartbeat_s), "heartbeats")

    def die(self) -> None:
        """End like a process that is killed."""
        self._tasks.cancel()


class Process:
    """A process with one stream, and its node. Takes the place of the `Endpoint` of the stream."""

    name = "stream"
    cluster = None

    def __init__(self, world: World) -> None:
        self.places = Places(lambda id: None)
        self.owner = SimpleNamespace(concurrency_limit=world.load.capacity)
        self.node = SimulatedNode(world.options, world.network, world.redis, world.costs)
        self.is_dead = False
        self.lost: dict[str, asyncio.Future[None]] = {}  # of each connection: done when it is cut

    async def start(self, world: World) -> None:
        await self.node.join(STREAM, self)
        world.network.processes[self.node.record.address] = self

    async def connect(self, id: str) -> None:
        """Answer an offer here.

        Raises:
            SessionRefused: There is no free place.
        """
        self.places.reserve(id, self.owner.concurrency_limit)
        claim = await self.node.owned.claim(Key(STREAM, id))
        if claim.owner != self.node.id:
            self.places.release(id)
            raise SessionRefused("connection_already_exists")

    def hang_up(self, id: str) -> None:
        self.places.release(id)
        self.node.owned.release(Key(STREAM, id))
        self.cut(id)

    def cut(self, id: str) -> None:
        lost = self.lost.pop(id, None)
        if lost is not None:
            lost.set_result(None)

    def die(self) -> None:
        """End like a process that is killed."""
        self.is_dead = True
        self.node.die()
        for id in list(self.lost):
            self.cut(id)

    async def offer(self, id: str) -> Process:
        """Answer an offer, here or on another node, and return the process that did."""
        try:
            await self.connect(id)
            return self
        except SessionRefused as refusal:
            full = refusal
        for other in self.node.nodes_with_places(STREAM):
            try:
                address = await self.node.call_node(other, Key(STREAM, id), "simulated_offer")
                return _processes(self)[address]
            except (RemoteCallFailed, ConnectionUnknown, NodeUnreachable, SessionRefused):
                continue
        raise full

    async def request(self, id: str, item: bytes | None = None) -> bool:
        """Process a request for a connection, and return whether it reached its owner."""
        if id in self.places:
            return True
        key = Key(STREAM, id)
        try:
            if item is not None and self.node.owned.known_owner(key) is None:
                if await self.node.owned.find(key, item) is None:
                    return True  # its claim returns the item
            await self.node.call(key, "simulated_request")
        except (RemoteCallFailed, ConnectionUnknown, DirectoryUnreachable, NodeUnreachable):
            return False
        return True


def _processes(process: Process) -> dict[str, Process]:
    return process.node._network.processes


@call("simulated_offer", for_owner=False)
async def _simulated_offer(process: Any, id: str) -> str:
    await process.connect(id)
    address: str = process.node.record.address
    return address


@call("simulated_request")
async def _simulated_request(process: Any, id: str) -> None:
    return None


@dataclass
class World:
    """A cluster, its load balancer and its clients."""

    costs: Costs
    load: Load
    report: Report
    network: Network = field(default_factory=Network)
    behind_balancer: list[Process] = field(default_factory=list)
    ids: itertools.count[int] = field(default_factory=itertools.count)
    answer_s: list[float] = field(default_factory=list)
    clients: set[asyncio.Task[None]] = field(default_factory=set)
    reconnect_s: list[float] = field(default_factory=list)
    errors: list[BaseException | None] = field(default_factory=list)
    offers: int = 0
    requests: int = 0
    moved: int = 0

    def __post_init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.options = Cluster(directory=lambda: None, secret="x" * 32)  # type: ignore[arg-type,return-value]
        self.redis = RedisModel(self.costs, self.options.lost_after_s)

    def any_process(self) -> Process:
        """Return the process that the load balancer chooses."""
        return random.choice(self.behind_balancer)

    def start_client(self, process: Process | None = None) -> None:
        client = self.loop.create_task(self.client(process))
        self.clients.add(client)
        client.add_done_callback(self.ended)

    def ended(self, client: asyncio.Task[None]) -> None:
        self.clients.discard(client)
        if not client.cancelled() and client.exception() is not None:
            self.errors.append(client.exception())

    async def client(self, process: Process | None) -> None:
        """Connect, at *process* or anywhere, and again when the connection is lost."""
        until = self.loop.time() + random.expovariate(1 / self.load.call_s)
        lost_at = None
        while True:
            id = f"{next(self.ids):032x}"
            owner = await self.connect(id, process)
            process = None
            if owner is None:
                self.report.failed_offers += 1
                return
            if lost_at is not None:
                self.reconnect_s.append(self.loop.time() - lost_at)
            await self.talk(id, owner, until)
            if not owner.is_dead and id in owner.places:
                owner.hang_up(id)
                return
            lost_at = self.loop.time()
            if owner.is_dead:
                await asyncio.sleep(random.uniform(*NOTICE_S))
            until = max(until, self.loop.time() + 1)

    async def connect(self, id: str, process: Process | None) -> Process | None:
        for _ in range(5):
            began = self.loop.time()
            chosen = process or self.any_process()
            if chosen.is_dead:  # the load balancer tries another one
                await asyncio.sleep(0.5)
                continue
            self.offers += 1
            try:
                owner = await chosen.offer(id)
            except SessionRefused:
                return None
            self.moved += owner is not chosen
            self.answer_s.append(self.loop.time() - began)
            for number in range(0 if process else CANDIDATES):
                await self.request(id, owner, json.dumps({"candidate": number}).encode())
            return owner
        return None

    async def talk(self, id: str, owner: Process, until: float) -> None:
        """Send inputs until the time, or until the node is gone."""
        if owner.is_dead or id not in owner.places:
            return
        lost = owner.lost[id] = self.loop.create_future()
        while (left_s := until - self.loop.time()) > 0:
            pause_s = random.expovariate(self.load.inputs_per_minute / 60)
            await asyncio.wait([lost], timeout=min(pause_s, left_s))
            if lost.done():
                return
            if pause_s < left_s:
                await self.request(id, owner)

    async def request(self, id: str, owner: Process, item: bytes | None = None) -> None:
        chosen = self.any_process()
        if chosen.is_dead or owner.is_dead:
            return
        self.requests += 1
        if not await chosen.request(id, item) and not owner.is_dead and id in owner.places:
            self.report.lost_requests += 1


class Meter:
    """Rates between two moments."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._at = world.loop.time()
        self._before = self._counts()
        self._beats = world.redis.count["beat"]

    def _counts(self) -> tuple[float, ...]:
        world = self._world
        redis = world.redis
        return (
            *(world.offers, redis.count["beat"], world.requests, world.network.requests),
            *(redis.count.total(), redis.busy_s),
        )

    def rates(self) -> list[float]:
        """Return offers, heartbeats, requests, forwarded ones, operations and cores of Redis."""
        took = self._world.loop.time() - self._at
        return [(now - then) / took for now, then in zip(self._counts(), self._before, strict=True)]


async def _arrivals(world: World, nodes: int) -> None:
    rate = nodes * world.load.sessions / world.load.call_s
    while True:
        await asyncio.sleep(random.expovariate(rate))
        world.start_client()


async def _simulate(nodes: int, costs: Costs, load: Load) -> Report:
    random.seed(1)
    report = Report(nodes)
    world = World(costs, load, report)
    processes = [Process(world) for _ in range(nodes)]

    async def start(process: Process, delay_s: float) -> None:
        await asyncio.sleep(delay_s)
        await process.start(world)
        world.behind_balancer.append(process)
        for _ in range(load.sessions):
            world.start_client(process)

    await asyncio.gather(*[start(one, random.uniform(0, 4)) for one in processes])
    arrivals = asyncio.ensure_future(_arrivals(world, nodes))
    await asyncio.sleep(WARM_UP_S)

    meter = Meter(world)
    world.answer_s.clear()
    await asyncio.sleep(load.steady_s)
    rates = meter.rates()
    report.offers, report.heartbeats, report.requests, report.forwarded = rates[:4]
    report.operations, report.redis_cores = rates[4:]
    report.answer_p99 = sorted(world.answer_s)[int(len(world.answer_s) * 0.99)]
    report.sessions = sum(len(one.places) for one in processes)

    await _fail(world, processes)
    await _replace(world, processes)

    arrivals.cancel()
    for client in list(world.clients):
        client.cancel()
    await asyncio.gather(arrivals, *world.clients, return_exceptions=True)
    await asyncio.gather(*[one.node.leave(STREAM) for one in processes])
    if world.errors:
        raise RuntimeError(f"{len(world.errors)} clients failed") from world.errors[0]
    return report


async def _fail(world: World, processes: list[Process]) -> None:
    """Kill 10% of the nodes."""
    report, load = world.report, world.load
    dying = random.sample(processes, max(len(processes) // 10, 1))
    report.killed_sessions = sum(len(one.places) for one in dying)
    world.redis.max_wait_s = 0.0
    world.reconnect_s.clear()
    began = world.loop.time()
    for one in dying:
        one.die()
        del world.network.processes[one.node.record.address]
        processes.remove(one)

    async def forget() -> None:
        await asyncio.sleep(BALANCER_CHECK_S)
        world.behind_balancer[:] = [one for one in world.behind_balancer if not one.is_dead]

    forgetting = asyncio.ensure_future(forget())
    until = began + 10
    while world.redis.live > len(processes) and world.loop.time() < until:  # noqa: ASYNC110
        await asyncio.sleep(0.05)
    report.places_free_after = world.loop.time() - began
    await forgetting
    await asyncio.sleep(load.steady_s)
    report.redis_wait_after_failure = world.redis.max_wait_s
    report.reconnected_after = max(world.reconnect_s, default=0.0)
    report.not_reconnected = report.killed_sessions - len(world.reconnect_s)


async def _replace(world: World, processes: list[Process]) -> None:
    """Replace all nodes, a quarter at a time."""
    report = world.report
    began, meter = world.loop.time(), Meter(world)
    offers, moved = world.offers, world.moved
    old = list(processes)
    size = -(-len(old) // 4)
    for first in range(0, len(old), size):
        group = old[first : first + size]
        await asyncio.gather(*[_replace_one(world, processes, one) for one in group])
    report.rolling_took = world.loop.time() - began
    report.rolling_offers, report.rolling_moved = world.offers - offers, world.moved - moved
    report.rolling_redis_cores = meter.rates()[-1]


async def _replace_one(world: World, processes: list[Process], old: Process) -> None:
    await asyncio.sleep(random.uniform(0, 2))
    new = Process(world)
    await new.start(world)
    processes.append(new)
    world.behind_balancer.append(new)
    old.places.stopping = True
    old.node.announce()
    until = world.loop.time() + world.load.drain_limit_s
    await asyncio.sleep(BALANCER_CHECK_S)
    world.behind_balancer.remove(old)
    while len(old.places) and world.loop.time() < until:  # noqa: ASYNC110 (virtual time)
        await asyncio.sleep(0.5)
    world.report.cut_calls += len(old.places)
    for id in sorted(old.places._reserved):  # in the same order in each run
        old.hang_up(id)
    processes.remove(old)
    await old.node.leave(STREAM)
    old.is_dead = True
    del world.network.processes[old.node.record.address]


def simulate(nodes: int, costs: Costs, load: Load) -> Report:
    """Simulate a cluster.

    Args:
        nodes: Number of processes.
        costs: Of the operations of Redis.
        load: What the clients do.
    """
    return virtual_time(_simulate)(nodes, costs, load)


ROWS = {
    "sessions": "{sessions:,}",
    "offers per second": "{offers:,.0f}",
    "requests of clients per second": "{requests:,.0f}",
    "requests forwarded to another node, per second": "{forwarded:,.0f}",
    "heartbeats per second": "{heartbeats:,.0f}",
    "operations of Redis per second": "{operations:,.0f}",
    "cores used by Redis": "{redis_cores:.3f}",
    "time that the directory and forwarding add to an offer, p99": "{answer_p99_ms:.1f} ms",
    "**10% of the nodes die:** connections lost": "{killed_sessions:,}",
    "all of their places are free after": "{places_free_after:.1f} s",
    "longest time that an operation waits for Redis": "{redis_wait_ms:.1f} ms",
    "the last client is connected again after": "{reconnected_after:.1f} s",
    "**rolling restart:** takes": "{rolling_took:.0f} s",
    "offers meanwhile, of which moved to another node": "{rolling_offers:,}, {rolling_moved:,}",
    "calls cut at `drain_limit`": "{cut_calls:,}",
    "cores used by Redis during the restart": "{rolling_redis_cores:.3f}",
    "offers refused, requests lost, in the whole run": "{failed_offers}, {lost_requests}",
    "nodes that one Redis carries with 0.7 cores": "{carried:,.0f}",
}


def table(reports: Sequence[Report]) -> str:
    """Return a table in Markdown, a column for each cluster."""
    lines = ["| nodes | " + " | ".join(f"{report.nodes:,}" for report in reports) + " |"]
    lines.append("|---" * (len(reports) + 1) + "|")
    values = [
        {
            **vars(report),
            "answer_p99_ms": report.answer_p99 * 1000,
            "redis_wait_ms": report.redis_wait_after_failure * 1000,
            "carried": report.nodes * 0.7 / report.redis_cores,
        }
        for report in reports
    ]
    for name, form in ROWS.items():
        lines.append(f"| {name} | " + " | ".join(form.format(**one) for one in values) + " |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--nodes", type=int, action="append", help="repeatable")
    parser.add_argument("--sessions", type=int, default=Load.sessions, help="of each node")
    parser.add_argument("--repeats", type=int, default=3000, help="of each operation of Redis")
    options = parser.parse_args()
    load = Load(sessions=options.sessions, capacity=options.sessions * 3 // 2)
    reports = []
    for nodes in options.nodes or [10, 100, 1000, 3000]:
        costs = asyncio.run(measure_redis(nodes, options.repeats))
        print(costs, file=sys.stderr)
        reports.append(simulate(nodes, costs, load))
        print(reports[-1], file=sys.stderr)
    print(table(reports))


if __name__ == "__main__":
    main()
