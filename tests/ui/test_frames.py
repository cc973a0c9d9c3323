"""Who may show a page in a frame."""

from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Response

from fastrtc import Stream
from fastrtc.ui.frames import FrameAncestors, check_frame_ancestors


async def policies(sources: Any) -> list[str]:
    app = FastAPI()
    app.add_middleware(FrameAncestors, sources=sources)

    @app.get("/")
    def read() -> Response:
        return Response("text", headers={"Content-Security-Policy": "default-src 'self'"})

    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as http:
        return (await http.get("/")).headers.get_list("content-security-policy")


@pytest.mark.parametrize(
    ("sources", "policy"),
    [
        ([], "frame-ancestors 'self'"),
        (["https://www.example.org"], "frame-ancestors 'self' https://www.example.org"),
        (
            ("https://*.example.org:8443", "http://localhost:*", "vscode-webview:"),
            "frame-ancestors 'self' https://*.example.org:8443 http://localhost:* vscode-webview:",
        ),
    ],
)
async def test_a_policy_is_added_to_those_of_the_app(sources: Any, policy: str):
    assert await policies(sources) == ["default-src 'self'", policy]


@pytest.mark.parametrize(
    "wrong",
    [
        "https://www.example.org",
        ["www.example.org"],
        ["https://a.example; script-src *"],
        ["https://a.example, *"],
        ["https://a.example\r\nX: y"],
        ["https://a.example/path"],
        [5],
        5,
    ],
)
def test_what_is_no_source(wrong: Any):
    with pytest.raises(ValueError, match="frame_ancestors must be"):
        Stream(lambda frame: frame, frame_ancestors=wrong)
    with pytest.raises(ValueError, match="frame_ancestors must be"):
        check_frame_ancestors(wrong)


async def test_the_page_of_a_stream_is_framed_by_whom_the_stream_says():
    made = Stream(lambda frame: frame, frame_ancestors=["https://www.example.org"])
    assert made.webrtc_component.frame_ancestors == ("https://www.example.org",)
    assert Stream(lambda frame: frame).webrtc_component.frame_ancestors is None
