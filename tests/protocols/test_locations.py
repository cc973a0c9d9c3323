"""The location of a session, behind proxies and in apps that are mounted in others."""

from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.testclient import TestClient

from fastrtc import Stream
from fastrtc.protocols.locations import location_below
from tests.protocols.whip.test_routes import AUDIO
from tests.support.peers import LOCAL
from tests.webrtc.handlers import AsyncAudioEcho


async def create(request: Request) -> Response:
    return Response(headers={"Location": location_below(request.scope, "a b")})


ROUTE = Route("/calls", create, methods=["POST"])


@pytest.mark.parametrize(
    ("routes", "root_path", "requested", "expected"),
    [
        ([ROUTE], "", "/calls", "/calls/a%20b"),
        ([ROUTE], "/api", "/api/calls", "/api/calls/a%20b"),
        ([ROUTE], "/api/", "/calls", "/api/calls/a%20b"),
        ([ROUTE], "/call", "/calls", "/call/calls/a%20b"),
        ([Mount("/sub", routes=[ROUTE])], "", "/sub/calls", "/sub/calls/a%20b"),
        ([Mount("/sub", routes=[ROUTE])], "/api", "/api/sub/calls", "/api/sub/calls/a%20b"),
        ([Mount("/{name}", routes=[ROUTE])], "", "/%0d%0aé?/calls", "/%0D%0A%C3%A9%3F/calls/a%20b"),
    ],
)
def test_a_location_is_what_the_client_sees(
    routes: list[Any], root_path: str, requested: str, expected: str
) -> None:
    client = TestClient(Starlette(routes=routes), root_path=root_path)
    assert client.post(requested.replace("?", "%3F")).headers["Location"] == expected


def test_a_proxy_may_remove_a_path_before_a_mount() -> None:
    scope = {"path": "/sub/calls", "root_path": "/api/sub", "app_root_path": "/api"}
    assert location_below(scope, "a") == "/api/sub/calls/a"


OFFER = AUDIO + "a=fingerprint:sha-256 " + ":".join(["AB"] * 32) + "\r\n"


@pytest.mark.parametrize("root_path", ["", "/api"])
async def test_a_call_is_ended_at_its_location(root_path: str) -> None:
    stream = Stream(AsyncAudioEcho(), modality="audio", server_rtc_configuration=LOCAL)
    inner, app = FastAPI(), FastAPI()
    stream.mount(inner, "/live", protocols=["fastrtc", "openai-realtime", "whip"])
    if root_path:  # which the proxy has removed
        app, prefix = inner, "/live"
    else:
        app.mount("/sub", inner)
        prefix = "/sub/live"
    transport = httpx.ASGITransport(app, root_path=root_path)
    headers = {"Content-Type": "application/sdp"}
    async with httpx.AsyncClient(
        transport=transport, base_url="http://test", headers=headers
    ) as http:
        for path, method, end in (("v1/realtime/calls", "POST", "/hangup"), ("whip", "DELETE", "")):
            answer = await http.post(f"{prefix}/{path}", content=OFFER)
            assert answer.status_code == 201, answer.text
            location = answer.headers["Location"]
            assert location.startswith(f"{root_path}{prefix}/{path}/")
            ended = await http.request(method, location.removeprefix(root_path) + end)
            assert ended.status_code == 200, ended.text
