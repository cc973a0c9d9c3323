"""What the programs of `docs/streams.md` do; `test_video.py` has the one that detects."""

import json
from contextlib import AsyncExitStack
from pathlib import Path

import gradio as gr
import httpx
from fastapi import FastAPI
from websockets.asyncio.client import connect

from tests.demos.conftest import open_page, playwright  # noqa: F401
from tests.demos.running import MARKS
from tests.demos.street import write_street
from tests.support.peers import LOCAL, AudioSource, VideoSource
from tests.support.servers import serving

from .over_http import HttpClient

SENDER = "peers.at(-1).getSenders().find(({ track }) => track?.kind === 'video')"


def test_a_page_of_its_own(snippet) -> None:
    app = snippet("streams/mount.py").app
    Path("index.html").write_text("<p>My page</p>")
    with serving(app) as url:
        assert httpx.get(url).text == "<p>My page</p>"
        assert "webrtc_id" in httpx.post(f"{url}/webrtc/offer", json={}).text


async def test_two(snippet) -> None:
    module = snippet("streams/two.py")
    app = module.app
    async with (
        HttpClient(app, module.voice, "/voice", audio=AudioSource()) as voice,
        HttpClient(app, module.camera, "/camera", video=VideoSource()) as camera,
    ):
        assert list(module.voice.handlers) == [voice.webrtc_id]
        assert list(module.camera.handlers) == [camera.webrtc_id]


async def test_limits(snippet) -> None:
    stream = snippet("streams/limits.py").stream
    app = FastAPI()
    stream.mount(app)
    with serving(app) as url:
        address = url.replace("http", "ws", 1) + "/websocket/offer"
        async with AsyncExitStack() as sockets:
            for place in range(21):
                socket = await sockets.enter_async_context(connect(address))
                audio = {"encoding": "pcm16"}
                start = {"event": "start", "websocket_id": str(place), "audio": audio}
                await socket.send(json.dumps(start))
                answer = json.loads(await socket.recv())
                if place < 20:
                    assert answer["event"] == "started"
            assert answer["meta"] == {"error": "concurrency_limit_reached", "limit": 20}


class TestPages:
    pytestmark = MARKS

    async def test_constraints(self, snippet, open_page, tmp_path: Path) -> None:  # noqa: F811
        write_street(tmp_path / "street.mjpeg")  # 640 x 480, 30 frames a second
        stream = snippet("streams/constraints.py").stream
        stream.server_rtc_configuration = stream.convert_to_aiortc_format(LOCAL)
        with serving(gr.mount_gradio_app(FastAPI(), stream.ui, path="/", ssr_mode=False)) as url:
            tab = await open_page(url, camera=tmp_path / "street.mjpeg")
            await tab.start()
            taken = await tab.page.evaluate(f"{SENDER}.track.getSettings()")
            sent = await tab.page.evaluate(f"{SENDER}.getParameters()")
            await tab.press("Stop")
            await tab.wait_for("peers.at(-1).connectionState === 'closed'")
        assert (taken["width"], taken["height"]) == (640, 480)
        assert taken["frameRate"] <= 15
        assert sent["degradationPreference"] == "maintain-resolution"
