"""Pages in a network that lets no UDP through: their audio goes over a WebSocket."""

import time
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Playwright, expect

from tests.gradio.conftest import FLAGS, RATE, what_is_said
from tests.gradio.marks import MARKS
from tests.gradio.server import PageServer
from tests.gradio.stream_page import PATIENCE
from tests.gradio.test_conversation import TURNS, WENT_THROUGH
from tests.support.programs import require_program
from tests.support.speech import write_wav

pytestmark = [*MARKS, pytest.mark.external("recorded-voices"), pytest.mark.timeout(240)]

CONNECT_WITHIN = 6.0 + 4.0  # s; the machine may be busy


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def browser_without_udp(
    playwright: Playwright, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Browser]:
    """Chromium whose user talks, behind such a network."""
    voice = write_wav(tmp_path_factory.mktemp("voice") / "voice.wav", RATE, what_is_said())
    started = await playwright.chromium.launch(
        executable_path=require_program("chromium"),
        args=[
            *FLAGS,
            "--use-fake-ui-for-media-stream",
            "--use-fake-device-for-media-stream",
            f"--use-file-for-fake-audio-capture={voice}",
            "--webrtc-ip-handling-policy=disable_non_proxied_udp",
        ],
    )
    yield started
    await started.close()


async def test_a_whole_conversation(
    server: PageServer, open_page, browser_without_udp: Browser
) -> None:
    page = await open_page(f"{server.url}/conversation", browser_without_udp)
    await page.watch()
    began = time.monotonic()
    await page.start()
    assert time.monotonic() - began < CONNECT_WITHIN
    await expect(page.toast).to_contain_text("the call goes over the web connection instead")
    await page.page.wait_for_function(WENT_THROUGH, arg=TURNS, timeout=4 * PATIENCE)
    await page.press("Connection details")
    await expect(page.drawer("Connection")).to_contain_text("PCM")
    await page.stop()

    tried = await page.page.evaluate("peers.length")
    assert tried > 0
    await page.start()
    assert await page.page.evaluate("peers.length") == tried  # the network is known now
    await page.stop()


async def test_inputs_and_outputs(
    server: PageServer, open_page, browser_without_udp: Browser
) -> None:
    page = await open_page(f"{server.url}/own", browser_without_udp)
    burst = " ".join(f"n{number}" for number in range(20)) + " gain"
    await page.slide("Gain", 7)
    await page.start()
    await page.has_value("Words", burst)
    await page.has_value("Told", 7)
    await page.stop()
