"""This process as a node of a cluster: heartbeats, ownership of connections, and calls."""

from __future__ import annotations

import asyncio
import logging
import random
import secrets
from collections.abc import Coroutine, Sequence
from typing import TYPE_CHECKING, Any

from ...core.log_throttle import LogThrottle
from ...core.tasks import TaskOwner, end_if_cancelled
from .calls import (
    CALLS,
    ConnectionUnknown,
    OwnerUnknown,
    answer_call,
    decode_answer,
    encode_call,
    failure,
)
from .client import InternalClient, NodeUnreachable
from .directory import MAX_PEERS, DirectoryUnreachable, Key, Node
from .internal import InternalServer
from .listening import Folders, Listening, listen
from .opening import find_secret, keep_secret, open_directory
from .options import Cluster
from .ownership import Ownership
from .signature import RequestSigner, RequestVerifier

if TYPE_CHECKING:
    from ..endpoint import Endpoint

__all__ = ["ClusterNode", "nodes_of_running_loop"]

logger = logging.getLogger(__name__)

ASK_AGAIN_S = 0.2
"""How often the directory is asked for nodes with free places between heartbeats, in seconds."""

RECOVERY_MARGIN_S = 1.0
"""How late the heartbeats of other nodes may be, in seconds, before a call fails whose owner the
directory has lost."""

IDLE_READER_S = 30.0
"""How long a reader of outputs on another node sends no request before this node checks whether its
process is gone, in seconds."""

MAX_TRIES = 3
"""Number of nodes that an offer is sent to, before it is refused."""

_failures = LogThrottle()
_nodes: dict[tuple[int, Cluster], tuple[asyncio.AbstractEventLoop, ClusterNode]] = {}


class ClusterNode:
    """One process in a cluster: the streams of an event loop that have the same options.

    Args:
        options: The options, with those of the environment.

    Attributes:
        id: Random, new for each start.
        loop: The event loop that it runs on.
    """

    def __init__(self, options: Cluster) -> None:
        self.id = secrets.token_hex(16)
        self.loop = asyncio.get_running_loop()
        self._options = options
        self._endpoints: dict[str, Endpoint] = {}
        self._nodes: dict[str, Node] = {}
        self._asking = asyncio.Lock()
        self._asked_at = 0.0
        self._tasks = TaskOwner("fastrtc-cluster")
        self._starting: asyncio.Task[None] | None = None
        self._ownership: Ownership | None = None
        self._server: InternalServer | None = None
        self._client: InternalClient | None = None
        self._listening: Listening | None = None

    # Life cycle

    @classmethod
    def of_running_loop(cls, options: Cluster) -> ClusterNode:
        """Return the node of the running loop with the given options, which may not have started.

        Streams with equal options share one node.
        """
        loop = asyncio.get_running_loop()
        for known, (other, _) in list(_nodes.items()):
            if other.is_closed():
                _nodes.pop(known, None)  # the thread of another loop may do the same
        key = (id(loop), options)
        if key not in _nodes:
            _nodes[key] = loop, cls(options)
        return _nodes[key][1]

    @property
    def endpoints(self) -> list[Endpoint]:
        """The endpoints of the streams."""
        return list(self._endpoints.values())

    async def join(self, name: str, endpoint: Endpoint) -> None:
        """Add the endpoint of a stream, and start if this is the first one.

        Raises:
            RuntimeError: If another stream has the same name.
            OSError: If the node cannot listen on its address, or cannot read its secret.
        """
        other = self._endpoints.setdefault(name, endpoint)
        if other is not endpoint or self._is_ambiguous(name, endpoint):
            if other is endpoint:
                del self._endpoints[name]
            raise RuntimeError(
                f"Two streams of a cluster have the name {name!r}: mount each at a path of its own"
            )
        if self._starting is None:
            self._starting = self.loop.create_task(self._start(), name="fastrtc-cluster:start")
        try:
            await asyncio.shield(self._starting)
        except Exception:
            self._endpoints.pop(name, None)
            self._forget_itself()
            raise

    def _is_ambiguous(self, name: str, endpoint: Endpoint) -> bool:
        """Return whether another stream of this process, on another loop, is not mounted either.

        Offers for one of them could be sent to a process that answers for the other.
        """
        return name == type(endpoint).name and any(
            other is not endpoint and other.name == name
            for (_, options), (_, node) in list(_nodes.items())
            if options == self._options
            for other in node.endpoints
        )

    async def leave(self, name: str) -> None:
        """Remove the endpoint of a stream, and stop if it was the last one."""
        self._endpoints.pop(name, None)
        if not self._endpoints:
            self._forget_itself()
            await self._stop()

    def _forget_itself(self) -> None:
        key = (id(self.loop), self._options)
        if key in _nodes and _nodes[key][1] is self:
            del _nodes[key]

    async def _start(self) -> None:
        options = self._options
        try:
            secret = await find_secret(options)
            self._listening = listen(options, self.id)
            self._client = InternalClient(RequestSigner(secret))
            self._server = InternalServer(RequestVerifier(secret, self.id), self._receive)
            await self._server.start(self._listening.socket)
            self._ownership = owned = Ownership(
                open_directory(options, secret),
                self._tasks,
                lambda: self.record,
                self._update_nodes,
                self._take_items,
                self._end_lost,
            )
            await owned.beat()
        except BaseException:
            await self._stop()
            raise
        self._tasks.start(owned.send_heartbeats(options.heartbeat_s), "heartbeats")
        self._tasks.start(self._maintain(secret, Folders(options)), "maintenance")

    async def _stop(self) -> None:
        self._tasks.cancel()
        await self._tasks.join(1.0)
        if self._ownership is not None:
            await self._ownership.leave()
        if self._server is not None:
            await self._server.stop()
        if self._client is not None:
            await self._client.close()
        if self._listening is not None:
            self._listening.close()

    async def _maintain(self, secret: str, folders: Folders) -> None:
        """Restore files that were removed, and forget readers of processes that are gone."""
        while True:
            await asyncio.sleep(self._options.lost_after_s)
            end_if_cancelled()
            try:
                folders.restore()
                keep_secret(self._options, secret)
                await self._listen_again()
                await self._forget_readers()
            except OSError as error:
                _failures.log(logger.error, "The files of the cluster are gone: %s", error)
            except Exception:
                logger.exception("The maintenance of the cluster failed")

    async def _listen_again(self) -> None:
        """Open another socket if the file of this one was removed, at the same address."""
        gone = self._listening
        if gone is None or gone.is_reachable or self._server is None:
            return
        self._listening = listen(self._options, self.id)
        await self._server.start(self._listening.socket)
        gone.socket.close()
        logger.warning("%s was removed, and is opened again", gone.address)

    async def _forget_readers(self) -> None:
        readers = [one.cluster.readers for one in self.endpoints if one.cluster is not None]
        idle = {node for one in readers for node in one.idle_nodes(IDLE_READER_S)}
        for node_id in idle - self._nodes.keys():
            known = [await self.owned.node(one) is not None for one in (self.id, node_id)]
            if known == [True, False]:  # the directory has not lost its data
                for one in readers:
                    one.end_node(node_id)

    # What the directory knows

    @property
    def owned(self) -> Ownership:
        """What the node owns.

        Raises:
            RuntimeError: If the node has not started.
        """
        if self._ownership is None:
            raise RuntimeError("The node has not started")
        return self._ownership

    @property
    def record(self) -> Node:
        """This node as the others see it."""
        members = self._endpoints.items()
        limits = [endpoint.owner.concurrency_limit for _, endpoint in members]
        return Node(
            self.id,
            "" if self._listening is None else self._listening.address,
            sessions=sum(len(endpoint.places) for _, endpoint in members),
            capacity=None if None in limits else sum(limit or 0 for limit in limits),
            draining=all(endpoint.places.stopping for _, endpoint in members),
            free={
                name: endpoint.places.free(endpoint.owner.concurrency_limit)
                for name, endpoint in members
            },
            starting={name: len(endpoint.places.starting) for name, endpoint in members},
        )

    def _update_nodes(self, nodes: Sequence[Node]) -> None:
        present = {node.id: node for node in nodes}
        if self.loop.time() < self.owned.recovered_at + self._options.lost_after_s:
            # If the directory has lost its data, it knows each node after its next heartbeat only
            present = {**self._nodes, **present}
        if len(present) < MAX_PEERS and self._client is not None:  # these are all
            used = {node.address for node in present.values()}
            for gone in self._nodes.keys() - present.keys():
                address = self._nodes[gone].address
                if address not in used:  # by a process that has replaced it
                    self._tasks.start(self._client.drop(address), "drop")
        self._nodes = present

    async def _take_items(self, key: Key, items: Sequence[bytes]) -> None:
        endpoint = self._endpoints.get(key.stream)
        if endpoint is not None and endpoint.cluster is not None:
            await endpoint.cluster.take_items(self, key, items)

    def _end_lost(self, key: Key) -> None:
        endpoint = self._endpoints.get(key.stream)
        connection = None if endpoint is None else endpoint.places.get(key.id)
        if connection is not None:
            logger.warning("Connection %r ends: another process has its id now", key.id)
            connection.session.close("another process has the connection now", tell=True)

    def announce(self) -> None:
        """Send a heartbeat soon, as this node has started to drain."""
        self._tasks.start(self.owned.beat(), "announcement")

    async def find_owner(self, key: Key) -> str | None:
        """Return the id of the owner of a key, or None; wait for a directory that recovers.

        Raises:
            DirectoryUnreachable: If the directory is unreachable for longer.
        """
        return await self.owned.find_owner(key, self._options.heartbeat_s + RECOVERY_MARGIN_S)

    async def find_places(self, stream: str, *, but_for_sockets: bool = False) -> list[str]:
        """Return nodes with free places; see ``nodes_with_places``.

        If none is known, ask the directory, as others may have started since the last heartbeat;
        also to announce the sockets of this node, for which the others may refuse theirs.
        """
        async with self._asking:
            found = self.nodes_with_places(stream, but_for_sockets=but_for_sockets)
            asks = but_for_sockets or not found
            if asks and self.loop.time() >= self._asked_at + ASK_AGAIN_S:
                await self.owned.beat()
                self._asked_at = self.loop.time()
                found = self.nodes_with_places(stream, but_for_sockets=but_for_sockets)
            return found

    @property
    def has_others(self) -> bool:
        """Whether there are other nodes that do not drain."""
        return any(one.id != self.id and not one.draining for one in self._nodes.values())

    def nodes_with_places(self, stream: str, *, but_for_sockets: bool = False) -> list[str]:
        """Return up to three other nodes with free places for a stream, best first.

        Each is the less loaded of two random ones, so that not all nodes choose the same.

        Args:
            stream: The name of the stream.
            but_for_sockets: Whether places for which open sockets may start do not count.
        """
        free = [
            node
            for node in self._nodes.values()
            if node.id != self.id and not node.draining and node.has_place(stream, but_for_sockets)
        ]
        chosen: list[str] = []
        while free and len(chosen) < MAX_TRIES:
            best = min(random.sample(free, min(2, len(free))), key=lambda node: node.sessions)
            free.remove(best)
            chosen.append(best.id)
        return chosen

    # Calls

    async def _receive(self, name: str, body: bytes) -> bytes:
        try:
            return await answer_call(name, body, self._endpoints.get)
        except Exception as error:
            logger.exception("A call of another process failed: %s", name)
            return failure(error)

    async def call(self, key: Key, name: str, *args: Any) -> Any:
        """Make a call to the owner of a connection.

        The owner is remembered. If it does not have the connection, it is looked up once more.

        Raises:
            ConnectionUnknown: If no node has the connection, or as ``OwnerUnknown``.
            NodeUnreachable: If its owner does not answer.
            TypeError: If an argument cannot be pickled.
            Exception: The exceptions of the call; see ``decode_answer``.
        """
        return await self.send(key, name, encode_call(name, key.stream, key.id, args))

    async def send(self, key: Key, name: str, body: bytes) -> Any:
        """Make a call whose arguments are encoded already; see ``call``."""
        error: Exception = ConnectionUnknown(f"There is no connection {key.id!r}")
        owner, tried = self.owned.known_owner(key), None
        for _ in range(2):
            if owner is None:
                try:
                    owner = await self.find_owner(key)
                except DirectoryUnreachable as unreachable:
                    raise OwnerUnknown(str(unreachable)) from unreachable
            if owner in (None, tried):
                break
            try:
                return await self._send_to(owner, name, body)
            except ConnectionUnknown as failed:
                error = failed
            except NodeUnreachable as failed:  # which may have processed it
                error, tried = failed, owner
            self.owned.forget_owner(key)
            owner = None
        raise error

    async def call_node(self, node_id: str, key: Key, name: str, *args: Any) -> Any:
        """Make a call to a node, about a connection that it need not own; see ``call``."""
        request = self._send_to(node_id, name, encode_call(name, key.stream, key.id, args))
        return await self.owned.while_alive(node_id, request, self._options.lost_after_s)

    async def _send_to(self, node_id: str, name: str, body: bytes) -> Any:
        if node_id == self.id:  # it has become the owner since the caller has looked
            return decode_answer(await self._receive(name, body))
        node = self._nodes.get(node_id)
        if node is None:
            node = await self.owned.node(node_id)
        if node is None or self._client is None:
            raise NodeUnreachable(f"The process {node_id} is gone")
        return decode_answer(await self._client.request(node, name, body, CALLS[name].timeout_s))

    def start_task(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        """Run a coroutine in the background; it is cancelled when the node stops."""
        return self._tasks.start(work, name)


def nodes_of_running_loop() -> list[ClusterNode]:
    """Return the nodes that run on the running event loop."""
    loop = asyncio.get_running_loop()
    return [node for other, node in list(_nodes.values()) if other is loop]
