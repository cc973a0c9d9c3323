"""A directory in memory, for several nodes of one process."""

from __future__ import annotations

import itertools
import random
import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush
from math import inf

from .directory import (
    LOST_AFTER_S,
    MAX_ITEM_BYTES,
    MAX_ITEMS,
    MAX_PEERS,
    MAX_WAITING_KEYS,
    Claim,
    FleetFull,
    Key,
    Node,
    NodeUnknown,
    check_item,
)

__all__ = ["MemoryDirectory"]


@dataclass
class _Member:
    """A node that counts as live."""

    node: Node
    beat_at: float
    keys: set[Key] = field(default_factory=set)


@dataclass
class _Item:
    content: bytes
    expires_at: float


class MemoryDirectory:
    """A directory for several nodes of one process, such as in tests. Thread-safe.

    Args:
        lost_after_s: Time without a heartbeat after which a node counts as dead, in seconds.
        clock: Returns the time in seconds.
        randomness: Chooses the nodes that a heartbeat returns, if there are many.
    """

    def __init__(
        self,
        lost_after_s: float = LOST_AFTER_S,
        clock: Callable[[], float] = time.monotonic,
        randomness: random.Random | None = None,
    ) -> None:
        self._lost_after_s = lost_after_s
        self._clock = clock
        self._random = randomness or random.Random()
        self._lock = threading.Lock()
        self._members: OrderedDict[str, _Member] = OrderedDict()  # the oldest heartbeat first
        self._owners: dict[Key, str] = {}
        self._totals: Counter[str] = Counter()
        self._waiting: dict[Key, list[_Item]] = {}
        self._expiries: list[tuple[float, int, Key]] = []  # a heap, of all items left
        self._order = itertools.count()

    async def beat(self, node: Node, keys: Collection[Key] | None = None) -> Sequence[Node]:
        """See ``Directory.beat``."""
        with self._lock:
            now = self._remove_dead()
            member = self._members.get(node.id)
            if member is None and keys is None:
                raise NodeUnknown(f"the directory does not know the node {node.id}")
            if member is None:
                member = self._members[node.id] = _Member(node, now)
            member.node, member.beat_at = node, now
            self._members.move_to_end(node.id)
            if keys is not None:
                for key in member.keys.difference(keys):
                    self._disown(key, member)
                for key in keys:
                    if key not in self._owners:
                        self._own(key, member)
            return self._peers(node)

    async def leave(self, node_id: str) -> None:
        """See ``Directory.leave``."""
        with self._lock:
            self._remove(node_id)

    async def node(self, node_id: str) -> Node | None:
        """See ``Directory.node``."""
        with self._lock:
            self._remove_dead()
            member = self._members.get(node_id)
            return None if member is None else member.node

    async def claim(self, key: Key, node_id: str, total_limit: int | None = None) -> Claim:
        """See ``Directory.claim``."""
        with self._lock:
            now = self._remove_dead()
            member = self._members.get(node_id)
            if member is None:
                raise NodeUnknown(f"the directory does not know the node {node_id}")
            owner = self._owners.get(key)
            if owner is None:
                if total_limit is not None and self._totals[key.stream] >= total_limit:
                    raise FleetFull(f"{key.stream} has {total_limit} connections in the cluster")
                self._own(key, member)
            elif owner != node_id:
                return Claim(owner, [])
            items = self._waiting.pop(key, ())
            return Claim(node_id, [item.content for item in items if item.expires_at > now])

    async def release(self, key: Key, node_id: str) -> None:
        """See ``Directory.release``."""
        with self._lock:
            member = self._members.get(node_id)
            if member is not None and key in member.keys:
                self._disown(key, member)

    async def find(self, key: Key, item: bytes | None = None, ttl_s: float = 10) -> str | None:
        """See ``Directory.find``."""
        check_item(item)
        with self._lock:
            now = self._remove_dead()
            owner = self._owners.get(key)
            if owner is None and item is not None:
                self._leave_item(key, _Item(item, now + ttl_s), now)
            return owner

    async def close(self) -> None:
        """Do nothing: other nodes may use the same directory."""

    def _peers(self, node: Node) -> list[Node]:
        if len(self._members) <= MAX_PEERS:
            return [member.node for member in self._members.values()]
        ids = self._random.sample(list(self._members), MAX_PEERS)
        return [node, *[self._members[one].node for one in ids if one != node.id][: MAX_PEERS - 1]]

    def _leave_item(self, key: Key, item: _Item, now: float) -> None:
        self._drop_waiting(now)
        if key not in self._waiting and len(self._waiting) >= MAX_WAITING_KEYS:
            self._drop_waiting(inf, MAX_WAITING_KEYS - 1)
        items = [one for one in self._waiting.get(key, ()) if one.expires_at > now]
        size = sum(len(one.content) for one in items)
        if len(items) < MAX_ITEMS and size + len(item.content) <= MAX_ITEM_BYTES:
            items.append(item)
            heappush(self._expiries, (item.expires_at, next(self._order), key))
        self._waiting[key] = items

    def _drop_waiting(self, until: float, keep: int = 0) -> None:
        """Remove keys whose items expire until a time, the first to expire first, but *keep* some.

        The times in the heap that are not the last one of a key's items are outdated.
        """
        while len(self._waiting) > keep and self._expiries[0][0] <= until:
            expires_at, _, key = heappop(self._expiries)
            items = self._waiting.get(key, ())
            if items and max(item.expires_at for item in items) <= expires_at:
                del self._waiting[key]
        if not self._waiting:
            self._expiries.clear()

    def _own(self, key: Key, member: _Member) -> None:
        self._owners[key] = member.node.id
        self._totals[key.stream] += 1
        member.keys.add(key)

    def _disown(self, key: Key, member: _Member) -> None:
        member.keys.remove(key)
        del self._owners[key]
        self._totals[key.stream] -= 1
        if not self._totals[key.stream]:
            del self._totals[key.stream]

    def _remove(self, node_id: str) -> None:
        member = self._members.get(node_id)
        if member is not None:
            for key in list(member.keys):
                self._disown(key, member)
            del self._members[node_id]

    def _remove_dead(self) -> float:
        """Remove the dead nodes and what they own, and return the time."""
        now = self._clock()
        while self._members:
            node_id, oldest = next(iter(self._members.items()))
            if now - oldest.beat_at <= self._lost_after_s:
                break
            self._remove(node_id)
        return now
