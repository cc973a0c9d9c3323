"""The pages in Firefox, which has other WebRTC code than Chromium, and trickles otherwise."""

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from tests.browser.server import DemoServer
from tests.support.firefox import Firefox, FirefoxPage, firefox
from tests.support.pulse_audio import pulse_audio

pytestmark = [
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.external("firefox", "pulseaudio"),
]

STATE = 'document.querySelector(".demo").dataset.state'
LOUD = "demo.client.levels.remote.level() > -40"
STATS = "demo.client.getStats().then((one) => one.roundTrip !== null && one.loss !== null && one)"
PLAYS = """[...document.querySelectorAll("video")].some(
    (one) => one.currentTime > 1 && one.videoWidth > 0 && !one.paused && %s
)"""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def shared_firefox(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Firefox]:
    profile = tmp_path_factory.mktemp("firefox")
    with pulse_audio(tmp_path_factory.mktemp("sound")) as environment:
        async with firefox(profile, environment) as running:
            yield running


@pytest.fixture
def browser(shared_firefox: Firefox) -> Iterator[Firefox]:
    """Firefox, in whose pages nothing may throw."""
    shared_firefox.errors.clear()
    yield shared_firefox
    assert not shared_firefox.errors


async def connect(browser: Firefox, url: str) -> FirefoxPage:
    page = await browser.open(url)
    await page.wait_for("window.demo !== undefined")
    await page.press("Start")
    await page.wait_for(f"{STATE} === 'connected'")
    return page


async def test_an_audio_conversation(demo_server: DemoServer, browser: Firefox) -> None:
    page = await connect(browser, f"{demo_server.url}/audio_echo/")
    await page.wait_for(LOUD)
    stats = await page.wait_for(STATS)
    assert stats["protocol"] == "udp" and stats["codecs"] == ["opus"]
    assert stats["sending"] > 1000 and stats["receiving"] > 1000
    await page.evaluate("demo.client.muteMicrophone()")
    await page.wait_for("demo.client.levels.remote.level() === -60")
    await page.press("Stop")
    await page.wait_for(f"{STATE} === 'stopped'")
    await page.close()


async def test_audio_over_a_websocket(demo_server: DemoServer, browser: Firefox) -> None:
    page = await browser.open(f"{demo_server.url}/audio_echo/")
    await page.wait_for("window.demo !== undefined")
    await page.evaluate("demo.client.options.transport = 'websocket'")
    await page.press("Start")
    await page.wait_for(f"{STATE} === 'connected'")
    assert await page.evaluate("demo.client.transport") == "websocket"
    await page.wait_for(LOUD)
    await page.close()


async def test_audio_and_video(demo_server: DemoServer, browser: Firefox) -> None:
    page = await connect(browser, f"{demo_server.url}/audio_video/")
    await page.wait_for(PLAYS % "one.srcObject !== demo.client.localStream")
    await page.wait_for(LOUD)
    assert (await page.wait_for(STATS))["codecs"] == ["opus", "VP8"]
    await page.close()


async def test_a_stream_without_devices(demo_server: DemoServer, browser: Firefox) -> None:
    """The browser hides its addresses, and has nothing to ask for."""
    page = await connect(browser, f"{demo_server.url}/receive_both/")
    await page.wait_for(PLAYS % "true")
    await page.wait_for(LOUD)
    await page.close()


async def test_connections_in_a_row(demo_server: DemoServer, browser: Firefox) -> None:
    """The end of candidates of the data channel often comes before those of the audio."""
    for _ in range(6):
        page = await connect(browser, f"{demo_server.url}/audio_echo/")
        await page.close()


async def test_the_page_of_gradio(demo_server: DemoServer, browser: Firefox) -> None:
    page = await browser.open(demo_server.url)
    await page.press("Start")
    await page.wait_for("document.body.innerText.includes('Listening')")
    await page.press("Connection details")
    await page.wait_for("document.body.innerText.includes('over UDP')")
    await page.press("Stop")
    await page.wait_for("!document.body.innerText.includes('Listening')")
    await page.close()
