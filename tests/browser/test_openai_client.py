"""OpenAI's client for browsers, with only the URL changed."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import numpy as np
import pytest
import pytest_asyncio
from fastapi.responses import FileResponse, HTMLResponse
from playwright.async_api import Browser, Playwright

from tests.browser.conftest import FLAGS
from tests.protocols.openai_realtime.program import (
    API_KEY,
    SECRET,
    authorize,
    create_app,
    create_stream,
)
from tests.support.peers import tone
from tests.support.programs import require_program
from tests.support.servers import serving
from tests.support.speech import write_wav

pytestmark = [
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.browser,
    pytest.mark.external("agents-realtime", "chromium"),
]

PAGE = """<!doctype html><title>Test</title><audio></audio>
<script src="/client.js"></script><script type="module" src="/page.js"></script>"""


def key_of(url: str) -> str:
    headers = {"Authorization": f"Bearer {API_KEY}"}
    answer = httpx.post(f"{url}/v1/realtime/client_secrets", headers=headers)
    key: str = answer.json()["value"]
    return key


@pytest_asyncio.fixture(loop_scope="session")
async def speaking_browser(playwright: Playwright, tmp_path: Path) -> AsyncIterator[Browser]:
    """Chromium whose microphone has one tone of a second, after a moment."""
    silence = np.zeros(48_000, np.int16)
    write_wav(tmp_path / "tone.wav", 48_000, np.concatenate((silence, tone(1.0), silence)))
    started = await playwright.chromium.launch(
        executable_path=require_program("chromium"),
        args=[
            *FLAGS,
            "--use-fake-ui-for-media-stream",
            "--use-fake-device-for-media-stream",
            f"--use-file-for-fake-audio-capture={tmp_path / 'tone.wav'}%noloop",
        ],
    )
    yield started
    await started.close()


async def test_conversations_over_webrtc_and_websocket_and_a_refusal(
    speaking_browser: Browser,
) -> None:
    stream = create_stream(authorize=authorize)
    stream.tokens(SECRET)
    app = create_app(stream)
    scripts = {
        "/client.js": require_program("agents-realtime"),
        "/page.js": Path(__file__).parents[1] / "protocols/openai_realtime/page.js",
    }
    app.get("/")(lambda: HTMLResponse(PAGE))
    app.get("/client.js")(lambda: FileResponse(scripts["/client.js"]))
    app.get("/page.js")(lambda: FileResponse(scripts["/page.js"]))
    with serving(app) as url:
        page = await speaking_browser.new_page()
        thrown: list[str] = []
        page.on("pageerror", lambda error: thrown.append(str(error)))
        await page.goto(url)
        await page.wait_for_function("window.refused")

        call = await page.evaluate("key => overWebRTC(key)", key_of(url))
        assert call["spoken"] == "You said: something."
        assert call["story"] == "client_cancelled"
        assert 0 <= call["audio_end_ms"] < 5000
        assert call["forecast"] == "It is cold there."
        assert call["heard"] == [True]
        assert call["callId"].startswith("rtc_")
        assert call["errors"] == []

        talk = await page.evaluate("key => overWebSocket(key)", key_of(url))
        assert talk["spoken"] == talk["after"] == "You said: something."
        assert talk["story"] == "turn_detected"
        assert talk["forecast"] == "It is cold there."
        assert talk["interrupted"] >= 1
        assert talk["bytes"] > 24_000
        (who, seconds), reply = talk["history"]
        assert (who, seconds[-2:]) == ("user", " s")
        assert reply == ["assistant", "You said: something."]
        assert talk["cities"] == ["Oslo", "Oslo"]
        assert talk["errors"] == []

        call, socket = await page.evaluate("key => refused(key)", "ek_wrong")
        assert "401" in call
        assert socket != "connected"
        assert thrown == []
