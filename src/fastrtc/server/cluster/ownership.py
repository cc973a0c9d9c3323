"""What a node owns: heartbeats, claims and releases, while the directory is reachable or not."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from math import inf
from typing import Any, TypeVar

from ...core.tasks import TaskOwner, end_if_cancelled
from .client import NodeUnreachable
from .directory import Claim, Directory, DirectoryUnreachable, FleetFull, Key, Node, NodeUnknown

__all__ = ["Ownership"]

logger = logging.getLogger(__name__)
T = TypeVar("T")

DIRECTORY_TIMEOUT_S = 3.0
"""How long an operation of a directory may take, in seconds, whatever the directory does."""

COLLECT_AFTER_S = 1.0
"""How long after it has sent all keys a node collects what was left for them, in seconds."""

LOOK_AGAIN_S = 0.1
"""How long a call waits before it looks for an owner again, in seconds; each time twice as long."""

MAX_LOOK_AGAIN_S = 0.5
"""The longest of these pauses, in seconds."""

MAX_OWNERS = 4096
"""Number of connections of other nodes whose owner is remembered."""


class Ownership:
    """The keys that a node owns, and its heartbeats.

    Args:
        directory: The directory.
        tasks: Starts tasks in the background.
        record: Returns the present description of the node.
        on_nodes: Called with the live nodes after each heartbeat.
        on_items: Awaited with a key and what other nodes left for it while the directory did not
            know that this node owns it.
        on_lost: Called with a key that another node has claimed while this one counted as dead.

    Attributes:
        reachable: Whether the last operation of the directory succeeded.
        recovered_at: When the directory got all keys again, as it did not know the node or was
            unreachable, by the clock of the event loop; negative if that has not happened.
    """

    def __init__(
        self,
        directory: Directory,
        tasks: TaskOwner,
        record: Callable[[], Node],
        on_nodes: Callable[[Sequence[Node]], None],
        on_items: Callable[[Key, Sequence[bytes]], Awaitable[None]],
        on_lost: Callable[[Key], None],
    ) -> None:
        self.reachable = True
        self.recovered_at = -inf
        self._lost_at = -inf
        self._directory = directory
        self._tasks = tasks
        self._record = record
        self._on_nodes = on_nodes
        self._on_items = on_items
        self._on_lost = on_lost
        self._uncollected: set[Key] = set()  # keys that the directory did not know
        self._forgotten: set[Key] = set()  # those of them that it had known before
        self._id = record().id
        self._owners: OrderedDict[Key, str] = OrderedDict()
        self._keys: set[Key] = set()
        self._releasing: set[Key] = set()
        self._has_joined = False
        self._checking = asyncio.Lock()
        self._exclusive = asyncio.Lock()  # claims, releases, and heartbeats with all keys
        self._incomplete = True  # the directory does not know all keys

    async def leave(self) -> None:
        """Remove the node from the directory, with its keys, and close the directory."""
        try:
            if self.reachable:
                await self._within(self._directory.leave(self._id))
        except DirectoryUnreachable as error:
            logger.debug("The directory was not told of the end of this process: %s", error)
        try:
            await self._within(self._directory.close())
        except DirectoryUnreachable as error:
            logger.debug("The directory could not be closed: %s", error)

    async def send_heartbeats(self, interval_s: float) -> None:
        """Send heartbeats until the task is cancelled.

        Args:
            interval_s: The interval, in seconds.
        """
        collecting: asyncio.Task[None] | None = None
        while True:
            await asyncio.sleep(interval_s)
            try:
                await self.beat()
                end_if_cancelled()
                if self._uncollected and (collecting is None or collecting.done()):
                    collecting = self._tasks.start(self._collect_items(), "collect")
            except Exception:
                logger.exception("A heartbeat failed")

    async def beat(self) -> None:
        """Send a heartbeat; with all keys if the directory does not know them."""
        try:
            if not self._incomplete:
                try:
                    self._update_nodes(await self._within(self._directory.beat(self._record())))
                    return
                except NodeUnknown:
                    self._forget_keys()
            async with self._exclusive:
                await self._beat_with_keys()
        except DirectoryUnreachable as error:
            self._lose_directory(error)

    async def _beat_with_keys(self) -> None:
        keys = set(self._keys)
        nodes = await self._within(self._directory.beat(self._record(), keys))
        self._incomplete = keys != self._keys
        if self._has_joined or not self.reachable:
            self.recovered_at = asyncio.get_running_loop().time()
        self._has_joined = True
        self._update_nodes(nodes)
        self._uncollected |= keys

    def _forget_keys(self) -> None:
        """Record that the directory, which knew all keys, does not know this node any more."""
        if not self._incomplete:
            self._forgotten |= self._keys
        self._incomplete = True

    async def _collect_items(self) -> None:
        """Claim keys again that the directory did not know, for what was left for them.

        What another node has claimed since the directory forgot it has ended here.
        """
        await asyncio.sleep(COLLECT_AFTER_S)
        while self._uncollected:
            key = self._uncollected.pop()
            if key in self._keys and self.reachable and not self._incomplete:
                with contextlib.suppress(FleetFull):
                    claim = await self.claim(key)
                    if claim.owner == self._id and claim.items:
                        await self._on_items(key, claim.items)
                    if claim.owner != self._id and key in self._forgotten:
                        self._keys.discard(key)
                        self._on_lost(key)
            self._forgotten.discard(key)

    def _update_nodes(self, nodes: Sequence[Node]) -> None:
        if not self.reachable:
            self.reachable = True
            logger.warning("The directory of the cluster is reachable again")
        self._on_nodes(nodes)

    def _lose_directory(self, error: Exception) -> None:
        self._incomplete = True
        self._forgotten.clear()  # others may have claimed them before this node did
        if self.reachable:
            self.reachable = False
            self._lost_at = asyncio.get_running_loop().time()
            logger.warning(
                "The directory of the cluster is unreachable: %s. Connections go on; new ones are "
                "served by the process that their request reaches",
                error,
            )

    async def _within(self, operation: Awaitable[T]) -> T:
        """Await an operation of the directory.

        Raises:
            DirectoryUnreachable: If it fails, or does not end in time.
        """
        try:
            return await asyncio.wait_for(operation, DIRECTORY_TIMEOUT_S)
        except asyncio.TimeoutError:
            raise DirectoryUnreachable(f"no answer within {DIRECTORY_TIMEOUT_S:.0f} s") from None

    async def claim(self, key: Key, total_limit: int | None = None) -> Claim:
        """Make this node the owner of a key; see ``Directory.claim``.

        While the directory is unreachable, it is granted, and recorded later.

        Raises:
            FleetFull: If *total_limit* is reached.
        """
        self._releasing.discard(key)
        claim = Claim(self._id, ())
        if self.reachable:
            async with self._exclusive:
                try:
                    claim = await self._claim_now(key, total_limit)
                except (DirectoryUnreachable, NodeUnknown) as error:
                    self._lose_directory(error)
                except asyncio.CancelledError:
                    self._incomplete = True  # the key may be recorded, or not
                    raise
        if claim.owner == self._id:
            self._keys.add(key)
        else:
            self.remember(key, claim.owner)
        return claim

    async def _claim_now(self, key: Key, total_limit: int | None) -> Claim:
        if not self.reachable:  # since this claim waits
            raise DirectoryUnreachable("the directory is unreachable")
        if self._incomplete:
            await self._beat_with_keys()
        try:
            return await self._within(self._directory.claim(key, self._id, total_limit))
        except NodeUnknown:
            self._forget_keys()
            await self._beat_with_keys()
            return await self._within(self._directory.claim(key, self._id, total_limit))

    def release(self, key: Key) -> None:
        """Release a key in the background."""
        if key in self._keys:
            self._keys.discard(key)
            self._releasing.add(key)
            self._tasks.start(self._release(key), "release")

    async def release_now(self, key: Key) -> None:
        """Release a key, and wait until the directory knows it."""
        if key in self._keys or key in self._releasing:
            self._keys.discard(key)
            self._releasing.add(key)
            await self._release(key)

    async def _release(self, key: Key) -> None:
        async with self._exclusive:
            if key not in self._releasing:
                return  # claimed again meanwhile
            self._releasing.discard(key)
            self._keys.discard(key)  # as a claim before the release may have ended only now
            if not self.reachable:
                self._incomplete = True  # the next heartbeat has all keys
                return
            try:
                await self._within(self._directory.release(key, self._id))
            except DirectoryUnreachable as error:
                self._lose_directory(error)

    async def find(self, key: Key, item: bytes | None = None, ttl_s: float = 10.0) -> str | None:
        """Return the id of the owner of a key, or leave an item for it; see ``Directory.find``.

        Raises:
            DirectoryUnreachable: If the directory is unreachable.
        """
        if not self.reachable:
            raise DirectoryUnreachable("the directory is unreachable")
        try:
            owner = await self._within(self._directory.find(key, item, ttl_s))
        except DirectoryUnreachable as error:
            self._lose_directory(error)
            raise
        if owner is not None and owner != self._id:
            self.remember(key, owner)
        return owner

    async def find_owner(self, key: Key, recovery_s: float) -> str | None:
        """Return the id of the owner of a key; None if there is none.

        A directory that is started again may have lost its data, and gets the keys of each node
        with its next heartbeat. So wait for a directory that has just become unreachable, and for
        an owner that it does not know yet.

        Args:
            key: The key.
            recovery_s: How long to wait after this node has noticed that the directory is
                unreachable, and after it has noticed that data is lost, in seconds.

        If the directory becomes unreachable or loses its data again and again, give up after twice
        *recovery_s*.

        Raises:
            DirectoryUnreachable: If the directory is unreachable for longer.
        """
        loop, pause_s = asyncio.get_running_loop(), LOOK_AGAIN_S
        end_s = loop.time() + 2 * recovery_s
        while True:
            try:
                owner = await self.find(key)
            except DirectoryUnreachable:
                if loop.time() >= min(self._lost_at + recovery_s, end_s):
                    raise
            else:
                if owner is not None:
                    return owner
                async with self._checking:
                    if not self._incomplete and await self.node(self._id) is None:
                        await self.beat()  # with all keys
                recovered = self.reachable and loop.time() >= self.recovered_at + recovery_s
                if recovered or loop.time() >= end_s:
                    return None
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, MAX_LOOK_AGAIN_S)

    async def node(self, node_id: str) -> Node | None:
        """Return a live node; None if it is dead or unknown, or the directory is unreachable."""
        if not self.reachable:
            return None
        try:
            return await self._within(self._directory.node(node_id))
        except DirectoryUnreachable as error:
            self._lose_directory(error)
            return None

    async def while_alive(
        self, node_id: str, request: Coroutine[Any, Any, T], lost_after_s: float
    ) -> T:
        """Wait for the answer of a node, as long as it sends heartbeats.

        A heartbeat of a large cluster does not tell which nodes are gone. So ask the directory when
        the answer takes as long as a node may be silent.

        Args:
            node_id: The id of the node.
            request: The request.
            lost_after_s: Time without a heartbeat after which a node counts as dead, in seconds.

        Raises:
            NodeUnreachable: If the node has died.
        """
        loop = asyncio.get_running_loop()
        answer = asyncio.ensure_future(request)
        try:
            while not (await asyncio.wait([answer], timeout=lost_after_s))[0]:
                gone = await self.node(node_id) is None
                if gone and self.reachable and loop.time() > self.recovered_at + lost_after_s:
                    raise NodeUnreachable(f"The process {node_id} is gone")
            return answer.result()
        finally:
            answer.cancel()

    def known_owner(self, key: Key) -> str | None:
        """Return the remembered owner of a key, which may be outdated."""
        return self._owners.get(key)

    def forget_owner(self, key: Key) -> None:
        """Forget the remembered owner of a key, which does not have it."""
        self._owners.pop(key, None)

    def remember(self, key: Key, owner: str) -> None:
        """Remember the owner of a key."""
        self._owners[key] = owner
        self._owners.move_to_end(key)
        while len(self._owners) > MAX_OWNERS:
            self._owners.popitem(last=False)
