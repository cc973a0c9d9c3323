import asyncio
import os
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import pytest

from fastrtc import AsyncStreamHandler, Stream
from fastrtc.ray.replica import MISSED_CHECKS, Replica
from fastrtc.server.endpoint import endpoint_of
from tests.support.connections import add_connection
from tests.support.peers import eventually

from .conftest import Serve

PERIOD_S = 0.02


@pytest.fixture
def stream() -> Stream:
    class Echo(AsyncStreamHandler):
        async def receive(self, frame: Any) -> None: ...

        async def emit(self) -> None: ...

        def copy(self) -> "Echo":
            return Echo()

    return Stream(Echo(), modality="audio", mode="send-receive", concurrency_limit=5)


@pytest.fixture
def announced(stream: Stream, monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Have the stream be a member of a cluster; return whether it drained at each announcement."""
    endpoint = endpoint_of(stream)
    announced: list[bool] = []
    node = SimpleNamespace(
        endpoints=[endpoint],
        record=SimpleNamespace(sessions=3),
        announce=lambda: announced.append(endpoint.places.stopping),
    )
    monkeypatch.setattr("fastrtc.ray.replica.nodes_of_running_loop", lambda: [node])
    return announced


class EchoReplica(Replica):
    source = (lambda *args: args,)
    limit = 60.0
    period_s = PERIOD_S
    built: Any = None


@pytest.fixture
async def replica(serve: Serve, announced: list[bool]) -> AsyncIterator[EchoReplica]:
    replica = EchoReplica("model")
    replica.built = await replica.__serve_build_asgi_app__()
    yield replica
    replica.limit = 0
    if replica._draining is not None:
        replica._draining.cancel()
    await replica.drain()


async def checks(replica: Replica, periods: float) -> None:
    """Check the health of a replica for some time, as the controller does."""
    for _ in range(round(periods * 4)):
        await replica.check_health()
        await asyncio.sleep(PERIOD_S / 4)


class TestReplica:
    async def test_its_streams_are_in_a_cluster_of_the_deployment(self, replica: Replica) -> None:
        assert os.environ["FASTRTC_CLUSTER"] == "ray:voice/fastrtc"

    async def test_another_cluster_of_the_environment_stays(
        self, serve: Serve, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("FASTRTC_CLUSTER", "redis://redis")
        EchoReplica()
        assert os.environ["FASTRTC_CLUSTER"] == "redis://redis"

    async def test_the_function_gets_the_arguments_of_bind(self, replica: EchoReplica) -> None:
        assert replica.built == ("model",)

    async def test_an_async_function_returns_the_app(self, serve: Serve) -> None:
        class Later(EchoReplica):
            @staticmethod
            async def build() -> str:
                return "app"

            source = (build,)

        later = Later()
        assert await later.__serve_build_asgi_app__() == "app"
        await later.drain()

    async def test_an_import_string_names_the_app(self, serve: Serve) -> None:
        class Imported(EchoReplica):
            source = (f"{__name__}:PERIOD_S",)

        imported = Imported()
        assert await imported.__serve_build_asgi_app__() == PERIOD_S
        await imported.drain()

    async def test_its_load_is_its_connections(self, replica: Replica) -> None:
        assert await replica.record_autoscaling_stats() == {"sessions": 3.0}

    async def test_it_drains_when_health_checks_stay_away(
        self, replica: Replica, serve: Serve, stream: Stream, announced: list[bool]
    ) -> None:
        session = add_connection(stream, "a")
        sent: list[str] = []
        session.outbox.open(sent.append)
        await checks(replica, 1)
        serve.states = {"RUNNING": 1, "STOPPING": 1}
        await eventually(lambda: announced == [True])
        assert session.reason is None
        assert [message for message in sent if "about to stop" in message]

    async def test_late_health_checks_alone_do_not_drain_it(
        self, replica: Replica, serve: Serve, announced: list[bool]
    ) -> None:
        await replica.check_health()
        await eventually(lambda: serve.status_calls > 2)
        serve.states = None
        before = serve.status_calls
        await eventually(lambda: serve.status_calls > before + 2)
        assert announced == []

    async def test_it_does_not_drain_before_the_first_health_check(
        self, replica: Replica, serve: Serve, announced: list[bool]
    ) -> None:
        serve.states = {"RUNNING": 1, "STOPPING": 1}
        await asyncio.sleep(PERIOD_S * (MISSED_CHECKS + 7))
        assert announced == []

    async def test_a_health_check_ends_a_drain(
        self, replica: Replica, serve: Serve, stream: Stream, announced: list[bool]
    ) -> None:
        session = add_connection(stream, "a")
        await replica.check_health()
        serve.states = {"STOPPING": 1}
        await eventually(lambda: announced == [True])
        serve.states = {"RUNNING": 1}
        await replica.check_health()
        assert announced == [True, False]
        assert not endpoint_of(stream).places.stopping
        assert session.reason is None

    async def test_a_deployment_that_is_deleted_drains_it(
        self, replica: Replica, serve: Serve, announced: list[bool]
    ) -> None:
        await replica.check_health()
        serve.states = {}
        await eventually(lambda: announced == [True])

    async def test_connections_that_remain_are_closed(
        self, replica: Replica, stream: Stream
    ) -> None:
        session = add_connection(stream, "a")
        replica.limit = 0.05
        await replica.drain()
        assert session.reason is not None

    async def test_it_waits_for_the_last_connection(self, replica: Replica, stream: Stream) -> None:
        session = add_connection(stream, "a")
        draining = asyncio.create_task(replica.drain())
        await asyncio.sleep(0.05)
        assert not draining.done()
        session.close("done")
        await asyncio.wait_for(draining, 10)
