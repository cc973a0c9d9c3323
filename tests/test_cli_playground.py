"""`fastrtc playground URL`: its page, what it forwards, and what it refuses; with real servers."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from base64 import b64encode
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any
from urllib.parse import quote

import gradio as gr
import httpx
import numpy as np
import pytest
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import (
    HTMLResponse,
    JSONResponse,
    RedirectResponse,
    Response,
    StreamingResponse,
)
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Subprotocol
from websockets.utils import accept_key

from fastrtc import Client, ClientError, Stream
from fastrtc.cli import main
from fastrtc.cli.playground import choose_port
from fastrtc.cli.playground_app import make_app
from fastrtc.cli.playground_target import Choices, Target
from fastrtc.client.signaling import page_url
from tests.support.connections import connections_of
from tests.support.peers import LOCAL
from tests.support.ports import free_port
from tests.support.servers import serving
from tests.webrtc.handlers import AsyncAudioEcho, AsyncAudioVideoEcho, flip

PATIENCE_S = 20


@contextmanager
def playground(
    url: str, headers: dict[str, str] | None = None, choices: Choices | None = None
) -> Iterator[str]:
    app = make_app(Target(page_url(url), headers or {}), choices or Choices())
    with serving(app, ws_per_message_deflate=False) as address:
        yield address


def stream_of(handler: Any, **options: Any) -> Stream:
    options = {"modality": "audio", "server_rtc_configuration": LOCAL, "verbose": False, **options}
    return Stream(handler, **options)


def sine(seconds: float) -> Any:
    times = np.arange(int(24_000 * seconds)) / 24_000
    return (16_000 * np.sin(2 * np.pi * 1000 * times)).astype(np.int16)


async def hear(client: Client) -> None:
    """Wait until audio comes back."""
    await client.send_audio((24_000, sine(0.5)))

    async def listen() -> None:
        async for chunk in client.audio():
            if np.abs(chunk.samples).max() > 8_000:
                return

    await asyncio.wait_for(listen(), PATIENCE_S)


# The page, and who may use it


def test_the_page_loads_only_its_own_files() -> None:
    with playground("http://127.0.0.1:9") as address:
        page = httpx.get(address)
        assert page.status_code == 200 and "<title>FastRTC playground" in page.text
        assert "default-src 'none'" in page.headers["content-security-policy"]
        for name in re.findall(r'(?:src|href)="([^":]+)"', page.text):
            file = httpx.get(f"{address}/{name}")
            assert file.status_code == 200 and len(file.content) > 5_000, name
        assert httpx.get(f"{address}/openapi.json").status_code == 404
        assert httpx.post(f"{address}/input_hook", json={}).status_code == 404


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},  # a name that was rebound to 127.0.0.1
        {"Host": "evil.example:80", "Origin": "http://evil.example:80"},
        {"Origin": "http://evil.example"},
        {"Origin": "http://127.0.0.1:9"},  # another program on this machine
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
async def test_pages_of_other_sites_are_refused(headers: dict[str, str]) -> None:
    asked: list[str] = []

    async def record(request: Request) -> Response:
        asked.append(request.url.path)
        return JSONResponse({})

    target = Starlette(routes=[Route("/webrtc/offer", record, methods=["POST"])])
    with serving(target) as url, playground(url) as address:
        async with httpx.AsyncClient(base_url=address, headers=headers) as http:
            assert (await http.get("/target")).status_code == 403
            assert (await http.post("/webrtc/offer", json={})).status_code == 403
            page = await http.get("/")
        assert page.status_code == (403 if "Host" in headers else 200)
        given = {name: value for name, value in headers.items() if name != "Host"}
        if given:
            with pytest.raises(InvalidStatus) as refused:
                await connect(f"ws{address[4:]}/websocket/offer", additional_headers=given)
            assert refused.value.response.status_code == 403
    assert not asked


# What the target is


MEDIA = {
    ("audio", "send-receive"): AsyncAudioEcho,
    ("audio", "send"): AsyncAudioEcho,
    ("video", "send-receive"): lambda: flip,
    ("video", "send"): lambda: flip,
    ("audio-video", "send-receive"): AsyncAudioVideoEcho,
    ("audio-video", "send"): AsyncAudioVideoEcho,
}


def pictures() -> Iterator[Any]:
    yield np.zeros((48, 64, 3), np.uint8)


def sounds() -> Iterator[Any]:
    yield 24_000, sine(0.1)[None]


async def test_what_a_stream_takes_is_found_without_a_place_of_it() -> None:
    streams = {
        media: stream_of(handler(), modality=media[0], mode=media[1])
        for media, handler in MEDIA.items()
    }
    streams["video", "receive"] = stream_of(pictures, modality="video", mode="receive")
    streams["audio", "receive"] = stream_of(sounds, modality="audio", mode="receive")
    app = FastAPI()
    for (modality, mode), stream in streams.items():
        stream.mount(app, f"/{modality}/{mode}")
    with serving(app) as url:
        for (modality, mode), stream in streams.items():
            target = Target(f"{url}/{modality}/{mode}", {})
            found = await target.find()
            await target.close()
            assert (found.modality, found.mode) == (modality, mode)
            assert len(connections_of(stream).registry) == 0


def test_an_older_server_gets_no_offers_that_it_cannot_answer() -> None:
    asked: list[dict[str, Any]] = []

    async def offer(request: Request) -> Response:
        """Answer as FastRTC 0.0.34 does."""
        body = await request.json()
        if "type" not in body:
            return JSONResponse({"detail": []}, 422)
        asked.append(body)
        return JSONResponse({"status": "failed", "meta": {"error": "unknown_connection"}})

    app = Starlette(routes=[Route("/webrtc/offer", offer, methods=["POST"])])
    with serving(app) as url, playground(url) as address:
        known = httpx.get(f"{address}/target").json()
    assert known["kind"] == "mounted" and known["found"] == {"modality": None, "mode": None}
    assert [body["type"] for body in asked] == ["ice-candidate"]


async def test_a_gradio_page() -> None:
    stream = stream_of(
        AsyncAudioEcho(),
        mode="send-receive",
        rtc_configuration={"iceServers": [{"urls": "stun:x"}]},
    )

    async def build() -> FastAPI:  # Gradio leaves an event loop open where there is none
        return gr.mount_gradio_app(FastAPI(), stream.ui, path="/talk")

    app = await asyncio.to_thread(asyncio.run, build())
    with serving(app) as url, playground(f"{url}/talk/") as address:
        async with httpx.AsyncClient(base_url=address) as http:
            known = (await http.get("/target")).json()
            servers = (await http.get("/rtc_configuration")).json()
        assert known["kind"] == "gradio"
        assert known["found"] == {"modality": "audio", "mode": "send-receive"}
        assert servers == {"iceServers": [{"urls": "stun:x"}]}
        async with Client(address, rtc_configuration={"iceServers": []}) as client:
            await hear(client)
        async with Client(address, "websocket") as client:
            await hear(client)


@contextmanager
def redirected_page(socket_path: str) -> Iterator[str]:
    """Serve a page with a component, and another server that redirects to it.

    The component answers with the headers and the data of an offer.
    """

    async def config(_: Request) -> Response:
        props = {"modality": "audio", "mode": "send"}
        return JSONResponse({"components": [{"id": 1, "type": "webrtc", "props": props}]})

    async def component(request: Request) -> Response:
        body = await request.json()
        found = {"called": body["fn_name"], "data": body["data"], "headers": dict(request.headers)}
        return JSONResponse(socket_path if body["fn_name"] == "websocket" else found)

    async def ready(websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.send_text("ready")
        await websocket.close()

    routes = [
        Route("/config", config),
        Route("/component_server/", component, methods=["POST"]),
        WebSocketRoute("/socket", ready),
    ]
    with serving(Starlette(routes=routes)) as page:

        async def redirect(request: Request) -> Response:
            return RedirectResponse(page + request.url.path, 301)

        entry = Route("/{path:path}", redirect, methods=["GET", "POST"])
        with serving(Starlette(routes=[entry])) as url:
            yield url


async def test_a_gradio_page_behind_a_redirect() -> None:
    """It gets no credentials: they are those of the server that redirects."""
    headers = {"Authorization": "Bearer me", "X-Key": "k"}
    with redirected_page("/socket") as url, playground(url, headers) as address:
        async with httpx.AsyncClient(base_url=address) as http:
            known = (await http.get("/target")).json()
            answer = (await http.post("/webrtc/offer", json={})).json()
        assert known["found"] == {"modality": "audio", "mode": "send"}
        assert known["notes"] == [
            f"{url} redirects to another server, which gets none of the headers"
        ]
        assert (answer["called"], answer["data"]) == ("offer", {})
        assert not {"authorization", "x-key"} & {*answer["headers"]}
        offers = f"ws{address[4:]}/websocket/offer"
        async with connect(offers) as page:
            assert await page.recv() == "ready"
        with pytest.raises(InvalidStatus) as refused:
            await connect(offers, subprotocols=[Subprotocol("fastrtc"), Subprotocol("token")])
    assert refused.value.response.status_code == 403


async def test_a_page_cannot_name_a_websocket_of_another_host() -> None:
    with redirected_page("@127.0.0.2/socket") as url, playground(url) as address:
        with pytest.raises(InvalidStatus) as refused:
            await connect(f"ws{address[4:]}/websocket/offer")
    assert refused.value.response.status_code == 404


def test_options_of_the_command_reach_the_page() -> None:
    choices = Choices("video", "send", "webrtc", has_token=True)
    with playground("http://127.0.0.1:9", {"Authorization": "Bearer x"}, choices) as address:
        known = httpx.get(f"{address}/target").json()
    assert (known["modality"], known["mode"], known["transport"]) == ("video", "send", "webrtc")
    assert known["has_token"] is True and "Bearer" not in str(known)


# Requests


@contextmanager
def recording_target(answer: Response) -> Iterator[tuple[str, list[tuple[Any, bytes]]]]:
    seen: list[tuple[Any, bytes]] = []

    async def offer(request: Request) -> Response:
        seen.append((request.headers, await request.body()))
        return answer

    with serving(Starlette(routes=[Route("/a/webrtc/offer", offer, methods=["POST"])])) as url:
        yield f"{url}/a", seen


def test_an_offer_is_forwarded_with_the_headers_of_the_user() -> None:
    answer = JSONResponse({"answer": 1}, 418, headers={"Retry-After": "3", "Set-Cookie": "a=b"})
    own = {"Authorization": "Bearer of-the-command", "X-Key": "k"}
    with recording_target(answer) as (url, seen), playground(url, own) as address:
        sent = {"Cookie": "c=d", "Origin": address, "X-Other": "o"}
        given = httpx.post(f"{address}/webrtc/offer", content=b'{"a": 1}', headers=sent)
        token = {"Authorization": "Bearer of-the-page"}
        httpx.post(f"{address}/webrtc/offer", content=b"{}", headers=token)
    assert given.status_code == 418 and given.json() == {"answer": 1}
    assert given.headers["retry-after"] == "3" and "set-cookie" not in given.headers
    headers, body = seen[-2]
    assert body == b'{"a": 1}'
    assert headers["x-key"] == "k" and headers["authorization"] == "Bearer of-the-command"
    assert not {"cookie", "origin", "x-other"} & set(headers.keys())
    assert seen[-1][0]["authorization"] == "Bearer of-the-page"


def test_inputs_are_forwarded_to_routes_of_the_program() -> None:
    app = FastAPI()
    stream_of(AsyncAudioEcho()).mount(app, "/a")
    seen: list[tuple[str, Any, str | None]] = []

    @app.post("/inputs/{name:path}")
    async def inputs(name: str, request: Request) -> str:
        seen.append((name, await request.json(), request.headers.get("authorization")))
        return "set"

    own = {"Authorization": "Bearer of-the-command"}
    with serving(app) as other, serving(app) as url, playground(f"{url}/a", own) as address:

        def post(route: str, **headers: str) -> httpx.Response:
            route = f"{address}/inputs?route={quote(route, safe='')}"
            return httpx.post(route, json={"webrtc_id": "x"}, headers=headers)

        assert "/inputs/{name}" in httpx.get(f"{address}/routes").json()["paths"]
        assert (post("/inputs/1").status_code, post("/inputs/1").json()) == (200, "set")
        assert post("/inputs/2", Authorization="Bearer of-the-page").is_success
        assert post("/none").status_code == 404
        assert post("/inputs/3", Origin="http://elsewhere.example").status_code == 403
        elsewhere = (f"{other}/inputs/4", f"//{other[7:]}/inputs/4", "//h:99999/x", "//[::1")
        for route in (*elsewhere, "inputs/4", "", "/\x00", "about:blank"):
            refused = post(route)
            assert refused.status_code in (404, 502) and "detail" in refused.json(), route
        assert httpx.get(f"{address}/inputs?route=/inputs/5").status_code == 405
    body = {"webrtc_id": "x"}
    assert seen == [
        *[("1", body, "Bearer of-the-command")] * 2,
        ("2", body, "Bearer of-the-page"),
    ]


def test_inputs_follow_redirects_of_the_program_only() -> None:
    app = FastAPI()
    stream_of(AsyncAudioEcho()).mount(app)
    seen: list[tuple[Any, str | None]] = []

    @app.post("/inputs/")  # FastAPI redirects /inputs with 307
    async def inputs(request: Request) -> str:
        seen.append((await request.json(), request.headers.get("authorization")))
        return "set"

    @app.post("/elsewhere")
    async def elsewhere(to: str) -> Response:
        return RedirectResponse(to, 307)

    own = {"Authorization": "Bearer of-the-command"}
    with serving(app) as other, serving(app) as url, playground(url, own) as address:

        def post(route: str) -> httpx.Response:
            route = f"{address}/inputs?route={quote(route, safe='')}"
            return httpx.post(route, json={"webrtc_id": "x"})

        followed = post("/inputs")
        assert (followed.status_code, followed.json()) == (200, "set")
        refused = post(f"/elsewhere?to={other}/inputs/")
        assert refused.status_code == 502
        assert f"/elsewhere?to={other}/inputs/ redirects to {other}/inputs/" in refused.text
        invalid = post("/elsewhere?to=http://a..example/")
        assert invalid.status_code == 502 and "http://a..example/" in invalid.json()["detail"]
    assert seen == [({"webrtc_id": "x"}, "Bearer of-the-command")]


def test_the_schema_of_the_program_is_no_page() -> None:
    async def page(_: Request) -> Response:
        return HTMLResponse("<script>alert(1)</script>")

    app = FastAPI(openapi_url=None)
    stream_of(AsyncAudioEcho()).mount(app)
    app.add_route("/openapi.json", page)
    with serving(app) as url, playground(url) as address:
        response = httpx.get(f"{address}/routes")
    assert response.text == "<script>alert(1)</script>"
    assert response.headers.get_list("content-type") == ["application/json"]


def test_a_token_that_is_not_ascii_is_passed_on() -> None:
    with recording_target(JSONResponse({})) as (url, seen), playground(url) as address:
        sent = httpx.Headers({"Authorization": "Bearer caf\xe9"}, encoding="latin-1")
        assert httpx.post(f"{address}/webrtc/offer", content=b"{}", headers=sent).is_success
    assert seen[-1][0]["authorization"] == "Bearer caf\xe9"


def test_a_login_in_the_url_stays_with_the_command() -> None:
    with recording_target(JSONResponse({})) as (url, seen):
        with playground(url.replace("://", "://me:p%40ss@")) as address:
            known = httpx.get(f"{address}/target").json()
            httpx.post(f"{address}/webrtc/offer", content=b"{}")
            token = {"Authorization": "Bearer of-the-page"}
            httpx.post(f"{address}/webrtc/offer", content=b"{}", headers=token)
    assert known["url"] == url and "me:" not in str(known)
    logins = [headers["authorization"] for headers, _ in seen]
    basic = f"Basic {b64encode(b'me:p@ss').decode()}"
    assert logins == [basic] * (len(seen) - 1) + ["Bearer of-the-page"]


async def test_a_response_is_passed_on_as_it_arrives() -> None:
    arrived = threading.Event()

    async def parts() -> AsyncIterator[bytes]:
        yield b"first"
        assert await asyncio.to_thread(arrived.wait, PATIENCE_S)
        yield b"second"

    async def offer(request: Request) -> Response:
        if await request.body() == b"{}":
            return JSONResponse({}, 422)  # to the request that looks for the stream
        return StreamingResponse(parts())

    app = Starlette(routes=[Route("/webrtc/offer", offer, methods=["POST"])])
    with serving(app) as url, playground(url) as address:
        async with (
            httpx.AsyncClient() as http,
            http.stream("POST", f"{address}/webrtc/offer", content=b"x") as response,
        ):
            chunks = response.aiter_raw()
            assert await anext(chunks) == b"first"
            arrived.set()
            assert await anext(chunks) == b"second"


def test_a_body_has_a_bound() -> None:
    with recording_target(JSONResponse({})) as (url, seen), playground(url) as address:
        given = httpx.post(f"{address}/webrtc/offer", content=b"x" * (1 << 20 | 1))
    assert given.status_code == 413 and not seen


async def test_a_target_that_is_down() -> None:
    url = f"http://127.0.0.1:{free_port()}"
    with playground(url) as address:
        async with httpx.AsyncClient(base_url=address) as http:
            problem = (await http.get("/target")).json()["problem"]
            offered = await http.post("/webrtc/offer", json={})
        with pytest.raises(InvalidStatus) as refused:
            await connect(f"ws{address[4:]}/websocket/offer")
    assert url in problem["sentence"] and problem["advice"]
    assert offered.status_code == refused.value.response.status_code == 502
    assert url in offered.json()["detail"]
    assert url in (refused.value.response.body or b"").decode()


def test_a_target_without_a_stream_or_a_login() -> None:
    async def forbidden(_: Request) -> Response:
        return Response(status_code=403)

    app = Starlette(routes=[Route("/closed/webrtc/offer", forbidden, methods=["POST"])])
    with serving(app) as url:
        for path, status in (("none", 404), ("closed", 403)):
            with playground(f"{url}/{path}") as address:
                given = httpx.post(f"{address}/webrtc/offer", json={})
                assert given.status_code == status and given.json()["detail"]


# WebSockets


@asynccontextmanager
async def sockets(serve: Any, **given: Any) -> AsyncIterator[tuple[Any, dict[str, Any]]]:
    """Yield the socket of the page, and what the target has noted."""
    noted: dict[str, Any] = {"ended": threading.Event(), "reads": threading.Event()}

    async def endpoint(websocket: WebSocket) -> None:
        noted["headers"] = websocket.headers
        await serve(websocket, noted)

    async def offer(_: Request) -> Response:
        return JSONResponse({}, 422)

    app = Starlette(
        routes=[
            Route("/webrtc/offer", offer, methods=["POST"]),
            WebSocketRoute("/websocket/offer", endpoint),
        ]
    )
    own = {"Authorization": "Bearer of-the-command"}
    with serving(app) as url, playground(url, own) as address:
        async with connect(f"ws{address[4:]}/websocket/offer", **given) as page:
            yield page, noted


async def echo(websocket: WebSocket, noted: dict[str, Any]) -> None:
    await websocket.accept(next(iter(websocket.scope["subprotocols"]), None))
    while True:
        message = await websocket.receive()
        if message["type"] == "websocket.disconnect":
            noted["closed"] = message["code"], message.get("reason")
            noted["ended"].set()
            return
        if (text := message.get("text")) is not None:
            await websocket.send_text(text)
        else:
            await websocket.send_bytes(message["bytes"])


@pytest.mark.parametrize(("code", "reason"), [(1000, "done"), (4000, "lost")])
async def test_messages_go_both_ways_and_the_page_closes(code: int, reason: str) -> None:
    async with sockets(echo) as (page, noted):
        await page.send('{"event": "ping"}')
        assert await page.recv() == '{"event": "ping"}'
        await page.send(bytes(range(256)))
        assert await page.recv() == bytes(range(256))
        await page.close(code, reason)
        assert await asyncio.to_thread(noted["ended"].wait, PATIENCE_S)
        assert noted["closed"] == (code, reason)
        assert noted["headers"]["authorization"] == "Bearer of-the-command"


async def test_the_token_of_the_page_replaces_that_of_the_command() -> None:
    async with sockets(echo, subprotocols=["fastrtc", "of-the-page"]) as (page, noted):
        assert page.subprotocol == "fastrtc"
        assert noted["headers"]["sec-websocket-protocol"] == "fastrtc, of-the-page"
        assert "authorization" not in noted["headers"]


async def test_a_page_that_is_gone_is_lost_to_the_target_too() -> None:
    async with sockets(echo) as (page, noted):
        await page.send("x")
        await page.recv()
        page.transport.abort()
        assert await asyncio.to_thread(noted["ended"].wait, PATIENCE_S)
        assert noted["closed"][0] in (1005, 1006)  # it was not told that this is the end


@pytest.mark.parametrize(("code", "reason"), [(1013, "full"), (1000, "")])
async def test_the_target_closes(code: int, reason: str) -> None:
    async def serve(websocket: WebSocket, _: dict[str, Any]) -> None:
        await websocket.accept()
        await websocket.send_text("last")
        await websocket.close(code, reason)

    async with sockets(serve) as (page, _):
        assert await page.recv() == "last"
        with pytest.raises(ConnectionClosed):
            await page.recv()
        assert (page.close_code, page.close_reason) == (code, reason)


async def test_a_target_that_refuses_the_handshake() -> None:
    async def serve(websocket: WebSocket, _: dict[str, Any]) -> None:
        await websocket.send_denial_response(JSONResponse({"status": "failed"}, 503))

    with pytest.raises(InvalidStatus) as refused:
        async with sockets(serve):
            pass
    assert refused.value.response.status_code == 503
    assert b"failed" in (refused.value.response.body or b"")


async def test_a_target_that_redirects_to_an_invalid_host() -> None:
    async def serve(websocket: WebSocket, _: dict[str, Any]) -> None:
        await websocket.send_denial_response(RedirectResponse("http://a..example/x", 307))

    with pytest.raises(InvalidStatus) as refused:
        async with sockets(serve):
            pass
    assert refused.value.response.status_code == 502
    assert b"redirects to an invalid URL" in (refused.value.response.body or b"")


async def test_a_target_that_breaks_has_not_ended_the_conversation() -> None:
    """A client resumes its session after 1014, as it does after 1006, which nobody can send."""
    listening = socket.create_server(("127.0.0.1", 0))
    writers: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        if request.startswith(b"POST"):
            writer.write(b"HTTP/1.1 422 No\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")
            await writer.drain()
            writer.close()
            return
        found = re.search(rb"Sec-WebSocket-Key: (\S+)", request)
        assert found is not None
        accept = accept_key(found[1].decode())
        writer.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + accept.encode() + b"\r\n\r\n"
        )
        writers.append(writer)

    server = await asyncio.start_server(serve, sock=listening)
    async with server:
        with playground(f"http://127.0.0.1:{listening.getsockname()[1]}") as address:
            async with connect(f"ws{address[4:]}/websocket/offer") as page:
                writers[0].transport.abort()
                with pytest.raises(ConnectionClosed):
                    await page.recv()
                assert page.close_code == 1014


MESSAGE = bytes(256 * 1024)
MAX_HELD_UP = 200
"""More messages than sockets, queues and kernel hold: 50 MB."""


async def test_a_target_that_reads_slowly_holds_up_the_page() -> None:
    async def serve(websocket: WebSocket, noted: dict[str, Any]) -> None:
        await websocket.accept()
        await websocket.send_text("ready")
        await asyncio.to_thread(noted["reads"].wait, PATIENCE_S)
        count = 0
        while (await websocket.receive())["type"] == "websocket.receive":
            count += 1
        noted["count"] = count
        noted["ended"].set()

    async with sockets(serve, compression=None) as (page, noted):
        await page.recv()
        sent = 0
        with pytest.raises(asyncio.TimeoutError):
            while sent < MAX_HELD_UP:
                await asyncio.wait_for(page.send(MESSAGE), 0.5)
                sent += 1
        noted["reads"].set()
        await page.close()
        assert await asyncio.to_thread(noted["ended"].wait, PATIENCE_S)
        assert noted["count"] >= sent


async def test_a_page_that_reads_slowly_holds_up_the_target() -> None:
    async def serve(websocket: WebSocket, noted: dict[str, Any]) -> None:
        await websocket.accept()
        noted["sent"] = 0
        while noted["sent"] < MAX_HELD_UP:
            await websocket.send_bytes(MESSAGE)
            noted["sent"] += 1

    async with sockets(serve, compression=None, max_queue=1) as (page, noted):
        held = -1
        while held != noted.get("sent"):
            held = noted.get("sent")
            await asyncio.sleep(0.3)
        assert held is not None and held < MAX_HELD_UP
        for _ in range(MAX_HELD_UP):
            assert len(await asyncio.wait_for(page.recv(), PATIENCE_S)) == len(MESSAGE)


# Conversations


@pytest.mark.parametrize("transport", ["webrtc", "websocket"])
async def test_a_conversation(transport: Any) -> None:
    stream = stream_of(AsyncAudioEcho())
    app = FastAPI()
    stream.mount(app, "/talk")
    with serving(app) as url, playground(f"{url}/talk") as address:
        async with Client(address, transport) as client:
            await hear(client)
            assert client.id in connections_of(stream).registry


@pytest.mark.parametrize("transport", ["webrtc", "websocket"])
async def test_a_refusal_of_the_stream_is_that_of_the_playground(transport: Any) -> None:
    stream = stream_of(AsyncAudioEcho(), concurrency_limit=1)
    app = FastAPI()
    stream.mount(app)
    with serving(app) as url, playground(url) as address:
        async with Client(address, transport):
            with pytest.raises(ClientError) as refused:
                await Client(address, transport).connect()
    assert refused.value.code == "concurrency_limit_reached"


# The command


@contextmanager
def command(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    variables = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    running = subprocess.Popen(
        [sys.executable, "-W", "error", "-m", "fastrtc", "playground", "--no-open", *arguments],
        env=variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert running.stdout is not None
        found = re.search(r"http://127\.0\.0\.1:\d+(?= \()", running.stdout.readline())
        assert found is not None, running.communicate()
        yield running, found[0]
    finally:
        running.kill()
        running.communicate()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_the_command_ends_with_a_conversation(number: signal.Signals) -> None:
    stream = stream_of(AsyncAudioEcho())
    app = FastAPI()
    stream.mount(app)
    with serving(app) as url, command(url) as (running, address):
        async with Client(address, "websocket") as client:
            await hear(client)
            running.send_signal(number)
            _, complaints = await asyncio.to_thread(running.communicate, timeout=PATIENCE_S)
            assert running.returncode == 0 and not complaints
            await asyncio.wait_for(client.wait_closed(), PATIENCE_S)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["ftp://x"], "URL needs the URL of a server"),
        (["http://x", "--header", "nothing"], "--header must be"),
        (["http://x", "--token", "t", "--header", "Authorization: x"], "exclude each other"),
    ],
)
def test_invalid_arguments(
    arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["playground", "--no-open", *arguments]) == 2
    assert complaint in capsys.readouterr().err


def test_a_port_in_use(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as used:
        port = used.getsockname()[1]
        assert main(["playground", "http://x", "--no-open", "--port", str(port)]) == 1
    assert f"Port {port} of 127.0.0.1 is in use" in capsys.readouterr().err


def test_the_page_of_a_stream_has_the_same_port_each_time_if_it_is_free() -> None:
    url = next(url for path in range(100) if choose_port(url := f"http://x/{path}"))
    port = choose_port(url)
    assert 20_000 <= port < 30_000 and choose_port(url) == port
    assert choose_port(f"{url}/other") != port
    with socket.create_server(("127.0.0.1", port)):
        assert choose_port(url) == 0
