"""Functions of the program that are slow to decide: they hold up those who ask, nobody else."""

import asyncio
import logging
import threading
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from fastrtc import Limits, Stream
from fastrtc.core.log_throttle import LogThrottle
from fastrtc.core.tasks import MAX_THREADS
from fastrtc.server import answering
from fastrtc.server import authorization as module
from fastrtc.server.authorization import TOO_SLOW
from tests.support.bystander import assert_little, bystander
from tests.support.connections import connections_of
from tests.support.peers import LOCAL, Client, eventually
from tests.webrtc.handlers import AsyncAudioEcho
from tests.websocket.served import serve

CANDIDATE = {"candidate": None, "type": "ice-candidate", "webrtc_id": "a"}


@pytest.fixture
def stuck() -> Iterator[threading.Event]:
    """What a function waits for; it is over when the test is."""
    free = threading.Event()
    yield free
    free.set()


def make(**options: Any) -> Stream:
    given = {"server_rtc_configuration": LOCAL, **options}
    return Stream(AsyncAudioEcho(), modality="audio", verbose=False, **given)


def asking() -> int:
    """How many threads call `authorize`."""
    return sum(thread.name == "fastrtc-authorize" for thread in threading.enumerate())


@pytest.mark.parametrize("requests", [1, MAX_THREADS + 20])
async def test_a_sync_authorize_that_hangs(
    requests: int,
    stuck: threading.Event,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(module, "AUTHORIZE_TIMEOUT_S", 5.0)
    monkeypatch.setattr(module, "_failures", LogThrottle())
    stream = make(authorize=lambda request: stuck.wait())
    app = FastAPI()
    stream.mount(app)
    app.get("/own")(lambda: "of the program, in a thread of Starlette's")
    transport = httpx.ASGITransport(app=app)
    async with (
        bystander() as other,
        httpx.AsyncClient(transport=transport, base_url="http://localhost") as http,
    ):
        async with other.undisturbed() as cost:
            posts = [
                asyncio.create_task(http.post("/webrtc/offer", json=CANDIDATE))
                for _ in range(requests)
            ]
            await eventually(lambda: asking() == min(requests, MAX_THREADS))
            for _ in range(3):
                assert (await http.get("/own")).is_success
            assert not any(post.done() for post in posts)
            assert asking() == min(requests, MAX_THREADS)
            for post in posts:
                refusal = (await post).json()["meta"]
                assert refusal == {"error": "unauthorized", "reason": TOO_SLOW}
        assert_little(cost, threads=min(requests, MAX_THREADS))
        stuck.set()
        answer = await http.post("/webrtc/offer", json=CANDIDATE)
        assert answer.json() == {"status": "success"}
    (record,) = caplog.records
    assert record.levelno == logging.ERROR and "did not finish within 5 s" in record.getMessage()


@pytest.mark.parametrize("kind", ["sync", "async"])
async def test_a_configuration_of_the_server_that_does_not_come(
    kind: str,
    stuck: threading.Event,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def never() -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr("fastrtc.transport.webrtc.configuration.GIVEN_TIMEOUT_S", 0.2)
    monkeypatch.setattr(answering, "_too_slow", LogThrottle())
    given = (lambda: stuck.wait()) if kind == "sync" else never
    stream = make(server_rtc_configuration=given)
    client = Client(stream, audio="sendrecv")
    answer = await client.post(await client.offer())
    assert answer["meta"]["error"] == "turn_server_failed" and "in time" in str(answer)
    assert len(connections_of(stream).registry) == 0
    (record,) = caplog.records
    assert record.levelno == logging.ERROR and "did not finish within" in record.getMessage()
    await client.close()


# Who is connecting


async def test_callers_and_websockets_count_among_those_who_connect() -> None:
    async with serve(limits=Limits(connecting=2)) as served:
        stream = served.stream
        async with httpx.AsyncClient(
            base_url=served.address.replace("ws:", "http:").removesuffix("/websocket/offer"),
            headers={"host": "example.com"},
        ) as http:
            answers = [
                (await http.post("/telephone/incoming", data={"CallSid": f"CA{k}"})).text
                for k in range(3)
            ]
        assert ["<Stream" in answer for answer in answers] == [True, True, False]
        async with served.client() as client:
            await client.start("a")
            refusal = await client.wait_for(status="failed")
            assert refusal["meta"] == {"error": "too_many_connecting", "limit": 2}
            assert await client.closed() == 1013
        connections_of(stream).calls.release("CA0")
        async with served.client() as one, served.client() as other:
            await one.start("b", encoding="pcm16")
            await other.start("c", encoding="pcm16")  # the first is established
        connections_of(stream).calls.release("CA1")


@pytest.mark.parametrize("id", ["CA1", "call CA1"])
async def test_no_id_of_a_client_is_the_place_of_a_caller(id: str) -> None:
    async with serve(concurrency_limit=2) as served:
        stream = served.stream
        async with served.client() as client:
            await client.start(id, encoding="pcm16")
            assert connections_of(stream).calls.reserve("CA1", 2, 256)
            stream.clean_up(id)
            await client.closed()
        assert len(connections_of(stream).registry) == 1
        connections_of(stream).calls.release("CA1")
        assert len(connections_of(stream).registry) == 0
