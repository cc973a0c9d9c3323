"""Routes of protocols and of the debug page: dependencies of the app, and bodies that are read."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from fastapi import APIRouter, Depends, FastAPI, HTTPException, Request
from fastapi.routing import APIRoute, APIWebSocketRoute
from fastapi.testclient import TestClient
from starlette.requests import HTTPConnection
from starlette.routing import Mount
from starlette.testclient import WebSocketDenialResponse

from fastrtc import Limits, Stream
from fastrtc.protocols.table import MODULES
from fastrtc.server.app_routes import add_to_app
from tests.webrtc.handlers import AsyncAudioEcho

PROTOCOLS = ["fastrtc", *MODULES]

SDP = {"Content-Type": "application/sdp"}


def mounted(app: FastAPI, **options: Any) -> FastAPI:
    stream = Stream(
        AsyncAudioEcho(), modality="audio", mode="send-receive", verbose=False, **options
    )
    stream.mount(app, "/a", protocols=PROTOCOLS)
    return app


def client(app: FastAPI) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test")


def check(connection: HTTPConnection) -> None:
    if connection.headers.get("x-key") != "right":
        raise HTTPException(401, "No key")


async def test_dependencies_of_the_app_protect_each_route() -> None:
    app = FastAPI(dependencies=[Depends(check)])
    before = len(app.router.routes)
    mounted(app, debug=True)
    added = app.router.routes[before:]
    paths: set[str] = set()
    async with client(app) as http:
        for route in added:
            assert isinstance(route, APIRoute | APIWebSocketRoute), route
            paths.add(route.path)
            if isinstance(route, APIWebSocketRoute):
                continue
            path = route.path.format_map({"secret": "x", "id": "x", "name": "debug.js"})
            for method in route.methods - {"OPTIONS"}:
                refused = await http.request(method, path)
                assert refused.status_code == 401, (method, path)
                passed = await http.request(method, path, headers={"x-key": "right"})
                assert passed.status_code != 401, (method, path)
            if "OPTIONS" in route.methods:  # a preflight request has no credentials
                assert (await http.options(path)).status_code == 200
    assert {"/a/api/offer", "/a/whip/{secret}", "/a/v1/realtime/calls"} <= paths
    assert {"/a/v1/realtime", "/a/fastrtc/debug/state"} <= paths
    assert not [path for path in app.openapi()["paths"] if "whip" in path or "debug" in path]


def test_dependencies_of_the_app_protect_web_sockets() -> None:
    with TestClient(mounted(FastAPI(dependencies=[Depends(check)]))) as http:
        with pytest.raises(WebSocketDenialResponse) as refused:
            with http.websocket_connect("/a/v1/realtime"):
                pass
        assert refused.value.status_code == 401


@pytest.mark.parametrize("who", ["authorize", "dependency"])
@pytest.mark.parametrize(("path", "headers"), [("whip", SDP), ("api/offer", {})])
async def test_a_body_that_is_read_before(who: str, path: str, headers: dict[str, str]) -> None:
    read: list[bytes] = []

    async def reads(request: Request) -> None:
        read.append(await request.body())

    limits = Limits(offer_bytes=1000)
    if who == "authorize":
        app = mounted(FastAPI(), authorize=reads, limits=limits)
    else:
        app = mounted(FastAPI(dependencies=[Depends(reads)]), limits=limits)

    async def chunks() -> Any:
        for _ in range(100):
            yield b"x" * 100

    async with client(app) as http:
        post = http.post(f"/a/{path}", content=b"{", headers=headers)
        malformed = await asyncio.wait_for(post, 5)
        assert malformed.status_code == 400 and read == [b"{"], malformed.text
        for large in (b"x" * 2000, chunks()):
            refused = await http.post(f"/a/{path}", content=large, headers=headers)
            assert refused.status_code == 413, refused.text
            assert "more than 1000 bytes" in refused.text
        assert read == [b"{"]


async def test_an_offer_whose_body_authorize_reads() -> None:
    async def reads(request: Request) -> bool:
        return bool(await request.body())

    async def chunks() -> Any:
        for _ in range(100):
            yield b"x" * 100

    async with client(mounted(FastAPI(), authorize=reads, limits=Limits(offer_bytes=1000))) as http:
        refused = await http.post("/a/webrtc/offer", content=chunks())
        assert refused.status_code == 413
        assert refused.json() == {"detail": "The request has more than 1000 bytes"}


def test_other_kinds_of_routes_are_an_error() -> None:
    with pytest.raises(TypeError, match="route"):
        add_to_app(APIRouter(), [Mount("/x", FastAPI())], lambda: 1)
