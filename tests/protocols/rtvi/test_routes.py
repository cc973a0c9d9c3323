"""Requests to `/api/offer` that are answered without a peer."""

from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from fastrtc import Limits, Stream
from tests.support.peers import LOCAL
from tests.webrtc.handlers import AsyncAudioEcho


def client(**options: Any) -> httpx.AsyncClient:
    options = {"modality": "audio", "mode": "send-receive", "verbose": False, **options}
    stream = Stream(AsyncAudioEcho(), server_rtc_configuration=LOCAL, **options)
    app = FastAPI()
    stream.mount(app, protocols=["rtvi"])
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test")


@pytest.mark.parametrize(
    ("method", "body", "status"),
    [
        ("POST", b"{", 400),
        ("POST", b'{"sdp": "v=0", "type": "offer"}', 400),
        ("POST", b'{"sdp": "v=0", "type": "offer", "pc_id": "rtvi-x", "restart_pc": true}', 400),
        ("POST", b" " * 70_000, 413),
        ("PATCH", b"{}", 400),
        ("PATCH", b'{"pc_id": "rtvi-x", "candidates": [{"candidate": ""}]}', 404),
        ("PATCH", b'{"pc_id": "other", "candidates": [{"candidate": ""}]}', 404),
        ("GET", b"", 405),
    ],
)
async def test_requests_that_are_refused(method: str, body: bytes, status: int) -> None:
    async with client() as http:
        response = await http.request(method, "/api/offer", content=body)
        assert response.status_code == status, response.text
        assert status == 405 or {"error", "detail"} <= response.json().keys()


async def test_other_sites_and_preflights() -> None:
    app = "https://app.example.org"
    async with client(allowed_origins=[app], limits=Limits(offer_bytes=100)) as http:
        asked = await http.options("/api/offer", headers={"Origin": app})
        assert asked.headers["Access-Control-Allow-Methods"] == "POST, PATCH, OPTIONS"
        evil = await http.post("/api/offer", headers={"Origin": "https://evil.example.com"})
        assert evil.status_code == 403 and evil.json()["error"] == "cross_site"
