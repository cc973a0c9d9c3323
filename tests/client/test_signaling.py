"""Where a client sends offers, and what it makes of answers: without a server."""

import json
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import httpx
import pytest

from fastrtc.client.errors import ClientError
from fastrtc.client.signaling import Route, Signaling

URL = "http://server.example"
OFFER = f"{URL}/webrtc/offer"
Answers = Callable[[httpx.Request], httpx.Response]
Connect = Callable[..., Any]


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch) -> Connect:
    """Gives a `Signaling` whose requests a function answers."""

    @asynccontextmanager
    async def connected(
        answer: Answers, routes: dict[str, Route] | None = None
    ) -> AsyncIterator[Signaling]:
        client = partial(httpx.AsyncClient, transport=httpx.MockTransport(answer))
        with monkeypatch.context() as patch:
            patch.setattr("fastrtc.client.signaling.httpx.AsyncClient", client)
            signaling = Signaling(URL, {"Authorization": "Bearer me"}, routes)
        async with signaling:
            yield signaling

    return connected


def pages(**found: Any) -> Answers:
    """Answer GET requests by path, with JSON; everything else is not found."""

    def answer(request: httpx.Request) -> httpx.Response:
        name = request.url.path.strip("/").removesuffix(".json")
        if request.method == "GET" and name in found:
            return httpx.Response(200, json=found[name])
        return httpx.Response(404)

    return answer


def component(id: int) -> dict[str, Any]:
    return {"id": id, "type": "webrtc"}


@pytest.mark.parametrize(
    ("location", "authorization", "notes"),
    [
        ("/app/webrtc/offer", "Bearer me", 0),
        ("https://server.example/webrtc/offer", "Bearer me", 0),
        ("http://other.example/webrtc/offer", None, 1),
        ("https://server.example:8443/webrtc/offer", None, 1),
    ],
)
async def test_a_mounted_stream_is_found_also_behind_a_redirect(
    connect: Connect, location: str, authorization: str | None, notes: int
) -> None:
    """Credentials are sent to the origin of the given URL only."""
    seen = []
    there = httpx.URL(OFFER).join(location)

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append((request.method, request.headers.get("authorization")))
        if request.url == OFFER:
            return httpx.Response(307, headers={"location": location})
        return httpx.Response(200, json={"status": "failed"})

    async with connect(answer) as signaling:
        route = await signaling.find()
        await signaling.send(route, {})
    assert (route.url, len(route.notes)) == (there, notes)
    assert seen == [("POST", "Bearer me"), *[("POST", authorization)] * 2]


async def test_a_route_that_another_origin_has_redirected_to_gets_no_credentials(
    connect: Connect,
) -> None:
    """It is of the user's own server, but the other one has chosen it."""
    seen = []
    steps = {OFFER: "http://other.example/x", "http://other.example/x": f"{URL}/other/webrtc/offer"}

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers.get("authorization"))
        location = steps.get(str(request.url))
        if location is not None:
            return httpx.Response(307, headers={"location": location})
        return httpx.Response(200, json={"status": "failed"})

    async with connect(answer) as signaling:
        route = await signaling.find()
        await signaling.send(route, {})
    assert route.url == f"{URL}/other/webrtc/offer"
    assert not route.is_own and len(route.notes) == 1
    assert seen == ["Bearer me", None, None, None]


async def test_the_page_of_a_login_takes_no_offers(connect: Connect) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            return httpx.Response(303, headers={"location": "/login"})
        return httpx.Response(200, text="<html>")

    async with connect(answer) as signaling:
        with pytest.raises(ClientError, match="there is no stream"):
            await signaling.find()


async def test_an_error_names_the_redirect_that_dropped_the_credentials(connect: Connect) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.host == "server.example":
            return httpx.Response(308, headers={"location": "http://other.example/webrtc/offer"})
        return httpx.Response(401)

    async with connect(answer) as signaling:
        with pytest.raises(ClientError) as refused:
            await signaling.find()
    assert refused.value.code == "forbidden"
    assert refused.value.advice.startswith(f"{URL} redirects to another server, which gets none")


@pytest.mark.parametrize(
    "location",
    ["//h:99999/x", "http://127.0.0.1:99999/x", "http://[::1", "about:blank", "http://a..b/x"],
)
async def test_redirects_to_invalid_urls(connect: Connect, location: str) -> None:
    asked = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        return httpx.Response(307, headers={"location": location})

    async with connect(answer) as signaling:
        with pytest.raises(ClientError) as refused:
            await signaling.find()
    assert refused.value.code == "server_unreachable"
    assert asked == [OFFER]


async def test_a_page_behind_a_redirect_is_asked_where_it_is(connect: Connect) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.scheme == "http":
            return httpx.Response(301, headers={"location": f"https{str(request.url)[4:]}"})
        return pages(config={"components": [component(2)], "api_prefix": "/api"})(request)

    async with connect(answer) as signaling:
        at = await signaling.find()
    page = f"https{URL[4:]}"
    assert at == Route(f"{page}/api/component_server/", 2, (), page)


@pytest.mark.parametrize(
    ("found", "route"),
    [
        (
            {"config": {"components": [{"id": 1, "type": "html"}, component(2)]}},
            Route(f"{URL}/component_server/", 2),
        ),
        (
            {"config": {"components": [component(2), component(3)], "api_prefix": "/gradio_api"}},
            Route(f"{URL}/gradio_api/component_server/", 2, ("the page has 2 streams: the first",)),
        ),
        (
            {"config": [], "openapi": {"paths": {"/": {}, "/a/webrtc/offer": {}}}},
            Route(f"{URL}/a/webrtc/offer", None, ("the stream is at /a/webrtc/offer",)),
        ),
        (
            {"openapi": {"paths": {"/a/webrtc/offer": {}, "/b/webrtc/offer": {}}}},
            Route(f"{URL}/a/webrtc/offer", None, ("the stream is at /a/webrtc/offer, one of ",)),
        ),
    ],
)
async def test_other_places_are_found(connect: Connect, found: Any, route: Route) -> None:
    async with connect(pages(**found)) as signaling:
        at = await signaling.find()
    assert (at.url, at.component, len(at.notes)) == (route.url, route.component, len(route.notes))
    assert all(note.startswith(part) for note, part in zip(at.notes, route.notes, strict=True))


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        ({}, "there is no stream"),
        ({"openapi": {"paths": []}}, "there is no stream"),
        ({"config": {"components": [{"id": "x", "type": "webrtc"}]}}, "without a WebRTC component"),
    ],
)
async def test_no_stream_is_an_error(connect: Connect, found: Any, reason: str) -> None:
    async with connect(pages(**found)) as signaling:
        with pytest.raises(ClientError, match=reason):
            await signaling.find()


@pytest.mark.parametrize(
    ("response", "answer"),
    [
        (httpx.Response(200, json={"type": "answer"}), {"type": "answer"}),
        (
            httpx.Response(400, json={"detail": "No audio"}),
            {"status": "failed", "meta": {"error": "No audio"}},
        ),
        (httpx.Response(502), "fails: 502 Bad Gateway"),
        (httpx.Response(429), "fails: 429 Too Many Requests"),
        (httpx.Response(404), "does not answer offers: 404"),
        (httpx.Response(200, text="<html>"), "does not answer offers: 200"),
        (httpx.Response(401), "refuses the request: 401"),
        (httpx.Response(403), "refuses the request: 403"),
    ],
    ids=str,
)
async def test_answers_and_what_is_none(connect: Connect, response: Any, answer: Any) -> None:
    async with connect(lambda request: response) as signaling:
        if isinstance(answer, dict):
            assert await signaling.send(Route(OFFER), {"sdp": ""}) == answer
        else:
            with pytest.raises(ClientError, match=answer) as caught:
                await signaling.send(Route(OFFER), {"sdp": ""})
            assert caught.value.advice
            assert (caught.value.code == "server_error") is answer.startswith("fails")


async def test_a_route_is_looked_up_once_and_again_after_a_failure(
    connect: Connect,
) -> None:
    bodies: list[Any] = []
    responses = iter([200, 200, 503, 200])

    def answer(request: httpx.Request) -> httpx.Response:
        bodies.append(json.loads(request.content))
        return httpx.Response(next(responses), json={})

    routes: dict[str, Route] = {}
    async with connect(answer, routes) as first:
        await first.send(await first.find(), {"sdp": 1})
    async with connect(answer, routes) as second:
        with pytest.raises(ClientError, match="503"):
            await second.send(await second.find(), {"sdp": 2})
    assert bodies == [{}, {"sdp": 1}, {"sdp": 2}]
    async with connect(answer, routes) as third:
        await third.find()
    assert bodies[3:] == [{}]


async def test_a_page_is_asked_as_its_client_does(connect: Connect) -> None:
    servers = {"iceServers": [{"urls": "turn:turn.example"}]}
    asked: list[dict[str, Any]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(json.loads(request.content))
        return httpx.Response(200, json=servers if asked[-1]["fn_name"] == "turn" else {})

    page = Route(f"{URL}/component_server/", 7)
    async with connect(answer) as signaling:
        assert await signaling.send(page, {"sdp": "v=0"}) == {}
        assert await signaling.page_configuration(page) == servers
        assert await signaling.page_configuration(Route(OFFER)) is None
    assert [(one["fn_name"], one["data"], one["component_id"]) for one in asked] == [
        ("offer", {"sdp": "v=0"}, 7),
        ("turn", None, 7),
    ]


def caused_by(cause: Exception) -> httpx.ConnectError:
    error = httpx.ConnectError("failed")
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (httpx.ReadTimeout("slow"), "no response from .* within 15 s"),
        (caused_by(ssl.SSLError("certificate")), "TLS with .* failed"),
        (caused_by(socket.gaierror("unknown")), "cannot be resolved"),
        (caused_by(ConnectionRefusedError()), "cannot be reached: failed"),
    ],
    ids=repr,
)
async def test_a_server_that_cannot_be_reached(
    connect: Connect, error: Exception, reason: str
) -> None:
    def fail(request: httpx.Request) -> httpx.Response:
        raise error

    async with connect(fail) as signaling:
        with pytest.raises(ClientError, match=reason) as caught:
            await signaling.find()
    assert caught.value.advice
