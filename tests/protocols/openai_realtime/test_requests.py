"""The HTTP requests of the protocol: offers, short-lived keys, and what is refused."""

import json
import time
from typing import Any

import httpx
import pytest
from fastapi import Depends, FastAPI, Request
from fastapi.testclient import TestClient
from starlette.testclient import WebSocketDenialResponse
from starlette.websockets import WebSocketDisconnect

from fastrtc import Limits
from fastrtc.core.close_reason import POLICY_VIOLATION
from fastrtc.protocols.openai_realtime.credentials import normalized_scope
from fastrtc.stream import Stream
from fastrtc.testing import Call

from .program import API_KEY, SECRET, WEATHER, authorize, create_app, create_stream

KEY = {"Authorization": f"Bearer {API_KEY}"}


@pytest.fixture
def client() -> TestClient:
    stream = create_stream(authorize=authorize)
    stream.tokens(SECRET)
    return TestClient(create_app(stream))


def error_of(answer: Any, status: int) -> dict[str, Any]:
    assert answer.status_code == status
    return answer.json()["error"]


def test_a_short_lived_key_has_a_session_and_an_end(client: TestClient):
    session = {"type": "realtime", "model": "m", "tools": [WEATHER]}
    body = {"session": session, "expires_after": {"anchor": "created_at", "seconds": 60}}
    answer = client.post("/v1/realtime/client_secrets", json=body, headers=KEY).json()
    assert answer["value"].startswith("ek_frtc1.")
    assert answer["expires_at"] == pytest.approx(time.time() + 60, abs=10)
    assert answer["session"]["tools"] == [WEATHER]
    key = {"Authorization": f"Bearer {answer['value']}"}
    offer = {"Content-Type": "application/sdp", **key}
    refused = client.post("/v1/realtime/calls", content="v=0", headers=offer)
    assert error_of(refused, 400)["code"] == "invalid_offer"
    assert client.post("/v1/realtime/calls/x/hangup", headers=key).status_code == 404
    for headers in ({}, {"Authorization": "Bearer other"}):
        answer = client.post("/v1/realtime/client_secrets", headers=headers)
        assert error_of(answer, 401)["code"] == "unauthorized"


@pytest.mark.parametrize(
    ("body", "param"),
    [
        (b"{", None),
        (b"5", ""),
        (b'{"session": {"type": "transcription"}}', "session.type"),
        (b'{"expires_after": {"seconds": 5}}', "expires_after.seconds"),
        (json.dumps({"session": {"instructions": "x" * 20_000}}).encode(), "session"),
        (rb'{"session": {"x": "\ud800"}}', "session"),
        (rb'{"session": {"\ud800": 1}}', "session"),
        (b'{"session": {"audio": {"output": {"speed": NaN}}}}', "session"),
        (b'{"session": {"tools": [{"type": "function", "x": 1e999}]}}', "session"),
    ],
)
def test_a_wrong_request_for_a_key_is_refused(client: TestClient, body: bytes, param: Any):
    answer = client.post("/v1/realtime/client_secrets", content=body, headers=KEY)
    assert error_of(answer, 400)["param"] == param


@pytest.mark.parametrize("missing", ["tokens", "authorize"])
def test_keys_need_tokens_and_authorization(missing: str):
    stream = create_stream(authorize=None if missing == "authorize" else authorize)
    if missing == "authorize":
        stream.tokens(SECRET)
    answer = TestClient(create_app(stream)).post("/v1/realtime/client_secrets", headers=KEY)
    assert missing in error_of(answer, 404)["message"]


def test_a_client_cannot_create_keys(client: TestClient):
    url = "/v1/realtime/client_secrets"
    key = client.post(url, headers=KEY).json()["value"]
    token = key.removeprefix("ek_")
    for forged in (key, token, "frtc1.forged", "ek_frtc1.forged"):
        bearer = {"Authorization": f"Bearer {forged}"}
        for answer in (
            client.post(url, headers=bearer),
            client.post(url, headers={"Authorization": forged}),
            client.post(url, headers={"Sec-WebSocket-Protocol": f"fastrtc, {forged}"}),
            client.post(f"{url}?token={forged}", headers=KEY),
        ):
            assert error_of(answer, 401)["code"] == "unauthorized"


@pytest.mark.parametrize("verdict", [None, False, "no"])
def test_who_creates_keys_is_accepted_explicitly(verdict: Any):
    stream = create_stream(authorize=lambda request: verdict)
    stream.tokens(SECRET)
    answer = TestClient(create_app(stream)).post("/v1/realtime/client_secrets", headers=KEY)
    assert error_of(answer, 401)["code"] == "unauthorized"


@pytest.mark.parametrize(
    ("files", "param"),
    [
        ({}, "content-type"),
        ({"session": (None, "{}")}, "sdp"),
        ({"sdp": (None, "v=0"), "session": (None, "{")}, "session"),
        ({"sdp": (None, "v=0"), "session": (None, "[]")}, "session"),
        ({"sdp": ("offer.sdp", b"\xff\xfe"), "session": (None, "{}")}, "sdp"),
        ({"sdp": (None, "v=0"), "session": (None, '{"tools": 5}')}, "session.tools"),
        ({"sdp": (None, "v=0"), "session": ("a.json", "{}", "application/json")}, None),
        ({f"part{number}": (None, "x") for number in range(9)}, None),
    ],
)
def test_a_wrong_offer_is_refused(files: dict[str, Any], param: Any):
    client = TestClient(create_app(create_stream()))
    answer = client.post("/v1/realtime/calls", files=files or None, content=None)
    assert error_of(answer, 400)["param"] == param


PATHS = pytest.mark.parametrize("path", ["calls", "calls/rtc_x/hangup", "client_secrets"])
SDP = {"Content-Type": "application/sdp"}


@PATHS
def test_authorize_may_read_the_body_which_is_limited(path: str):
    read: list[bytes] = []

    async def authorize(request: Request) -> bool:
        read.append(await request.body())
        return True

    stream = create_stream(authorize=authorize, limits=Limits(offer_bytes=1000))
    stream.tokens(SECRET, required=False)
    client = TestClient(create_app(stream), headers=SDP)
    answer = client.post(f"/v1/realtime/{path}", content=b"{")
    assert read == [b"{"]
    code = error_of(answer, 404 if "hangup" in path else 400)["code"]
    assert code in ("call_not_found", "invalid_offer", "invalid_json")
    for large in (iter([b"x" * 800] * 3), b"x" * 1001):
        refused = client.post(f"/v1/realtime/{path}", content=large)
        assert error_of(refused, 413)["code"] == "request_too_large"
    assert read == [b"{"]


@PATHS
def test_a_dependency_of_the_app_may_read_the_body(path: str):
    async def read(request: Request) -> None:
        await request.body()

    stream = create_stream(authorize=lambda request: True, limits=Limits(offer_bytes=1000))
    stream.tokens(SECRET, required=False)
    app = FastAPI(dependencies=[Depends(read)])
    stream.mount(app, protocols=["openai-realtime"])
    answer = TestClient(app).post(f"/v1/realtime/{path}", content=b"{", headers=SDP)
    error_of(answer, 404 if "hangup" in path else 400)


async def test_only_calls_are_hung_up():
    stream = create_stream()
    async with Call(stream):
        (id,) = stream.handlers
        transport = httpx.ASGITransport(create_app(stream))
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            answer = await client.post(f"/v1/realtime/calls/{id}/hangup")
        assert error_of(answer, 404)["code"] == "call_not_found"
        assert list(stream.handlers) == [id]


def test_a_socket_is_refused_with_a_status_or_an_event():
    silent = Stream(lambda frame: frame, modality="video", mode="send-receive", verbose=False)
    app = FastAPI()
    silent.mount(app, "/video", protocols=["openai-realtime"])
    stream = create_stream(authorize=authorize)
    stream.mount(app, "/voice", protocols=["openai-realtime"])
    client = TestClient(app)
    assert client.post("/voice/webrtc/offer").status_code == 404
    offered = ["realtime", "openai-insecure-api-key.wrong"]
    for path, code, status in (("/video", "unsupported", 400), ("/voice", "unauthorized", 401)):
        with pytest.raises(WebSocketDenialResponse) as denied:
            client.websocket_connect(f"{path}/v1/realtime", offered).__enter__()
        assert error_of(denied.value, status)["code"] == code
        with TestClient(without_denials(app)).websocket_connect(
            f"{path}/v1/realtime", subprotocols=offered
        ) as socket:
            assert socket.accepted_subprotocol == "realtime"
            assert socket.receive_json()["error"]["code"] == code
            with pytest.raises(WebSocketDisconnect) as closed:
                socket.receive_json()
            assert closed.value.code == POLICY_VIOLATION


def test_a_page_of_an_allowed_site_may_call():
    client = TestClient(create_app(create_stream(allowed_origins=["https://app.example"])))
    headers = {"Origin": "https://app.example", "Access-Control-Request-Method": "POST"}
    preflight = client.options("/v1/realtime/calls", headers=headers)
    assert preflight.headers["access-control-allow-origin"] == "https://app.example"
    assert "x-openai-agents-sdk" in preflight.headers["access-control-allow-headers"].lower()
    answer = client.post("/v1/realtime/calls", headers=headers)
    assert "Location" in answer.headers["access-control-expose-headers"]
    other = client.post("/v1/realtime/calls", headers={"Origin": "https://other.example"})
    assert error_of(other, 403)["code"] == "cross_site"
    assert "access-control-allow-origin" not in other.headers


def without_denials(app: Any) -> Any:
    """Return an app on a server that can only accept or close a socket."""

    async def served(scope: Any, receive: Any, send: Any) -> None:
        await app({**scope, "extensions": {}}, receive, send)

    return served


@pytest.mark.parametrize(
    ("headers", "subprotocols", "expected"),
    [
        ([], [], None),
        ([(b"authorization", b"Bearer sk-1")], [], b"Bearer sk-1"),
        ([(b"authorization", b"Bearer ek_frtc1.a")], [], b"Bearer frtc1.a"),
        ([(b"authorization", b"Bearer ek_other")], [], b"Bearer ek_other"),
        ([], ["realtime", "openai-insecure-api-key.ek_frtc1.a.b"], b"Bearer frtc1.a.b"),
        ([], ["realtime", "openai-insecure-api-key.sk-1", "other"], b"Bearer sk-1"),
        ([(b"authorization", b"Bearer a")], ["openai-insecure-api-key.b"], b"Bearer a"),
    ],
)
def test_a_key_is_found_where_clients_put_it(headers, subprotocols, expected):
    scope = {"headers": [(b"host", b"x"), *headers], "subprotocols": subprotocols}
    found = dict(normalized_scope(scope)["headers"])
    assert found.get(b"authorization") == expected
    assert found[b"host"] == b"x"
