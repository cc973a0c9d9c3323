"""Requests that a page of another site makes a browser send, to every way in."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import gradio as gr
import httpx
import pytest
from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from fastrtc import Stream
from fastrtc.core.log_throttle import LogThrottle
from fastrtc.server import authorization as module
from fastrtc.server.authorization import serving_locally
from tests.support.bystander import assert_little, bystander
from tests.support.connections import connections_of
from tests.support.peers import LOCAL
from tests.webrtc.handlers import AsyncAudioEcho
from tests.websocket.served import serve

EVIL = {"origin": "https://evil.example", "sec-fetch-site": "cross-site"}
DEV = {"origin": "http://localhost:5173", "sec-fetch-site": "cross-site"}
CANDIDATE = {"candidate": None, "type": "ice-candidate", "webrtc_id": "a"}
ACCEPTED = {"status": "success"}
SERVER = "http://127.0.0.1:8000"


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_other_sites", LogThrottle())


def make(**options: Any) -> Stream:
    return Stream(
        AsyncAudioEcho(),
        modality="audio",
        verbose=False,
        server_rtc_configuration=LOCAL,
        **options,
    )


@asynccontextmanager
async def client_of(app: Any, url: str = SERVER) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url=url) as http:
        yield http


def mounted(stream: Stream) -> FastAPI:
    app = FastAPI()
    stream.mount(app)
    return app


def assert_refused(answer: Any, code: str = "cross_site") -> None:
    assert answer["status"] == "failed" and answer["meta"]["error"] == code


# Offers


@pytest.mark.parametrize("kind", [None, "text/plain;charset=UTF-8", "application/json"])
async def test_an_offer_that_needs_no_answer(
    kind: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    stream = make(authorize=lambda request: pytest.fail("asked about a page of another site"))
    headers = EVIL if kind is None else {**EVIL, "content-type": kind}
    body = json.dumps(CANDIDATE).encode()
    async with bystander() as other, client_of(mounted(stream)) as http:
        async with other.undisturbed() as cost:
            responses = [
                await http.post("/webrtc/offer", content=body, headers=headers) for _ in range(100)
            ]
        assert_little(cost)
    for response in responses:
        assert_refused(response.json())
        assert "access-control-allow-origin" not in response.headers
    assert len(connections_of(stream).registry) == 0 and not connections_of(stream).early._kept
    (record,) = caplog.records
    assert "allowed_origins" in record.getMessage() and "evil.example" in record.getMessage()


@pytest.mark.parametrize(
    ("headers", "url"),
    [
        ({}, SERVER),
        (DEV, SERVER),
        ({"origin": SERVER, "cookie": "a=b"}, SERVER),
        (EVIL, "https://voice.example.org"),
        ({**EVIL, "x-forwarded-host": "voice.example.org"}, SERVER),
    ],
    ids=str,
)
async def test_whose_pages_need_no_setting(headers: dict[str, str], url: str) -> None:
    async with client_of(mounted(make()), url) as http:
        response = await http.post("/webrtc/offer", json=CANDIDATE, headers=headers)
        assert response.json() == ACCEPTED


async def test_origins_that_the_program_allows() -> None:
    stream = make(allowed_origins=["https://app.example.org"])
    friend = {"origin": "https://app.example.org", "cookie": "a=b"}
    async with client_of(mounted(stream)) as http:
        assert (await http.post("/webrtc/offer", json=CANDIDATE, headers=friend)).is_success
        assert_refused((await http.post("/webrtc/offer", json=CANDIDATE, headers=DEV)).json())
        stream.allowed_origins = "*"
        answer = await http.post("/webrtc/offer", json=CANDIDATE, headers=EVIL)
        assert answer.json() == ACCEPTED


COOKIE = {"cookie": "session=1"}
TOKEN = {"authorization": "Bearer t"}


@pytest.mark.parametrize("where", ["app", "outer app", "sub-application"])
@pytest.mark.parametrize(
    ("cors", "more", "let_in"),
    [
        ({"allow_origins": ["https://evil.example"]}, {}, True),
        ({"allow_origins": ["*"]}, {}, True),
        ({"allow_origin_regex": r"https://.*\.example"}, {}, True),
        ({"allow_origins": ["https://other.example"]}, {}, False),
        ({"allow_origins": ["*"]}, COOKIE, False),
        ({"allow_origins": ["https://evil.example"]}, TOKEN, False),
        ({"allow_origins": ["https://evil.example"], "allow_headers": ["*"]}, TOKEN, True),
        ({"allow_origins": ["https://evil.example"], "allow_credentials": True}, COOKIE, True),
    ],
)
async def test_the_cors_middleware_of_the_program_is_honoured(
    cors: dict[str, Any], more: dict[str, str], let_in: bool, where: str
) -> None:
    app = inner = FastAPI()
    prefix = ""
    if where != "app":
        app, prefix = FastAPI(), "/sub"
        app.mount(prefix, inner)
    make().mount(inner)
    (inner if where == "sub-application" else app).add_middleware(CORSMiddleware, **cors)
    async with client_of(app) as http:
        response = await http.post(
            f"{prefix}/webrtc/offer", json=CANDIDATE, headers={**EVIL, **more}
        )
        assert (response.json() == ACCEPTED) is let_in


# WebSockets and telephones


async def test_a_websocket() -> None:
    async with serve() as served:
        evil = {"additional_headers": {"Origin": "https://evil.example"}}
        async with served.client(**evil) as client:
            await client.wait_for(status="failed")
            assert_refused(client.messages[0])
            assert await client.closed() == 1008
        for origin in ("http://localhost:5173", served.address.replace("ws:", "http:")[:-16]):
            async with served.client(additional_headers={"Origin": origin}) as client:
                await client.start("a", encoding="pcm16")
            await served.is_empty()
        served.stream.allowed_origins = ["https://evil.example"]
        async with served.client(**evil) as client:
            await client.start("b", encoding="pcm16")


async def test_the_socket_and_the_webhook_of_a_call() -> None:
    async with serve() as served:
        address = served.address.replace("/websocket/offer", "/telephone/handler")
        with pytest.raises(InvalidStatus) as caught:
            await connect(address, additional_headers={"Origin": "https://evil.example"})
        assert caught.value.response.status_code == 403
        async with connect(address):  # of a provider
            pass
        webhook = address.replace("ws:", "http:").replace("handler", "incoming")
        async with httpx.AsyncClient() as http:
            refused = await http.post(webhook, data={"CallSid": "CA1"}, headers=EVIL)
            assert refused.status_code == 403 and len(connections_of(served.stream).registry) == 0
            taken = await http.post(
                webhook, data={"CallSid": "CA1"}, headers={"host": "example.com"}
            )
            assert "<Stream" in taken.text and len(connections_of(served.stream).registry) == 1
            connections_of(served.stream).calls.release("CA1")


# The page


@pytest.mark.parametrize("name", ["offer", "turn", "quit_output_stream"])
async def test_the_functions_of_the_page(name: str) -> None:
    stream = make(rtc_configuration={"iceServers": [{"urls": "turn:secret"}]})
    app = gr.mount_gradio_app(FastAPI(), stream.ui, path="/page")
    outputs = connections_of(stream.webrtc_component).endpoint.outputs.queue("a")
    async with client_of(app) as http:
        body = {
            "component_id": stream.webrtc_component._id,
            "fn_name": name,
            "session_hash": "a",
            "data": CANDIDATE,
        }

        async def call(**headers: str) -> Any:
            return (
                await http.post(
                    "/page/gradio_api/component_server",
                    content=json.dumps(body).encode(),
                    headers={"content-type": "text/plain", **headers},
                )
            ).json()

        refused = await call(**EVIL)
        if name == "offer":
            assert_refused(refused)
        else:
            assert refused is None
        assert not outputs.ended
        taken = await call(origin=SERVER)
        if name == "offer":
            assert taken == ACCEPTED
        elif name == "turn":
            assert "secret" in json.dumps(taken)
        else:
            assert outputs.ended
    await stream.close_sessions()


# Names of the server


async def test_names_that_the_program_allows() -> None:
    stream = make(allowed_hosts=["voice.example.org"])
    for url, code in (("http://evil.example:8000", "unknown_host"), (SERVER, "unknown_host")):
        async with client_of(mounted(stream), url) as http:
            answer = await http.post("/webrtc/offer", json=CANDIDATE)
            assert_refused(answer.json(), code)
    async with client_of(mounted(stream), "https://voice.example.org") as http:
        assert (await http.post("/webrtc/offer", json=CANDIDATE)).json() == ACCEPTED


async def test_a_stream_that_this_package_serves_itself() -> None:
    with serving_locally():
        stream = make()
    rebound = {"origin": "http://evil.example:8000"}
    async with client_of(mounted(stream), "http://evil.example:8000") as http:
        answer = await http.post("/webrtc/offer", json=CANDIDATE, headers=rebound)
        assert_refused(answer.json(), "unknown_host")
        call = await http.post("/telephone/incoming", data={"CallSid": "CA1"}, headers=rebound)
        assert call.status_code == 403
        through_tunnel = await http.post("/telephone/incoming", data={"CallSid": "CA1"})
        assert "<Stream" in through_tunnel.text
        connections_of(stream).calls.release("CA1")
    async with client_of(mounted(stream)) as http:
        assert (await http.post("/webrtc/offer", json=CANDIDATE)).json() == ACCEPTED
    assert connections_of(make()).endpoint.local is False


@pytest.mark.parametrize(
    ("options", "wrong"),
    [
        ({"allowed_origins": "https://app.example.org"}, "allowed_origins must be a list"),
        ({"allowed_origins": ["app.example.org"]}, "origins such as"),
        ({"allowed_origins": [5]}, "list of strings"),
        ({"allowed_hosts": "voice.example.org"}, "allowed_hosts must be a list"),
        ({"allowed_hosts": ["https://voice.example.org"]}, "host names such as"),
        ({"allowed_hosts": ["voice.*.org"]}, "host names such as"),
    ],
)
def test_settings_that_are_no_such_thing(options: dict[str, Any], wrong: str) -> None:
    with pytest.raises(ValueError, match=wrong):
        make(**options)
