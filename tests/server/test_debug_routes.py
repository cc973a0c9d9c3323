"""The debug page: off by default, behind `authorize`, never cached."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from fastrtc import Stream
from fastrtc.server.debug_routes import FILES
from tests.webrtc.handlers import AsyncAudioEcho

PATHS = ("", "/state", "/debug.js", "/timeline.css")


def app_of(path: str = "", **options: Any) -> FastAPI:
    app = FastAPI()
    Stream(AsyncAudioEcho(), modality="audio", verbose=False, **options).mount(app, path)
    return app


async def get(app: FastAPI, path: str, **headers: str) -> httpx.Response:
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
        return await client.get(path, headers=headers)


@pytest.mark.parametrize("path", PATHS)
async def test_it_is_off_by_default(path: str) -> None:
    assert (await get(app_of(), f"/fastrtc/debug{path}")).status_code == 404


@pytest.mark.parametrize("path", PATHS)
async def test_it_is_never_cached_and_loads_nothing_of_others(path: str) -> None:
    answer = await get(app_of("/voice", debug=True), f"/voice/fastrtc/debug{path}")
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    policy = answer.headers["content-security-policy"].split("; ")
    assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy
    assert not [part for part in policy if "unsafe" in part or "http" in part or "*" in part]


async def test_all_that_the_page_loads_is_there() -> None:
    app = app_of(debug=True)
    html = (await get(app, "/fastrtc/debug")).text
    loaded = re.findall(r'(?:href|src)="([^"]+)"', html)
    script = (await get(app, "/fastrtc/debug/debug.js")).text
    loaded += [f"debug/{name}" for name in re.findall(r'from "\./([^"]+)"', script)]
    assert len(loaded) == len(FILES)
    for place in loaded:
        answer = await get(app, f"/fastrtc/{place}")
        assert answer.status_code == 200 and answer.text, place
    assert (await get(app, "/fastrtc/debug/..%2fdebug_state.py")).status_code == 404


async def test_authorize_decides_who_sees_it() -> None:
    asked: list[str] = []

    def authorize(request: Any) -> Any:
        asked.append(request.url.path)
        return request.query_params.get("password") == "right" or "Developers only"

    app = app_of(authorize=authorize, debug=True)
    for path in ("/fastrtc/debug", "/fastrtc/debug/state"):
        refused = await get(app, path)
        assert (refused.status_code, refused.text) == (403, "Developers only")
        assert refused.headers["cache-control"] == "no-store"
        assert (await get(app, f"{path}?password=right")).status_code == 200
    assert asked == ["/fastrtc/debug"] * 2 + ["/fastrtc/debug/state"] * 2
    assert (await get(app, "/fastrtc/debug/debug.js")).status_code == 200


async def test_pages_of_other_sites_and_rebound_names_are_refused() -> None:
    app = app_of(debug=True, allowed_hosts=["here"])
    assert (await get(app, "/fastrtc/debug/state")).status_code == 200
    assert (await get(app, "/fastrtc/debug/state", Host="evil.example")).status_code == 403
    other = {"Sec-Fetch-Site": "cross-site", "Cookie": "a=b", "Origin": "https://evil.example"}
    assert (await get(app, "/fastrtc/debug/state", **other)).status_code == 403


def test_it_is_not_in_the_schema_of_the_api() -> None:
    paths = app_of(debug=True).openapi()["paths"]
    assert paths and not [path for path in paths if "debug" in path]


@pytest.mark.parametrize("debug", [1, "yes", None])
def test_debug_is_a_bool(debug: Any) -> None:
    with pytest.raises(ValueError, match="debug must be True or False"):
        app_of(debug=debug)


async def test_a_launched_page_has_it_as_well() -> None:
    stream = Stream(AsyncAudioEcho(), modality="audio", verbose=False, debug=True)
    app, url, _ = stream.ui.launch(prevent_thread_lock=True, quiet=True)
    try:
        async with httpx.AsyncClient(base_url=url) as client:
            assert "fastrtc debug" in (await client.get("fastrtc/debug")).text
            state = (await client.get("fastrtc/debug/state")).json()
            assert state["load"]["sessions"] == 0
            assert (await client.get("config")).status_code == 200
    finally:
        stream.ui.close()
