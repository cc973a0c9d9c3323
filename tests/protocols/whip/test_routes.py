"""Requests that are answered without a peer: methods, media types, bodies, tokens, other sites."""

from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from fastrtc import Limits, Stream
from tests.protocols.whip.publish import OFFER, TRICKLE
from tests.support.peers import LOCAL
from tests.webrtc.handlers import AsyncAudioEcho

AUDIO = """v=0\r
o=- 1 1 IN IP4 0.0.0.0\r
s=-\r
t=0 0\r
m=audio 9 UDP/TLS/RTP/SAVPF 111\r
c=IN IP4 0.0.0.0\r
a=mid:0\r
a=rtcp-mux\r
a=rtpmap:111 opus/48000/2\r
a=ice-ufrag:abcd\r
a=ice-pwd:abcdefghijklmnopqrstuv\r
a=setup:actpass\r
"""


def client(*, token: bool = False, **options: Any) -> httpx.AsyncClient:
    options = {"modality": "audio", "mode": "send-receive", "verbose": False, **options}
    stream = Stream(AsyncAudioEcho(), server_rtc_configuration=LOCAL, **options)
    if token:
        stream.tokens("a secret of twenty bytes")
    app = FastAPI()
    stream.mount(app, protocols=["fastrtc", "whip"])
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test")


async def test_methods_and_cors() -> None:
    app = "https://app.example.org"
    async with client(allowed_origins=[app]) as http:
        for path in ("/whip", "/whep", "/whip/session", "/whep/session"):
            assert (await http.get(path)).status_code == 204
            assert (await http.head(path)).status_code == 204
            assert (await http.put(path)).status_code == 405
        assert (await http.post("/whip/session")).status_code == 405
        assert (await http.delete("/whep")).status_code == 405
        options = await http.options("/whip", headers={"Origin": app})
        assert options.status_code == 200 and options.headers["Accept-Post"] == "application/sdp"
        assert options.headers["Access-Control-Allow-Origin"] == app
        options = await http.options("/whip/session")
        assert options.headers["Accept-Patch"] == TRICKLE["Content-Type"]
        assert not {"Access-Control-Allow-Origin", "Vary"} & set(options.headers)
        other = await http.post(
            "/whip", content=AUDIO, headers={**OFFER, "Origin": "https://evil.example.com"}
        )
        assert other.status_code == 403 and other.json()["code"] == "cross_site"
        own = await http.post("/whip", headers={**OFFER, "Origin": app})
        assert own.status_code == 400 and own.headers["Access-Control-Allow-Origin"] == app


@pytest.mark.parametrize(
    ("path", "content", "headers", "status"),
    [
        ("/whip", AUDIO, {"Content-Type": "application/json"}, 415),
        ("/whip", AUDIO, {}, 415),
        ("/whip", b"\xff", OFFER, 400),
        ("/whip", "", OFFER, 400),
        ("/whip", AUDIO, {"Content-Type": "Application/SDP; charset=utf-8"}, 400),  # fingerprint
        ("/whip", AUDIO + "a=recvonly\r\n", OFFER, 422),
        ("/whip", AUDIO + "a=inactive\r\n", OFFER, 422),
        ("/whep", AUDIO + "a=sendonly\r\n", OFFER, 422),
        ("/whip", AUDIO.replace("audio", "application"), OFFER, 422),
        ("/whip", AUDIO + "a=x\r\n" * 2000, OFFER, 413),
    ],
)
async def test_offers_that_are_refused(
    path: str, content: str | bytes, headers: dict[str, str], status: int
) -> None:
    async with client(limits=Limits(offer_bytes=4000)) as http:
        response = await http.post(path, content=content, headers=headers)
        assert response.status_code == status, response.text
        problem = response.json()
        assert response.headers["Content-Type"] == "application/problem+json"
        assert problem["status"] == status and problem["title"] and problem["detail"]


async def test_sessions_that_do_not_exist() -> None:
    async with client() as http:
        assert (await http.delete("/whip/unknown")).status_code == 404
        patch = {**TRICKLE, "If-Match": "*"}
        found = await http.patch("/whep/unknown", content="a=end-of-candidates", headers=patch)
        assert found.status_code == 404
        large = await http.patch("/whip/unknown", content="a" * 70_000, headers=patch)
        assert large.status_code == 413


async def test_without_a_token() -> None:
    async with client(token=True) as http:
        for response in (
            await http.post("/whip", content=AUDIO, headers=OFFER),
            await http.patch("/whip/a", headers=TRICKLE),
            await http.delete("/whip/a", headers={"Authorization": "Bearer frtc1.a.b"}),
        ):
            assert response.status_code == 401
            assert response.headers["WWW-Authenticate"] == "Bearer"
            assert "token" in response.json()["detail"]
