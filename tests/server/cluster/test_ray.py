"""The directory in an actor of a real Ray, which CI does not have; see also `test_actor.py`."""

import asyncio
import os
import sys
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from fastrtc.server.cluster.actor import DirectoryActor
from fastrtc.server.cluster.directory import (
    LOST_AFTER_S,
    Directory,
    DirectoryUnreachable,
    FleetFull,
    NodeUnknown,
)
from fastrtc.server.cluster.memory import MemoryDirectory
from tests.server.cluster.contract import KEY, OTHER, DirectoryContract, node

pytestmark = [
    pytest.mark.external("ray"),
    pytest.mark.filterwarnings("ignore"),  # Ray's own
    pytest.mark.allow_threads(""),
]


class ActorWithClock(DirectoryActor):
    """The actor in virtual time."""

    def __init__(self) -> None:
        self.now = 0.0
        super().__init__(LOST_AFTER_S, "secret", self.end, self.time)

    def end(self) -> None: ...

    def time(self) -> float:
        return self.now

    async def pass_time(self, seconds: float) -> None:
        self.now += seconds

    async def empty(self) -> None:
        self._directory = MemoryDirectory(LOST_AFTER_S, self.time)


class RayStore:
    lost_after_s = LOST_AFTER_S

    def __init__(self, name: str, actor: Any) -> None:
        self.name = name
        self.actor = actor

    def connect(self) -> Directory:
        from fastrtc.server.cluster.ray import RayDirectory

        return RayDirectory(self.name)

    async def pass_time(self, seconds: float) -> None:
        await self.actor.pass_time.remote(seconds)


@pytest.fixture(scope="module")
def connected() -> Iterator[None]:
    """A Ray cluster of one node; its processes find the tests."""
    import ray

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join([os.getcwd(), *filter(None, sys.path)]))
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        ray.init(
            num_cpus=1,
            include_dashboard=False,
            log_to_driver=False,
            object_store_memory=80_000_000,
        )
        yield
        ray.shutdown()


@pytest.fixture(scope="module")
def shared(connected: None) -> RayStore:
    import ray

    options = {"name": "shared", "namespace": "fastrtc", "max_concurrency": 100}
    actor = ray.remote(ActorWithClock).options(**options).remote()
    return RayStore("shared", actor)


class TestRayDirectory(DirectoryContract):
    test_keys_with_items_are_bounded = None  # a limit in the actor: see `test_actor.py`

    @pytest.fixture
    async def store(self, shared: RayStore) -> RayStore:
        await shared.actor.empty.remote()
        return shared


async def test_an_actor_that_died_is_started_again(connected: None) -> None:
    import ray

    from fastrtc.server.cluster.ray import RayDirectory, ask_secret

    name = uuid.uuid4().hex
    secret = await ask_secret(name)
    directory = RayDirectory(name, secret=secret)
    await directory.beat(node("a"), [KEY])
    ray.kill(ray.get_actor(name, namespace="fastrtc"))

    for _ in range(300):
        try:
            await directory.beat(node("a"))
        except DirectoryUnreachable as error:
            assert f"the actor '{name}' in Ray" in str(error)
        except NodeUnknown:
            break
        await asyncio.sleep(0.1)
    await directory.beat(node("a"), [KEY])
    assert await directory.find(KEY) == "a"
    assert await ask_secret(name) == secret
    ray.kill(ray.get_actor(name, namespace="fastrtc"))


async def test_errors_of_the_actor_are_raised(shared: RayStore) -> None:
    await shared.actor.empty.remote()
    directory = shared.connect()
    with pytest.raises(NodeUnknown):
        await directory.beat(node("a"))
    await directory.beat(node("a"), [KEY])
    with pytest.raises(FleetFull):
        await directory.claim(OTHER, "a", 1)


async def test_an_idle_actor_ends(connected: None, monkeypatch: pytest.MonkeyPatch) -> None:
    import ray

    from fastrtc.server.cluster.ray import _end_this_actor

    class Brief(DirectoryActor):
        async def end_now(self) -> None:
            self._end()

    name = uuid.uuid4().hex
    options = {"name": name, "namespace": "fastrtc"}
    actor = ray.remote(Brief).options(**options).remote(LOST_AFTER_S, "secret", _end_this_actor)
    assert await actor.secret.remote() == "secret"
    with pytest.raises(ray.exceptions.RayActorError):
        await actor.end_now.remote()
        await actor.secret.remote()
    with pytest.raises(ValueError, match=name):
        ray.get_actor(name, namespace="fastrtc")


async def test_a_process_that_is_not_connected_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    import ray

    from fastrtc.server.cluster.ray import RayDirectory, ask_secret

    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    with pytest.raises(DirectoryUnreachable, match=r"call ray.init\(\)"):
        await RayDirectory("any").beat(node("a"), ())
    with pytest.raises(OSError, match=r"'any' in Ray does not answer: .*call ray.init\(\)"):
        await ask_secret("any")
