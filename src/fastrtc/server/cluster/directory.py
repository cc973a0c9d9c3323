"""The interface of a directory, its records and its errors.

A directory is shared by all processes of a cluster, the *nodes*. It knows which nodes are live, and
which node owns a connection. Media never goes through it.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from ...core.errors import FastRTCError
from ...core.limits import MAX_ID_LENGTH

__all__ = [
    "HEARTBEAT_S",
    "LOST_AFTER_S",
    "MAX_ITEMS",
    "MAX_ITEM_BYTES",
    "MAX_PEERS",
    "MAX_WAITING_KEYS",
    "OPERATION_TIMEOUT_S",
    "Claim",
    "Directory",
    "DirectoryUnreachable",
    "FleetFull",
    "Key",
    "Node",
    "NodeUnknown",
    "check_item",
    "read_nodes",
]

HEARTBEAT_S = 1.0
"""Interval between the heartbeats of a node, in seconds."""

LOST_AFTER_S = 4.0
"""Time without a heartbeat after which a node counts as dead, in seconds."""

OPERATION_TIMEOUT_S = 2.0
"""Maximum duration of an operation on a directory in seconds."""

MAX_PEERS = 32
"""Maximum number of nodes that a heartbeat returns. Of a larger cluster it returns random ones, so
that the cost of the heartbeats does not grow with the square of the number of nodes."""

MAX_ITEMS = 32
"""Maximum number of items left for the future owner of a key; further ones are dropped."""

MAX_ITEM_BYTES = 65536
"""Maximum size of an item, and of all items left for one key, in bytes."""

MAX_WAITING_KEYS = 4096
"""Maximum number of keys with items left for them; a further one replaces the one whose items
expire first."""


class DirectoryUnreachable(FastRTCError):
    """The directory does not respond, or refuses what it is asked."""


class NodeUnknown(FastRTCError):
    """The directory does not know the node: it lost its data, or the node counts as dead.

    The node has to send a heartbeat with all keys that it owns.
    """


class FleetFull(FastRTCError):
    """The live nodes together have as many connections of a stream as its ``total_limit``."""


@dataclass(frozen=True)
class Node:
    """One process, as it describes itself in each heartbeat.

    Attributes:
        id: A random id, new for each start of a process.
        address: Where the other nodes reach it: ``"unix:/path.sock"`` or
            ``"http://10.0.0.2:41234"``.
        sessions: Number of its connections, of all streams.
        capacity: Maximum number of its connections, of all streams; None if it has no limit.
        draining: Whether it stops, and accepts no new connections.
        free: Number of free places by the name of the stream; None for a stream without a limit.
        starting: Number of open WebSockets that may need one at any moment, by the stream.
    """

    id: str
    address: str
    sessions: int = 0
    capacity: int | None = None
    draining: bool = False
    free: Mapping[str, int | None] = field(default_factory=dict)
    starting: Mapping[str, int] = field(default_factory=dict)

    def has_place(self, stream: str, but_for_sockets: bool) -> bool:
        """Return whether there is a free place, also beside those for which sockets may start."""
        free = self.free.get(stream, 0)
        return free is None or free > (self.starting.get(stream, 0) if but_for_sockets else 0)

    def to_json(self) -> str:
        """Return the record as a JSON object."""
        mappings = {"free": dict(self.free), "starting": dict(self.starting)}
        return json.dumps({**vars(self), **mappings}, separators=(",", ":"))

    @classmethod
    def from_json(cls, record: str | bytes) -> Node:
        """Return the node of a JSON object. Unknown fields, of a newer version, are ignored.

        Raises:
            ValueError: It is not a record of a node.
        """
        try:
            fields = json.loads(record)
            known = {name: fields[name] for name in _TYPES if name in fields}
            starting = known.setdefault("starting", {})  # older nodes have none
            counts_are_valid = all(type(count) in _COUNT for count in known["free"].values())
            counts_are_valid &= all(type(count) is int for count in starting.values())
            wrong = [name for name, types in _TYPES.items() if type(known.get(name)) not in types]
        except (AttributeError, KeyError, RecursionError, TypeError, ValueError) as error:
            raise ValueError(f"not a record of a node: {error!r}") from None
        if wrong or not counts_are_valid:
            raise ValueError(f"not a record of a node: wrong type of {', '.join(wrong) or 'free'}")
        return cls(**known)


_COUNT = (int, type(None))
_TYPES: dict[str, tuple[type, ...]] = {
    "id": (str,),
    "address": (str,),
    "sessions": (int,),
    "capacity": _COUNT,
    "draining": (bool,),
    "free": (dict,),
    "starting": (dict,),
}


@dataclass(frozen=True)
class Key:
    """The id of a connection, unique in the cluster.

    Attributes:
        stream: The name of its stream, which is the same in all processes.
        id: The ``webrtc_id``, or that of the reserved place of a telephone call.

    Raises:
        ValueError: One of them is empty, too long or not valid Unicode, or the stream's name has a
            line break.
    """

    stream: str
    id: str

    def __post_init__(self) -> None:
        for name, value in (("stream", self.stream), ("id", self.id)):
            if not 0 < len(value) <= MAX_ID_LENGTH or not _is_unicode(value):
                raise ValueError(f"{name} must be a string of 1 to {MAX_ID_LENGTH} characters")
        if "\n" in self.stream:
            raise ValueError("the name of a stream must not have line breaks")


class Claim(NamedTuple):
    """The result of a claim.

    Attributes:
        owner: The id of the node that owns the key. The claim was granted if it is the node that
            made the claim.
        items: What other nodes left for the owner, oldest first. Empty if it was not granted.
    """

    owner: str
    items: Sequence[bytes]


class Directory(Protocol):
    """Which nodes are live, and which node owns a key.

    Each operation is atomic, and takes at most ``OPERATION_TIMEOUT_S``. A node that has sent no
    heartbeat for ``lost_after_s`` is dead: it owns nothing, and its keys are removed by the next
    operation of any node. All methods of a directory are called on one event loop, and each of them
    may raise ``DirectoryUnreachable``. Then the operation may have happened or not; all of them can
    be repeated.
    """

    async def beat(self, node: Node, keys: Collection[Key] | None = None) -> Sequence[Node]:
        """Record a heartbeat of a node.

        Args:
            node: Its present description.
            keys: All keys that it owns, for its first heartbeat, after ``NodeUnknown``, and after
                a claim or release that failed. Of what it owned before, the directory removes what
                is not among them, so no claim or release of this node may be in progress. Keys
                that another live node owns stay with that node. None changes no keys.

        Returns:
            The live nodes, including *node* itself; of more than ``MAX_PEERS``, random ones.

        Raises:
            NodeUnknown: The directory does not know the node, and *keys* is None.
        """

    async def leave(self, node_id: str) -> None:
        """Remove a node and the keys that it owns. An unknown node is ignored."""

    async def node(self, node_id: str) -> Node | None:
        """Return a live node, or None if it is dead or unknown."""

    async def claim(self, key: Key, node_id: str, total_limit: int | None = None) -> Claim:
        """Make a node the owner of a key, unless a live node owns it.

        Args:
            key: The key.
            node_id: The node that wants to own it. It may own it already.
            total_limit: Maximum number of keys of the same stream in the cluster, or None.

        Returns:
            The owner, and the items that were left for it.

        Raises:
            FleetFull: *total_limit* is reached.
            NodeUnknown: The directory does not know the node.
        """

    async def release(self, key: Key, node_id: str) -> None:
        """Remove a key, if the node is its owner."""

    async def find(self, key: Key, item: bytes | None = None, ttl_s: float = 10) -> str | None:
        """Return the owner of a key, or leave an item for its future owner.

        Args:
            key: The key.
            item: What the claim of the future owner returns, at most ``MAX_ITEM_BYTES``. It is
                left only if no live node owns the key. A key has at most ``MAX_ITEMS`` items of
                ``MAX_ITEM_BYTES`` together; further ones are dropped.
            ttl_s: Lifetime of the item in seconds.

        Returns:
            The id of the owner; None if there is none.

        Raises:
            ValueError: The item is too large.
        """

    async def close(self) -> None:
        """Close the connection to the directory. May be called more than once."""


def check_item(item: bytes | None) -> None:
    """Raise a ``ValueError`` for an item that is too large to be left for an owner."""
    if item is not None and len(item) > MAX_ITEM_BYTES:
        raise ValueError(f"an item may have {MAX_ITEM_BYTES} bytes, this one has {len(item)}")


def read_nodes(records: Iterable[str | bytes]) -> list[Node]:
    """Return the nodes of JSON records, without records that cannot be read."""
    nodes = []
    for record in records:
        with suppress(ValueError):
            nodes.append(Node.from_json(record))
    return nodes


def _is_unicode(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
