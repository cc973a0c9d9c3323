import asyncio
import pickle
from collections.abc import Collection, Sequence
from typing import Any

import pytest

from fastrtc.server.cluster.actor import IDLE_S, DirectoryActor
from fastrtc.server.cluster.directory import LOST_AFTER_S, Claim, Directory, Key, Node
from fastrtc.server.cluster.memory import MemoryDirectory
from tests.server.cluster.contract import KEY, DirectoryContract, node


class Remote:
    """A directory that calls an actor as from another process: everything is pickled."""

    __module__ = MemoryDirectory.__module__  # whose limits apply

    def __init__(self, actor: DirectoryActor) -> None:
        self.actor = actor

    async def call(self, operation: str, *args: Any) -> Any:
        try:
            answer = await self.actor.call(operation, *pickle.loads(pickle.dumps(args)))
        except Exception as error:
            raise pickle.loads(pickle.dumps(error)) from None
        return pickle.loads(pickle.dumps(answer))

    async def beat(self, node: Node, keys: Collection[Key] | None = None) -> Sequence[Node]:
        return await self.call("beat", node, keys)

    async def leave(self, node_id: str) -> None:
        await self.call("leave", node_id)

    async def node(self, node_id: str) -> Node | None:
        return await self.call("node", node_id)

    async def claim(self, key: Key, node_id: str, total_limit: int | None = None) -> Claim:
        return await self.call("claim", key, node_id, total_limit)

    async def release(self, key: Key, node_id: str) -> None:
        await self.call("release", key, node_id)

    async def find(self, key: Key, item: bytes | None = None, ttl_s: float = 10) -> str | None:
        return await self.call("find", key, item, ttl_s)

    async def close(self) -> None:
        pass


class ActorStore:
    lost_after_s = LOST_AFTER_S

    def __init__(self) -> None:
        self.now = 0.0
        self.ended = 0
        self.actor = DirectoryActor(LOST_AFTER_S, "secret", self.end, lambda: self.now)

    def end(self) -> None:
        self.ended += 1

    def connect(self) -> Directory:
        return Remote(self.actor)

    async def pass_time(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
async def store() -> Any:
    store = ActorStore()
    yield store
    if store.actor._waiting is not None:
        store.actor._waiting.cancel()


class TestDirectoryActor(DirectoryContract):
    @pytest.fixture
    async def store(self) -> Any:
        store = ActorStore()
        yield store
        if store.actor._waiting is not None:
            store.actor._waiting.cancel()


async def test_the_secret_stays(store: ActorStore) -> None:
    assert await store.actor.secret() == await store.actor.secret() == "secret"


async def test_an_actor_that_is_not_used_ends(
    store: ActorStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        store.now += seconds
        if len(slept) == 1:  # used meanwhile
            store.now -= 100
            await store.actor.call("find", KEY)
            store.now += 100

    monkeypatch.setattr(asyncio, "sleep", sleep)
    await store.actor.call("beat", node("a"), ())
    assert store.actor._waiting is not None
    await store.actor._waiting
    assert store.ended == 1
    assert slept == [IDLE_S, IDLE_S - 100]
