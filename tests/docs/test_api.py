"""The programs and pages of `docs/api.md`, `docs/client.md` and `docs/websocket.md`, at work."""

import json
import re

import httpx
import numpy as np
import pytest
from fastapi import FastAPI
from fastapi.responses import HTMLResponse
from playwright.async_api import expect

from tests.demos.conftest import open_page, playwright  # noqa: F401
from tests.demos.running import MARKS, PATIENCE
from tests.support.peers import LOCAL, AudioSource, Client, VideoSource, eventually, tone
from tests.support.servers import serving
from tests.support.speech import recorded_prompt

from .pages import DOCS, SOURCES

API = (DOCS / "api.md").read_text(encoding="utf-8")
GREY = np.full((120, 160, 3), 120, np.uint8)


async def test_inputs(snippet) -> None:
    module = snippet("api/inputs.py")
    stream = module.stream
    stream.server_rtc_configuration = stream.convert_to_aiortc_format(LOCAL)
    transport = httpx.ASGITransport(module.app)
    async with (
        Client(stream, video=VideoSource(picture=GREY)) as client,
        httpx.AsyncClient(transport=transport, base_url="http://test") as http,
    ):
        body = {"webrtc_id": client.webrtc_id, "brightness": 0.25}
        assert (await http.post("/inputs", json=body)).status_code == 200
        await eventually(
            lambda: (
                client.video_frames
                and client.video_frames[-1][1].mean() == pytest.approx(30, abs=8)
            )
        )
        assert (await http.post("/inputs", json={**body, "brightness": 2})).status_code == 422


async def test_offers_that_do_not_fit(snippet) -> None:
    with serving(snippet("api/outputs.py").app) as url:
        async with httpx.AsyncClient() as http:
            body = {"sdp": "v=0", "type": "offer", "webrtc_id": "nobody"}
            assert (await http.post(f"{url}/webrtc/offer", json=body)).status_code == 400
            del body["webrtc_id"]
            assert (await http.post(f"{url}/webrtc/offer", json=body)).status_code == 422


async def test_outputs(snippet) -> None:
    module = snippet("api/outputs.py")
    stream = module.stream
    stream.server_rtc_configuration = stream.convert_to_aiortc_format(LOCAL)
    audio = (48000, tone(0.5).reshape(1, -1))
    values = [item.args for item in module.reply(audio) if not isinstance(item, tuple)]
    assert values == [({"seconds": 0.5},)]
    async with Client(stream, audio=AudioSource(), webrtc_id="reader") as client:
        response = await module.outputs("reader")
        client.session.handler.trigger_response()
        event = await anext(aiter(response.body_iterator))
        assert json.loads(event.removeprefix("data: ")) == {"seconds": 0.0}
        await response.body_iterator.aclose()


async def test_websocket_client(snippet) -> None:
    app = snippet("websocket/app.py").app
    talk = snippet("websocket/client.py").talk
    recording = np.tile(tone(0.5)[::2], 2).tobytes()
    with serving(app) as url:
        heard = await talk(f"{url.replace('http', 'ws', 1)}/websocket/offer", recording)
    played = np.frombuffer(heard, np.int16)
    assert np.abs(played.astype(int)).max() == pytest.approx(8000, rel=0.05)
    assert len(heard) >= len(recording)


class TestPages:
    pytestmark = [*MARKS, pytest.mark.external("recorded-voices")]

    @pytest.mark.parametrize(
        ("page", "app"),
        [
            ("client/index.html", "client/app.py"),
            ("api/plain.html", "handlers/inputs.py"),
            ("websocket/page.html", "websocket/app.py"),
        ],
    )
    async def test_page(self, page: str, app: str, snippet, open_page) -> None:  # noqa: F811
        module = snippet(app)
        module.stream.server_rtc_configuration = module.stream.convert_to_aiortc_format(LOCAL)
        html = (SOURCES / page).read_text(encoding="utf-8")
        module.app.add_api_route("/page", lambda: HTMLResponse(html))
        goodbye = recorded_prompt("vm-goodbye")
        with serving(module.app) as url:
            tab = await open_page(f"{url}/page", says=goodbye)
            received: list[bytes] = []
            keep = lambda frame: received.append(frame)  # noqa: E731 (Playwright marks it)
            tab.page.on("websocket", lambda socket: socket.on("framereceived", keep))
            await tab.press("Start")
            if page.startswith("websocket"):
                await eventually(lambda: sum(loud(frame) for frame in received) > 20)
                await expect(tab.page.get_by_role("status")).to_have_text("Speak", timeout=PATIENCE)
            else:
                await tab.hears(goodbye)

    @pytest.mark.parametrize("modality", ["video", "audio-video"])
    async def test_what_differs_with_video(self, modality: str, snippet, open_page) -> None:  # noqa: F811
        """The page without a library, changed as the table says."""
        table = re.findall(r'^\| `"([\w-]+)"` \| `(.*)` \| `<(.*)>` \|$', API, re.MULTILINE)
        rows = {name: what for name, *what in table}
        html = (SOURCES / "api/plain.html").read_text(encoding="utf-8")
        for audio, other in zip(rows["audio"], rows[modality], strict=True):
            assert audio in html
            html = html.replace(audio, other)
        html = html.replace("</audio>", "</video>").replace('r("audio")', 'r("video")')
        name = {"video": "video/function.py", "audio-video": "audio-video/echo.py"}[modality]
        stream = snippet(name).stream
        stream.server_rtc_configuration = stream.convert_to_aiortc_format(LOCAL)
        app = FastAPI()
        stream.mount(app)
        app.add_api_route("/", lambda: HTMLResponse(html))
        with serving(app) as url:
            tab = await open_page(url, says=recorded_prompt("vm-goodbye"), again=1.0)
            await tab.start()
            await tab.sees_video()
            await tab.wait_for("document.querySelector('video').videoWidth > 0")
            if modality == "audio-video":
                await tab.hears(recorded_prompt("vm-goodbye"))


def loud(frame: bytes | str) -> bool:
    """Whether a message of a WebSocket is audio that can be heard."""
    return isinstance(frame, bytes) and np.abs(np.frombuffer(frame, "<i2").astype(int)).max() > 1000
