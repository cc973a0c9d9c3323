"""The directory in an actor of Ray: with a stand-in for Ray, and with a real one.

CI does not have Ray. The tests that need it are left out there, and named at the end of the run.
"""

import asyncio
import os
import pickle
import sys
import uuid
from collections.abc import Iterator
from types import ModuleType, SimpleNamespace
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
from fastrtc.server.cluster.listening import listen
from fastrtc.server.cluster.memory import MemoryDirectory
from fastrtc.server.cluster.opening import find_secret, open_directory
from fastrtc.server.cluster.options import Cluster
from tests.server.cluster.contract import KEY, OTHER, DirectoryContract, node

MODULE = "fastrtc.server.cluster.ray"


def needs_ray(test: Any) -> Any:
    for mark in (
        pytest.mark.external("ray"),
        pytest.mark.filterwarnings("ignore"),  # Ray's own
        pytest.mark.allow_threads(""),
    ):
        test = mark(test)
    return test


class RayError(Exception):
    """The errors of the stand-in."""


class RayActorError(RayError): ...


class RayTaskError(RayError):
    def __init__(self, cause: Exception) -> None:
        super().__init__(repr(cause))
        self.cause = cause


class Handle:
    """A handle of an actor that runs in this process; what is sent to it is pickled."""

    def __init__(self, actor: DirectoryActor) -> None:
        self.actor = actor
        self.failure: Exception | None = None
        self.answers = asyncio.Event()
        self.answers.set()
        self.call = self.secret = self

    async def remote(self, *args: Any) -> Any:
        await self.answers.wait()
        if self.failure is not None:
            raise self.failure
        try:
            work = self.actor.call(*pickle.loads(pickle.dumps(args))) if args else None
            return pickle.loads(pickle.dumps(await (work or self.actor.secret())))
        except Exception as error:
            raise RayTaskError(error) from None


class Ray(ModuleType):
    """What `fastrtc.server.cluster.ray` uses of Ray."""

    def __init__(self) -> None:
        super().__init__("ray")
        self.exceptions = ModuleType("ray.exceptions")
        for error in (RayError, RayActorError, RayTaskError):
            setattr(self.exceptions, error.__name__, error)
        self.util = SimpleNamespace(get_node_ip_address=lambda: "10.0.0.7")
        self.actors: dict[str, Handle] = {}
        self.initialized = True
        self.now = 0.0

    def is_initialized(self) -> bool:
        return self.initialized

    def remote(self, kind: type[DirectoryActor]) -> Any:
        def start(options: dict[str, Any], lost_after_s: float, secret: str, end: Any) -> Handle:
            assert options["get_if_exists"] and options["lifetime"] == "detached"
            actor = kind(lost_after_s, secret, end, lambda: self.now)
            return self.actors.setdefault(options["name"], Handle(actor))

        return SimpleNamespace(
            options=lambda **options: SimpleNamespace(remote=lambda *args: start(options, *args))
        )


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Iterator[Ray]:
    ray = Ray()
    monkeypatch.setitem(sys.modules, "ray", ray)
    monkeypatch.setitem(sys.modules, "ray.exceptions", ray.exceptions)
    monkeypatch.delitem(sys.modules, MODULE, raising=False)
    yield ray
    for handle in ray.actors.values():
        if handle.actor._waiting is not None:
            handle.actor._waiting.cancel()
    sys.modules.pop(MODULE, None)


class FakeStore:
    lost_after_s = LOST_AFTER_S

    def __init__(self, ray: Ray) -> None:
        self.ray = ray

    def connect(self) -> Directory:
        from fastrtc.server.cluster.ray import RayDirectory

        return RayDirectory("voice", secret="secret")

    async def pass_time(self, seconds: float) -> None:
        self.ray.now += seconds


class TestWithAStandIn(DirectoryContract):
    test_keys_with_items_are_bounded = None  # a limit in the actor: see `test_actor.py`

    @pytest.fixture
    async def store(self, fake: Ray) -> FakeStore:
        return FakeStore(fake)

    async def test_an_actor_that_ended_is_started_again(self, fake: Ray) -> None:
        directory = FakeStore(fake).connect()
        await directory.beat(node("a"), [KEY])
        ended = fake.actors.pop("voice")
        ended.failure = RayActorError("the actor is dead")
        with pytest.raises(DirectoryUnreachable, match="'voice' in Ray: the actor is dead"):
            await directory.find(KEY)
        with pytest.raises(NodeUnknown):
            await directory.beat(node("a"))
        assert await fake.actors["voice"].secret.remote() == "secret"
        assert ended.actor._waiting is not None
        ended.actor._waiting.cancel()

    async def test_an_actor_that_does_not_answer(
        self, fake: Ray, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        directory = FakeStore(fake).connect()
        await directory.beat(node("a"), ())
        monkeypatch.setattr(f"{MODULE}.OPERATION_TIMEOUT_S", 0.01)
        fake.actors["voice"].answers.clear()
        with pytest.raises(DirectoryUnreachable, match="no answer within"):
            await directory.find(KEY)

    @pytest.mark.parametrize("error", [RayError("lost"), ConnectionError("lost")])
    async def test_other_failures_of_ray(self, fake: Ray, error: Exception) -> None:
        directory = FakeStore(fake).connect()
        await directory.beat(node("a"), ())
        fake.actors["voice"].failure = error
        with pytest.raises(DirectoryUnreachable, match="'voice' in Ray: lost"):
            await directory.find(KEY)

    async def test_an_unexpected_error_of_the_actor(self, fake: Ray) -> None:
        directory = FakeStore(fake).connect()
        await directory.beat(node("a"), ())
        fake.actors["voice"].failure = RayTaskError(ZeroDivisionError("by zero"))
        with pytest.raises(DirectoryUnreachable, match="by zero"):
            await directory.find(KEY)

    async def test_a_process_that_is_not_connected_is_told(self, fake: Ray) -> None:
        from fastrtc.server.cluster.ray import ask_secret

        fake.initialized = False
        with pytest.raises(DirectoryUnreachable, match=r"call ray.init\(\)"):
            await FakeStore(fake).connect().beat(node("a"), ())
        with pytest.raises(OSError, match=r"'voice' in Ray does not answer: .*call ray.init\(\)"):
            await ask_secret("voice")

    async def test_the_options_name_the_actor(self, fake: Ray) -> None:
        options = Cluster("ray:voice").with_environment({})
        secret = await find_secret(options)
        assert secret == await find_secret(options) and len(secret) == 64
        directory = open_directory(options, secret)
        await directory.beat(node("a"), ())
        assert list(fake.actors) == ["voice"]

    async def test_nodes_reach_each_other_at_the_addresses_of_ray(self, fake: Ray) -> None:
        fake.util.get_node_ip_address = lambda: "127.0.0.1"
        listening = listen(Cluster("ray:voice"), "a")
        assert listening.address.startswith("http://127.0.0.1:")
        listening.close()


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


@needs_ray
class TestRayDirectory(DirectoryContract):
    test_keys_with_items_are_bounded = None  # a limit in the actor: see `test_actor.py`

    @pytest.fixture
    async def store(self, shared: RayStore) -> RayStore:
        await shared.actor.empty.remote()
        return shared


@needs_ray
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


@needs_ray
async def test_errors_of_the_actor_are_raised(shared: RayStore) -> None:
    await shared.actor.empty.remote()
    directory = shared.connect()
    with pytest.raises(NodeUnknown):
        await directory.beat(node("a"))
    await directory.beat(node("a"), [KEY])
    with pytest.raises(FleetFull):
        await directory.claim(OTHER, "a", 1)


@needs_ray
async def test_an_idle_actor_ends(connected: None) -> None:
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
