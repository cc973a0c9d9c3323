"""Pages of another site in Chromium, and a server on this machine."""

import json

import pytest
from fastapi import FastAPI
from fastapi.responses import HTMLResponse
from playwright.async_api import Playwright

from fastrtc import Stream
from tests.browser.conftest import FLAGS
from tests.support.peers import LOCAL
from tests.support.programs import require_program
from tests.support.servers import serving
from tests.webrtc.handlers import AsyncAudioEcho

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

KNOCK = """async (server) => {
  const body = JSON.stringify({ candidate: null, type: "ice-candidate", webrtc_id: "a" });
  await fetch(`http://${server}/webrtc/offer`, { method: "POST", mode: "no-cors", body });
  return await new Promise((resolve) => {
    const socket = new WebSocket(`ws://${server}/websocket/offer`);
    socket.onopen = () => socket.send('{"event": "start", "websocket_id": "b", "audio": {}}');
    socket.onmessage = ({ data }) => resolve(data);
    socket.onerror = () => resolve("{}");
  });
}"""


async def test_a_page_of_another_site_gets_nothing_and_a_development_server_all(
    playwright: Playwright,
) -> None:
    asked: list[str] = []
    stream = Stream(
        AsyncAudioEcho(),
        modality="audio",
        verbose=False,
        server_rtc_configuration=LOCAL,
        authorize=lambda request: asked.append(request.url.path),
    )
    app, pages = FastAPI(), FastAPI()
    stream.mount(app)
    pages.get("/")(lambda: HTMLResponse("<title>A page</title>"))
    browser = await playwright.chromium.launch(
        executable_path=require_program("chromium"),
        args=[*FLAGS, "--host-resolver-rules=MAP evil.example 127.0.0.1"],
    )
    with serving(app) as server, serving(pages) as other:
        port, host = other.rpartition(":")[2], server.removeprefix("http://")
        page = await browser.new_page()
        await page.goto(f"http://evil.example:{port}/")
        assert json.loads(await page.evaluate(KNOCK, host))["meta"]["error"] == "cross_site"
        assert not asked
        await page.goto(f"http://localhost:{port}/")  # a site other than that of 127.0.0.1
        assert json.loads(await page.evaluate(KNOCK, host))["event"] == "started"
        assert asked == ["/webrtc/offer", "/websocket/offer"]
        await browser.close()
