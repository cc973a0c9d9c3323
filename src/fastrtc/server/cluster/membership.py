"""An endpoint as a member of a cluster: what it does about connections of other nodes."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from ...core.errors import SessionRefused
from ...core.identity import current_identity
from ...core.log_throttle import LogThrottle
from ...core.outputs import AdditionalOutputs
from ...transport.webrtc.candidates import Candidate, parse_candidate
from ...transport.webrtc.ice_targets import client_place
from ..answering import add_candidate, connect
from ..endpoint import call_key
from ..webrtc_protocol import FASTRTC
from . import forwarded, resuming  # noqa: F401 (they register the calls)
from .calls import ConnectionUnknown, OwnerUnknown, RemoteCallFailed, encode_call
from .candidates import leave_candidates, pass_candidate, send_candidate
from .client import NodeUnreachable
from .directory import DirectoryUnreachable, FleetFull, Key
from .node import ClusterNode
from .options import Cluster
from .remote_outputs import RemoteReaders, read_outputs
from .sending import Senders, Then

if TYPE_CHECKING:
    from ..endpoint import Endpoint

__all__ = ["Membership"]

logger = logging.getLogger(__name__)

FULL = ("concurrency_limit_reached", "too_many_connecting", "server_stopping")
"""The refusals of one node that another node may not have."""

_failures = LogThrottle()


class TotalLimitReached(SessionRefused):
    """All nodes together have as many connections as ``total_limit``."""


class Membership:
    """The membership of an endpoint in a cluster.

    Args:
        endpoint: The endpoint.
        options: The options of the cluster, with those of the environment.

    Attributes:
        readers: The readers of outputs across nodes.
    """

    def __init__(self, endpoint: Endpoint, options: Cluster) -> None:
        self._endpoint = endpoint
        self._options = options
        self._nodes: dict[asyncio.AbstractEventLoop, ClusterNode] = {}  # of live event loops
        self._senders = Senders(lambda: list(self._nodes), self._deliver)
        self._name = ""
        self._forwarding = 0
        self.readers = RemoteReaders(
            lambda id: endpoint.outputs.queue(id) if id in endpoint.places else None
        )

    # Life cycle

    async def start(self) -> ClusterNode:
        """Join the node of the running loop; further calls do nothing.

        Raises:
            RuntimeError: If another stream of the cluster has the same name.
            OSError: If the node cannot listen on its address, or cannot read its secret.
        """
        loop = asyncio.get_running_loop()
        node = self._nodes.get(loop)
        if node is not None:
            return node
        await self._endpoint.shutdown.watch()
        node, name = ClusterNode.of_running_loop(self._options), self._endpoint.name
        await node.join(name, self._endpoint)
        for known in [known for known in list(self._nodes) if known.is_closed()]:
            self._nodes.pop(known, None)  # the thread of another loop may do the same
        self._nodes[loop], self._name = node, name
        return node

    async def stop(self) -> None:
        """Send what waits to be sent, and leave the cluster; a later request joins it again."""
        loop = asyncio.get_running_loop()
        node = self._nodes.get(loop)
        await self._senders.flush()
        if node is not None:
            del self._nodes[loop]
            await node.leave(self._name)

    async def announce(self) -> None:
        """Announce to the other nodes soon that this one drains."""
        node = self._nodes.get(asyncio.get_running_loop())
        if node is not None:
            node.announce()

    @property
    def is_running(self) -> bool:
        """Whether this process is a node of the cluster now."""
        return bool(self._nodes)

    def _key(self, id: str) -> Key:
        return Key(self._name or self._endpoint.name, id)

    # Ownership

    async def claim(self, id: str) -> None:
        """Make this node the owner of a connection, whose place is reserved.

        What other nodes have left for it is added: candidates that arrived before the offer, and
        readers that wait for the connection.

        Raises:
            SessionRefused: If another node has the connection, or ``total_limit`` is reached.
        """
        node, key = await self.start(), self._key(id)
        limit = self._endpoint.owner.total_limit
        try:
            claim = await node.owned.claim(key, limit)
        except FleetFull:
            raise TotalLimitReached("concurrency_limit_reached", limit=limit) from None
        if claim.owner != node.id:
            raise SessionRefused("connection_already_exists")
        self._endpoint.early.allow(id)
        for item in claim.items:
            await self._take_item(node, key, item)

    async def take_items(self, node: ClusterNode, key: Key, items: Sequence[bytes]) -> None:
        """Process what other nodes left for a connection while the directory had lost it."""
        if key.id in self._endpoint.places:
            for item in items:
                await self._take_item(node, key, item)

    async def _take_item(self, node: ClusterNode, key: Key, item: bytes) -> None:
        try:
            fields = json.loads(item)
            if "candidate" in fields:
                await add_candidate(self._endpoint, key.id, parse_candidate(fields["candidate"]))
            elif fields["reader"] != node.id:
                reader = str(fields["reader"])
                node.start_task(self._notify_reader(node, reader, key), "connected")
        except Exception as error:
            logger.warning("An item in the directory is ignored: %r", error)

    async def _notify_reader(self, node: ClusterNode, reader: str, key: Key) -> None:
        try:
            await node.call_node(reader, key, "connected")
        except (RemoteCallFailed, ConnectionUnknown, NodeUnreachable) as error:
            logger.debug("A reader of outputs is not notified: %s", error)

    def release(self, id: str) -> None:
        """Release the id of a connection whose place is free."""
        node = self._nodes.get(asyncio.get_running_loop())
        if node is not None:
            node.owned.release(self._key(id))

    async def release_now(self, id: str) -> None:
        """Release the id of a connection, and wait until the directory knows it."""
        node = await self.start()
        await node.owned.release_now(self._key(id))

    # Telephone calls

    async def hold_call(self, id: str) -> bool:
        """Record that this node has reserved a place for a telephone call.

        Returns:
            Whether ``total_limit`` allows it.
        """
        if not is_id(call_key(id)):
            return True
        node = await self.start()
        try:
            await node.owned.claim(self._key(call_key(id)), self._endpoint.owner.total_limit)
        except FleetFull:
            return False
        return True

    async def holder_of_call(self, id: str) -> str | None:
        """Return the id of the other node that has reserved a place for a call, or None."""
        if not is_id(call_key(id)):
            return None
        node = await self.start()
        try:
            owner = await node.find_owner(self._key(call_key(id)))
        except DirectoryUnreachable:
            return None
        return None if owner == node.id else owner

    async def release_call(self, id: str, holder: str | None) -> None:
        """Free the place that this node, or the node *holder*, has reserved for a call."""
        if not is_id(call_key(id)):
            return
        node, key = await self.start(), self._key(call_key(id))
        if holder is None:
            await node.owned.release_now(key)
            return
        try:
            await node.call_node(holder, key, "release_call")
        except (RemoteCallFailed, ConnectionUnknown, NodeUnreachable) as error:
            logger.debug("The place of a call is freed when it expires: %s", error)

    # Offers and candidates

    async def connect(
        self,
        id: str,
        sdp: Any,
        set_outputs: Callable[[AdditionalOutputs], Any],
        metadata: Mapping[str, Any],
        protocol: str = FASTRTC,
        options: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Answer an offer; if this node has no free place or drains, let another node do it.

        On another node, ``set_outputs`` is what ``set_additional_outputs`` creates there.

        Raises:
            InvalidOffer: If the offer is malformed or does not fit the endpoint.
            SessionRefused: If no node can answer it.
        """
        try:
            return await connect(self._endpoint, id, sdp, set_outputs, metadata, protocol, options)
        except TotalLimitReached:
            raise
        except SessionRefused as refusal:
            if refusal.code not in FULL:
                raise
            full = refusal
        candidates = await self.pass_on_candidates(id)
        node, key = await self.start(), self._key(id)
        if self._forwarding >= self._endpoint.owner.limits.connecting:
            raise full
        self._forwarding += 1
        try:
            offer = (sdp, metadata, protocol, options)
            answer, other = await self._connect_elsewhere(node, key, offer, full)
        finally:
            self._forwarding -= 1
        node.owned.remember(key, other)
        for candidate in candidates:
            await send_candidate(node, key, candidate)
        return answer

    async def others_accept_sockets(self, reserved: bool, may_start: bool) -> bool:
        """Return whether another node has a free or, if *reserved*, a reserved place for a socket.

        It is as far as this node knows; it does not know which places of others are reserved.

        Args:
            reserved: Whether reserved places count.
            may_start: Whether this node has free places itself, but only those for which its open
                sockets may start; such places of others do not count then.
        """
        node = await self.start()
        if reserved and node.has_others:
            return True
        return bool(await node.find_places(self._name, but_for_sockets=may_start))

    async def _connect_elsewhere(
        self, node: ClusterNode, key: Key, offer: tuple[Any, ...], full: SessionRefused
    ) -> tuple[dict[str, Any], str]:
        """Return the answer of another node, and the id of that node."""
        context = client_place.get(), current_identity.get()
        for other in await node.find_places(key.stream):
            try:
                answer: dict[str, Any] = await node.call_node(other, key, "offer", *offer, *context)
                return answer, other
            except SessionRefused as refusal:
                if refusal.code not in FULL:
                    raise
            except TypeError as error:  # the user, which authorize returned, cannot be pickled
                _failures.log(logger.warning, "An offer could not be forwarded: %s", error)
                break
            except (RemoteCallFailed, ConnectionUnknown, NodeUnreachable) as error:
                _failures.log(logger.warning, "An offer could not be forwarded: %s", error)
        raise full

    async def add_candidate(self, id: str, value: Any, candidate: Candidate) -> None:
        """Pass a candidate to the node that has its connection; see ``cluster.candidates``.

        Raises:
            InvalidCandidate: If the owner refuses it.
            SessionRefused: If the connection has ended, or its owner does not answer.
        """
        node = await self.start()
        await pass_candidate(self._endpoint, node, self._key(id), value, candidate)

    async def pass_on_candidates(self, id: str) -> list[Any]:
        """Leave the candidates of an offer that this node has refused to the one that takes it.

        Returns:
            Those that could not be left, as the directory is unreachable.
        """
        candidates = self._endpoint.early.take(id)
        if not candidates:
            return []
        await self.release_now(id)
        values = [candidate.to_json() for candidate in candidates]
        return await leave_candidates(await self.start(), self._key(id), values)

    # Inputs

    async def call(self, id: str, name: str, *args: Any) -> Any:
        """Make a call to the owner of a connection; None if there is none, or it does not answer.

        Raises:
            TypeError: If an argument cannot be pickled.
            Exception: The exceptions of the call.
        """
        if not is_id(id):
            return None
        return await self._deliver(id, name, self._encode(id, name, args))

    def _encode(self, id: str, name: str, args: tuple[Any, ...]) -> bytes:
        return encode_call(name, self._endpoint.name, id, args)

    async def _deliver(self, id: str, name: str, body: bytes) -> Any:
        try:
            node = await self.start()
            return await node.send(self._key(id), name, body)
        except OwnerUnknown as error:
            _failures.log(logger.warning, "%s is ignored: %s", name, error)
        except ConnectionUnknown as error:
            logger.debug("%s is ignored: %s", name, error)
        except NodeUnreachable as error:
            _failures.log(logger.warning, "%s could not be forwarded: %s", name, error)
        except RemoteCallFailed as error:
            logger.error("%s of the connection %r failed: %s", name, id, error)
        return None

    def send(self, id: str, name: str, *args: Any, then: Then | None = None) -> Any:
        """Make a call to the owner of a connection, from any thread; see ``Sender.send``.

        Args:
            id: The connection.
            name: The name of the call.
            *args: Its arguments.
            then: Called with the result, unless the call raises here.

        Raises:
            TypeError: If an argument cannot be pickled.
            ValueError: If the arguments are too large.
            Exception: The exceptions of the call, in a thread without an event loop.
        """
        body, sender = self._encode(id, name, args), self._senders.current()
        if is_id(id) and sender is not None:
            return sender.send(id, name, body, then)
        if then is not None:
            then(None, None)
        return None

    # Outputs

    async def read_outputs(self, id: str) -> AsyncGenerator[AdditionalOutputs, None]:
        """Yield the outputs of a connection that this node may not have, until it ends.

        Readers end after 30 s if there is no connection by then.
        """
        if not is_id(id):
            return
        node, key, read = await self.start(), self._key(id), self._endpoint.outputs.read
        async with aclosing(read_outputs(node, key, self.readers, read)) as reading:
            async for outputs in reading:
                yield outputs

    async def fetch_page_outputs(self, id: str, event: int) -> list[AdditionalOutputs]:
        """Return the outputs that wait on another node for an event of a page."""
        return await self.call(id, "page_outputs", event) or []


def is_id(id: object) -> bool:
    """Return whether a value can be the id of a connection."""
    try:
        return isinstance(id, str) and Key("/", id) is not None
    except ValueError:
        return False
