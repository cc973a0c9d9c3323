"""The routes for load balancers and autoscalers."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from fastrtc import Stream, Unauthorized
from fastrtc.server.endpoint import endpoint_of
from fastrtc.server.health import Load, reason_not_ready
from tests.webrtc.handlers import AsyncAudioEcho


def stream_of(**options: Any) -> Stream:
    return Stream(AsyncAudioEcho(), modality="audio", verbose=False, **options)


async def get(app: FastAPI, path: str, method: str = "GET") -> httpx.Response:
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
        return await client.request(method, path)


async def test_a_stream_accepts_connections_until_it_is_full():
    stream, app = stream_of(concurrency_limit=2), FastAPI()
    stream.mount_health(app)
    places = endpoint_of(stream).places
    places.reserve("one", 2)
    ready, load = await get(app, "/readyz"), await get(app, "/load")
    assert (ready.status_code, ready.json()) == (200, {"ready": True})
    assert load.json() == {"sessions": 1, "places": 1, "draining": False}

    places.reserve("two", 2)
    ready, load = await get(app, "/readyz"), await get(app, "/load")
    assert (ready.status_code, ready.json()) == (503, {"ready": False, "reason": "full"})
    assert (load.status_code, load.json()["places"]) == (200, 0)

    places.release("one")
    assert (await get(app, "/readyz", "HEAD")).status_code == 200


async def test_a_server_that_stops_is_not_ready():
    stream, app = stream_of(concurrency_limit=2), FastAPI()
    stream.mount_health(app, "/voice")
    await endpoint_of(stream).stop()
    ready = await get(app, "/voice/readyz")
    assert (ready.status_code, ready.json()["reason"]) == (503, "draining")
    load = await get(app, "/voice/load")
    assert load.json() == {"sessions": 0, "places": 0, "draining": True}


async def test_sessions_of_the_page_count_but_take_no_places():
    stream, app = stream_of(concurrency_limit=2), FastAPI()
    stream.mount_health(app)
    endpoint_of(stream.webrtc_component).places.reserve("one", 2)
    assert (await get(app, "/load")).json() == {"sessions": 1, "places": 2, "draining": False}


async def test_a_balancer_needs_no_authorization():
    def authorize(request: Any) -> None:
        raise Unauthorized("Log in first")

    stream, app = stream_of(authorize=authorize), FastAPI()
    stream.mount_health(app)
    assert (await get(app, "/readyz")).status_code == 200


async def test_without_mount_health_there_are_no_routes():
    stream, app = stream_of(), FastAPI()
    stream.mount(app)
    assert (await get(app, "/readyz")).status_code == 404
    assert (await get(app, "/load")).status_code == 404


async def test_the_routes_are_not_in_the_schema_of_the_api():
    stream, app = stream_of(), FastAPI()
    stream.mount_health(app)
    assert not app.openapi()["paths"]


@pytest.mark.parametrize("path", ["voice", "/voice/", "/"])
def test_a_malformed_path_is_refused(path: str):
    with pytest.raises(ValueError, match="path must be"):
        stream_of().mount_health(FastAPI(), path)


@pytest.mark.parametrize(
    ("load", "alone", "in_cluster"),
    [
        (Load(5, None, False), None, None),
        (Load(5, 1, False), None, None),
        (Load(5, 0, False), "full", None),
        (Load(5, 0, True), "draining", "draining"),
        (Load(0, 0, True), "draining", "draining"),
    ],
)
def test_why_a_process_is_not_ready(load: Load, alone: str | None, in_cluster: str | None):
    assert reason_not_ready(load, in_cluster=False) == alone
    assert reason_not_ready(load, in_cluster=True) == in_cluster


async def test_a_full_process_of_a_cluster_is_ready(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("FASTRTC_CLUSTER", "sqlite:never_opened.db")
    stream, app = stream_of(concurrency_limit=1), FastAPI()
    stream.mount_health(app)
    endpoint_of(stream).places.reserve("one", 1)
    assert (await get(app, "/readyz")).status_code == 200
