"""The webhook of an incoming call, and who may open the socket of one."""

import asyncio
import logging
import sys
import xml.etree.ElementTree as ET
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Request
from twilio.request_validator import RequestValidator

from fastrtc import AsyncStreamHandler, Stream
from fastrtc.transport.telephony.twilio import Twilio
from fastrtc.transport.telephony.twiml import PhoneExtraMissing
from tests.support.connections import connections_of

TOKEN = "12345"
CALL = {"CallSid": "CA1", "From": "+15550100", "To": "+15550199", "CallerCity": ""}


class Quiet(AsyncStreamHandler):
    async def receive(self, frame: Any) -> None: ...

    async def emit(self) -> None:
        await asyncio.sleep(0.02)

    def copy(self) -> "Quiet":
        return Quiet()


def stream(**options: Any) -> Stream:
    options = {"modality": "audio", "mode": "send-receive", "verbose": False} | options
    handler = options.pop("handler", None) or Quiet()
    return Stream(handler, **options)


def app_of(stream: Stream, path: str = "") -> FastAPI:
    app = FastAPI()
    stream.mount(app, path)
    return app


async def call(
    app: FastAPI,
    url: str = "http://example.com/telephone/incoming",
    method: str = "POST",
    **options: Any,
) -> httpx.Response:
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport) as client:
        if method == "POST":
            options.setdefault("data", CALL)
        return await client.request(method, url, **options)


def verbs(response: httpx.Response) -> list[str]:
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("application/xml")
    return [verb.tag for verb in ET.fromstring(response.text)]


def stream_url(response: httpx.Response) -> str:
    assert verbs(response) == ["Say", "Connect", "Say"]
    return ET.fromstring(response.text).find("Connect/Stream").get("url")


# Where the call is connected to


@pytest.mark.parametrize(
    "providers", [[], Twilio, "twilio", ["twilio"], [Twilio()], [dict], {Twilio: 1}]
)
def test_what_are_no_providers_is_an_error(providers: Any):
    with pytest.raises(ValueError, match="phone_providers must be"):
        stream(phone_providers=providers)


def test_a_mounted_stream_has_four_routes():
    app = FastAPI()
    before = len(app.router.routes)

    stream().mount(app, "/a")

    added = app.router.routes[before:]
    assert {(route.path, tuple(getattr(route, "methods", ["WS"]))) for route in added} == {
        ("/a/webrtc/offer", ("POST",)),
        ("/a/websocket/offer", ("WS",)),
        ("/a/telephone/handler", ("WS",)),
        ("/a/telephone/incoming", ("POST",)),
    }


@pytest.mark.parametrize(
    ("path", "url", "headers", "connected_to"),
    [
        ("", "http://example.com/telephone/incoming", {}, "wss://example.com/telephone/handler"),
        (
            "/a/b",
            "http://example.com:8000/a/b/telephone/incoming",
            {},
            "wss://example.com:8000/a/b/telephone/handler",
        ),
        (
            "",
            "http://127.0.0.1:8000/telephone/incoming",
            {"X-Forwarded-Host": "calls.example.com", "X-Forwarded-Port": "8443"},
            "wss://calls.example.com:8443/telephone/handler",
        ),
        (
            "",
            "http://127.0.0.1:8000/telephone/incoming?x=1",
            {"Forwarded": "host=calls.example.com;proto=https"},
            "wss://calls.example.com/telephone/handler",
        ),
    ],
)
async def test_a_call_is_connected_with_the_handler_beside_the_webhook(
    path: str, url: str, headers: dict[str, str], connected_to: str
):
    response = await call(app_of(stream(), path), url, headers=headers)

    assert stream_url(response) == connected_to
    parameters = ET.fromstring(response.text).iter("Parameter")
    assert {p.get("name"): p.get("value") for p in parameters} == {
        "from": "+15550100",
        "to": "+15550199",
    }


async def test_a_program_calls_it_from_routes_of_its_own():
    mine, app = stream(), FastAPI()

    @app.post("/{shop}/call")
    async def incoming(shop: str, request: Request):
        assert (await request.form())["From"] == "+15550100"
        return await mine.handle_incoming_call(request)

    @app.get("/plain")
    async def plain(request: Request):
        return await mine.handle_incoming_call(request)

    posted = await call(app, "http://example.com/flowers/call")
    assert stream_url(posted) == "wss://example.com/flowers/call/telephone/handler"
    assert 'value="+15550100"' in posted.text
    got = await call(app, "http://example.com/plain?From=%2B1&CallSid=CA1", "GET")
    assert stream_url(got) == "wss://example.com/plain/telephone/handler"
    assert '<Parameter name="from" value="+1" />' in got.text


async def test_overridden_methods_are_mounted():
    class Mine(Stream):
        async def handle_incoming_call(self, request: Request) -> dict[str, str]:
            return {"mine": request.url.path}

    app = app_of(Mine(Quiet(), modality="audio", verbose=False))

    assert (await call(app)).json() == {"mine": "/telephone/incoming"}


@pytest.mark.parametrize(
    ("headers", "data"),
    [
        ({"content-type": "application/json"}, b'{"From": "+1"}'),
        ({"content-type": "application/x-www-form-urlencoded"}, b"\xff%%%&&=From=="),
        ({"content-type": "application/x-www-form-urlencoded"}, b"From=" + b"9" * 60_000),
        ({}, b""),
    ],
)
async def test_odd_bodies_do_no_harm(headers: dict[str, str], data: bytes):
    response = await call(app_of(stream()), data=None, content=data, headers=headers)

    assert stream_url(response) == "wss://example.com/telephone/handler"
    assert "Parameter" not in response.text


@pytest.mark.parametrize("mounted", [True, False])
async def test_what_is_posted_can_be_read_by_authorize_and_has_a_bound(mounted: bool):
    async def of_flowers(request: Request) -> bool:
        return (await request.form())["From"] == "+15550100"

    mine = stream(authorize=of_flowers)
    app = app_of(mine)
    if not mounted:
        app = FastAPI()
        app.add_api_route("/telephone/incoming", mine.handle_incoming_call, methods=["POST"])

    assert verbs(await call(app))[1] == "Connect"
    assert verbs(await call(app, data=CALL | {"From": "+1"})) == ["Say", "Hangup"]
    assert (await call(app, data=CALL | {"Body": "x" * 65_536})).status_code == 413


async def test_a_host_that_is_none_is_refused():
    response = await call(app_of(stream()), headers={"Host": "a b"})

    assert response.status_code == 400


@pytest.mark.parametrize("token", [None, TOKEN])
async def test_a_query_that_is_no_utf_8_is_refused(token: str | None):
    answers: list[Any] = []
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/telephone/incoming",
        "query_string": b"CallSid=\xff",
        "headers": [(b"host", b"example.com")],
    }

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b""}

    async def send(message: Any) -> None:
        answers.append(message)

    await app_of(stream(twilio_auth_token=token))(scope, receive, send)
    assert answers[0]["status"] == 400


async def test_numbers_that_xml_cannot_hold_are_not_passed_on():
    response = await call(app_of(stream()), data=CALL | {"From": "\0", "To": "+1"})

    connected = ET.fromstring(response.text).find("Connect/Stream")
    assert [parameter.attrib for parameter in connected] == [{"name": "to", "value": "+1"}]


# Calls that are not taken


async def test_a_full_line_says_so_and_hangs_up():
    mine = stream(concurrency_limit=1)
    app = app_of(mine)
    connections_of(mine).registry.reserve("somebody", 1)

    assert verbs(response := await call(app)) == ["Say", "Hangup"]
    assert "busy" in response.text
    connections_of(mine).registry.release("somebody")
    assert verbs(await call(app)) == ["Say", "Connect", "Say"]


async def test_an_audio_handler_without_a_modality_is_called():
    app = app_of(stream(modality="video"))

    assert verbs(await call(app)) == ["Say", "Connect", "Say"]


async def test_a_stream_without_audio_says_so_and_hangs_up():
    app = app_of(stream(handler=lambda frame: frame, modality="video"))

    assert verbs(await call(app)) == ["Say", "Hangup"]


async def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "twilio.twiml.voice_response", None)

    with pytest.raises(PhoneExtraMissing, match=r'pip install "fastrtc\[phone\]"'):
        await call(app_of(stream()))
    with pytest.raises(PhoneExtraMissing):
        stream(twilio_auth_token=TOKEN)


# Signatures


@pytest.mark.parametrize(("token", "shown"), [("", "an empty string"), (12345, "int")])
def test_a_token_that_is_none_does_not_pass_for_one(token: Any, shown: str):
    with pytest.raises(ValueError, match=f"twilio_auth_token must be .* not {shown}"):
        stream(twilio_auth_token=token)


def signed(url: str, posted: dict[str, str], token: str = TOKEN) -> dict[str, str]:
    return {"X-Twilio-Signature": RequestValidator(token).compute_signature(url, posted)}


@pytest.mark.parametrize("source", ["argument", "environment"])
async def test_a_signed_request_is_answered(source: str, monkeypatch: pytest.MonkeyPatch):
    if source == "environment":
        monkeypatch.setenv("FASTRTC_TWILIO_AUTH_TOKEN", TOKEN)
    app = app_of(stream(twilio_auth_token=TOKEN if source == "argument" else None))
    public = "https://calls.example.com/telephone/incoming?shop=1"
    behind = {"X-Forwarded-Host": "calls.example.com", "X-Forwarded-Proto": "https"}
    arrived = "http://127.0.0.1:8000/telephone/incoming?shop=1"

    assert verbs(await call(app, arrived, headers=behind | signed(public, CALL)))[1] == "Connect"
    behind.pop("X-Forwarded-Proto")  # a proxy may not say it
    assert verbs(await call(app, arrived, headers=behind | signed(public, CALL)))[1] == "Connect"
    http = "http://calls.example.com/telephone/incoming?shop=1"
    assert verbs(await call(app, arrived, headers=behind | signed(http, CALL)))[1] == "Connect"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-Twilio-Signature": "nonsense"},
        signed("http://example.com/telephone/incoming", CALL, token="other"),
        signed("http://example.com/telephone/incoming", CALL | {"From": "+1900"}),
        signed("http://other.com/telephone/incoming", CALL),
    ],
)
async def test_an_unsigned_request_is_refused(
    headers: dict[str, str], caplog: pytest.LogCaptureFixture
):
    response = await call(app_of(stream(twilio_auth_token=TOKEN)), headers=headers)

    assert response.status_code == 403
    assert "http://example.com/telephone/incoming" in caplog.text, "a wrong proxy shows here"
    assert "wss://" not in response.text


async def test_the_token_of_other_ends_is_not_taken(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TWILIO_AUTH_TOKEN", TOKEN)

    assert verbs(await call(app_of(stream())))[1] == "Connect"


async def test_it_warns_once_that_nothing_is_checked(caplog: pytest.LogCaptureFixture):
    app = app_of(stream())

    with caplog.at_level(logging.WARNING):
        await call(app)
        await call(app)

    assert caplog.text.count("twilio_auth_token") == 1
