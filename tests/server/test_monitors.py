"""Observers of the connections of a stream."""

from __future__ import annotations

import logging
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from fastrtc import Stream
from fastrtc.server.connection import Connection
from fastrtc.server.endpoint import endpoint_of
from fastrtc.server.monitors import EndReason, Monitor, TransportName
from fastrtc.testing import Call
from tests.support.connections import NoTransport, add_connection
from tests.support.peers import eventually
from tests.webrtc.handlers import AsyncAudioEcho


class Log(Monitor):
    """Records what it observes."""

    def __init__(self) -> None:
        self.lines: list[Any] = []

    def occupied(self, transport: TransportName, change: int) -> None:
        self.lines.append((transport, change))

    def refused(self, reason: str) -> None:
        self.lines.append(("refused", reason))

    def added(self, connection: Connection) -> None:
        self.lines.append(("added", connection.id))

    def established(self, connection: Connection) -> None:
        self.lines.append(("established", connection.id))

    def replaced(self, connection: Connection) -> None:
        self.lines.append(("replaced", connection.transport))

    def ended(self, connection: Connection, reason: EndReason) -> None:
        self.lines.append(("ended", connection.id, reason))


class Broken(Monitor):
    def occupied(self, transport: TransportName, change: int) -> None:
        raise RuntimeError("full disk")

    refused = added = established = replaced = ended = occupied  # type: ignore[assignment]


def stream_of(**options: Any) -> Stream:
    options = {"concurrency_limit": 2} | options
    return Stream(AsyncAudioEcho(), modality="audio", verbose=False, **options)


@pytest.fixture
def log() -> Log:
    return Log()


async def test_a_call_is_observed_from_its_place_to_its_end(log: Log) -> None:
    stream = stream_of()
    endpoint_of(stream).hooks.monitors.append(log)
    async with Call(stream) as call:
        await call.wait(0.1)
        [id] = stream.handlers
    assert log.lines == [
        ("webrtc", 1),
        ("added", id),
        ("established", id),
        ("webrtc", -1),
        ("ended", id, "closed"),
    ]


async def test_one_that_was_never_established(log: Log) -> None:
    stream = stream_of()
    endpoint_of(stream).hooks.monitors.append(log)
    session = add_connection(stream, "a")
    session.close("gone")
    await session.closed.wait()
    assert log.lines[-1] == ("ended", "a", "not_connected")


async def test_a_session_that_goes_on_over_another_transport(log: Log) -> None:
    stream = stream_of()
    endpoint = endpoint_of(stream)
    endpoint.hooks.monitors.append(log)
    session, transport = add_connection(stream, "a"), NoTransport("a")
    session.start()
    endpoint.replace(endpoint.get("a"), transport, [])
    session.close("enough")
    await session.closed.wait()
    assert log.lines == [
        ("webrtc", 1),
        ("added", "a"),
        ("established", "a"),
        ("webrtc", -1),
        ("websocket", 1),
        ("replaced", transport),
        ("websocket", -1),
        ("ended", "a", "closed"),
    ]


async def test_the_connections_of_the_page_are_observed(log: Log) -> None:
    stream = stream_of()
    component = stream.webrtc_component
    endpoint_of(stream).hooks.monitors.append(log)
    session = add_connection(component, "page")
    session.start()
    session.close("enough")
    await session.closed.wait()
    assert log.lines[-1] == ("ended", "page", "closed")


def test_calls_occupy_their_places_before_they_connect(log: Log) -> None:
    stream = stream_of()
    endpoint = endpoint_of(stream)
    endpoint.hooks.monitors.append(log)
    places = endpoint.places
    places.hold("CA1", 2)
    places.hold("CA1", 2)
    assert places.count("telephone") == 1 == len(places)
    places.release_call("CA1")
    places.release_call("CA1")
    places.reserve("a", 2, "websocket")
    assert (places.count("websocket"), places.count("telephone")) == (1, 0)
    places.release("a")
    assert log.lines == [
        ("telephone", 1),
        ("telephone", -1),
        ("websocket", 1),
        ("websocket", -1),
    ]


@pytest.mark.parametrize(
    ("body", "limit", "reason"),
    [
        ({"sdp": "v=0", "type": "offer", "webrtc_id": "a"}, 1, "invalid_offer"),
        ({"sdp": "v=0", "type": "offer", "webrtc_id": "a", "metadata": 1}, 1, "invalid_offer"),
        ({"candidate": "nonsense", "type": "ice-candidate", "webrtc_id": "a"}, 1, None),
    ],
)
async def test_refused_offers_are_observed(
    log: Log, body: dict[str, Any], limit: int, reason: str | None
) -> None:
    stream, app = stream_of(concurrency_limit=limit), FastAPI()
    endpoint_of(stream).hooks.monitors.append(log)
    stream.mount(app)
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
        await client.post("/webrtc/offer", json=body)
    assert log.lines == ([] if reason is None else [("refused", reason)])


async def test_clients_that_may_not_connect_are_observed(log: Log) -> None:
    stream, app = stream_of(authorize=lambda request: False), FastAPI()
    endpoint_of(stream).hooks.monitors.append(log)
    stream.mount(app)
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
        await client.post("/webrtc/offer", json={})
    assert log.lines == [("refused", "unauthorized")]


async def test_a_monitor_that_fails_costs_nothing(
    log: Log, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = stream_of()
    monitors = endpoint_of(stream).hooks.monitors
    monitors.append(Broken())
    monitors.append(log)
    session = add_connection(stream, "a")
    session.start()
    session.close("enough")
    await eventually(session.closed.is_set)
    assert log.lines[-1] == ("ended", "a", "closed")
    assert {record.levelno for record in caplog.records} <= {logging.ERROR}
