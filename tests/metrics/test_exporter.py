"""The app that Prometheus reads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families
from starlette.routing import Route
from starlette.types import ASGIApp

from fastrtc import Stream, Unauthorized
from fastrtc.metrics import prometheus
from fastrtc.server.endpoint import endpoint_of
from fastrtc.testing import Call
from tests.testing.programs import RATE, replying, tone
from tests.webrtc.handlers import AsyncAudioEcho


def stream_of(**options: Any) -> Stream:
    options = {"concurrency_limit": 2} | options
    return Stream(AsyncAudioEcho(), modality="audio", verbose=False, **options)


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


async def get(app: ASGIApp, path: str = "/", **options: Any) -> httpx.Response:
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
        return await client.request(options.pop("method", "GET"), path, **options)


async def values(app: ASGIApp) -> dict[str, float]:
    """The samples of the app, by name and labels."""
    answer = await get(app)
    assert answer.status_code == 200, answer.text
    return {
        "|".join([sample.name, *sample.labels.values()]): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


async def test_sessions_ends_and_refusals(registry: CollectorRegistry) -> None:
    stream, web = stream_of(authorize=lambda request: False), FastAPI()
    app = prometheus(stream, registry=registry)
    stream.mount(web)
    endpoint_of(stream).places.reserve("a", 2, "websocket")
    async with Call(stream) as call:
        await call.wait(0.1)
        during = await values(app)
        await get(web, "/webrtc/offer", method="POST", json={})
    after = await values(app)
    assert during["fastrtc_sessions|webrtc"] == during["fastrtc_sessions|websocket"] == 1
    assert during["fastrtc_sessions|telephone"] == 0
    assert during["fastrtc_session_ends_total|closed"] == 0
    assert after["fastrtc_sessions|webrtc"] == 0
    assert after["fastrtc_sessions|websocket"] == 1
    assert after["fastrtc_session_ends_total|closed"] == 1
    assert after["fastrtc_offers_refused_total|unauthorized"] == 1


async def test_the_sessions_are_those_of_the_load(registry: CollectorRegistry) -> None:
    stream, web = stream_of(), FastAPI()
    stream.mount_health(web)
    endpoint_of(stream).places.reserve("before", 2)  # it was mounted and called before
    endpoint_of(stream.webrtc_component).places.reserve("page", 2)
    app = prometheus(stream, registry=registry)
    endpoint_of(stream).places.reserve("after", 2)
    found = await values(app)
    load = (await get(web, "/load")).json()
    assert load["sessions"] == 3 == found["fastrtc_sessions|webrtc"]


async def test_turns_and_interruptions(registry: CollectorRegistry) -> None:
    def reply(audio: Any) -> Any:
        for _ in range(8):
            yield RATE, tone(0.5)

    stream = replying(reply, can_interrupt=True)
    app = prometheus(stream, registry=registry)
    async with Call(stream) as call:
        await call.say((RATE, tone(0.6)))
        await call.reply()
        await call.wait(1.0)
        await call.say((RATE, tone(0.6)))
        await call.reply()
        await call.finish()
    found = await values(app)
    assert found["fastrtc_interruptions_total|true"] == 1
    for part in ("end_of_turn", "handler", "first_audio", "playout", "heard"):
        assert found[f"fastrtc_turn_seconds_count|{part}"] == 2, part
    assert 0.1 < found["fastrtc_turn_seconds_sum|end_of_turn"] / 2 < 1.5
    assert found["fastrtc_loop_lag_seconds_count"] >= 4, "twice a second"
    assert found["fastrtc_frames_dropped_total|in"] == 0


async def test_an_interruption_by_the_program_counts_and_a_hang_up_does_not(
    registry: CollectorRegistry,
) -> None:
    def reply(audio: Any) -> Any:
        for _ in range(8):
            yield RATE, tone(0.5)

    stream = replying(reply)
    app = prometheus(stream, registry=registry)
    async with Call(stream) as call:
        for interrupts in (True, False):
            await call.say((RATE, tone(0.6)))
            await call.reply()
            await call.wait(1.0)
            if interrupts:
                stream.interrupt(next(iter(stream.handlers)))
                await call.wait(1.0)
    assert (await values(app))["fastrtc_interruptions_total|true"] == 1
    (counter,) = (one for one in registry.collect() if one.name == "fastrtc_interruptions")
    assert "by the user or the program" in counter.documentation


async def test_a_stream_is_measured_once(registry: CollectorRegistry) -> None:
    stream = stream_of()
    apps = [prometheus(stream, registry=registry) for _ in range(2)]
    other = prometheus(stream, registry=CollectorRegistry())
    endpoint_of(stream).places.reserve("a", 2)
    for app in (*apps, other):
        assert (await values(app))["fastrtc_sessions|webrtc"] == 1


async def test_streams_of_a_process_are_added_up(registry: CollectorRegistry) -> None:
    streams = [stream_of(), stream_of()]
    app = [prometheus(stream, registry=registry) for stream in streams][0]
    for stream in streams:
        endpoint_of(stream).places.reserve("a", 2)
    assert (await values(app))["fastrtc_sessions|webrtc"] == 2


async def test_the_labels_contain_no_ids(registry: CollectorRegistry) -> None:
    stream = stream_of()
    app = prometheus(stream, registry=registry)
    endpoint_of(stream).places.reserve("very-secret-id", 2)
    assert "very-secret-id" not in (await get(app)).text


@pytest.mark.parametrize(
    ("authorize", "status", "text"),
    [
        (None, 200, "fastrtc_sessions"),
        (lambda request: request.headers["authorization"] == "Bearer key", 200, "fastrtc_sessions"),
        (lambda request: False, 403, "Not allowed"),
        (lambda request: "Only for us", 403, "Only for us"),
    ],
)
async def test_authorize(
    registry: CollectorRegistry, authorize: Any, status: int, text: str
) -> None:
    def never(request: Any) -> None:
        raise Unauthorized("that of the stream")

    app = prometheus(stream_of(authorize=never), registry=registry, authorize=authorize)
    answer = await get(app, headers={"Authorization": "Bearer key"})
    assert (answer.status_code, text in answer.text) == (status, True)


async def test_other_requests_than_reads_are_refused(registry: CollectorRegistry) -> None:
    app = prometheus(stream_of(), registry=registry)
    assert (await get(app, method="POST")).status_code == 405
    assert (await get(app, method="HEAD")).status_code == 200
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {"type": f"lifespan.{'shutdown' if sent else 'startup'}"}

    await app({"type": "websocket"}, receive, send)
    assert sent.pop()["type"] == "websocket.close"
    await app({"type": "lifespan"}, receive, send)
    assert [message["type"] for message in sent] == [
        "lifespan.startup.complete",
        "lifespan.shutdown.complete",
    ]


async def test_it_is_served_at_a_path_of_the_app(registry: CollectorRegistry) -> None:
    """A route has the path itself; a mounted app is below it, and the path a redirect."""
    web, app = FastAPI(), prometheus(stream_of(), registry=registry)
    web.routes.append(Route("/metrics", app))
    web.mount("/mounted", app)
    for path, status in (("/metrics", 200), ("/mounted", 307), ("/mounted/", 200)):
        answer = await get(web, path)
        assert (answer.status_code, "fastrtc_sessions" in answer.text) == (status, status == 200)
    assert (await get(web, "/metrics", method="POST")).status_code == 405


@pytest.mark.parametrize("given", ["none/yet", ""])
async def test_the_folder_of_several_processes_is_created(
    registry: CollectorRegistry, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, given: str
) -> None:
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path / given))
    assert (await get(prometheus(stream_of(), registry=registry))).status_code == 200
    assert (tmp_path / given).is_dir()


@pytest.mark.parametrize("given", ["file", "file/folder", None])
def test_the_folder_of_several_processes_is_none(
    registry: CollectorRegistry, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, given: str | None
) -> None:
    (tmp_path / "file").touch()
    folder = "" if given is None else str(tmp_path / given)
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", folder)
    with pytest.raises(ValueError, match=f"PROMETHEUS_MULTIPROC_DIR must be a folder: .*'{folder}"):
        prometheus(stream_of(), registry=registry)
