"""A demo server, headless Chromium with fake devices, and pages that tell what they show."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, Playwright, async_playwright

from tests.browser.demo_page import DemoPage
from tests.browser.media import Word, speech_file, write_camera
from tests.browser.server import DemoServer
from tests.support.chromium import WITHOUT_POPUPS
from tests.support.programs import require_program

HERE = Path(__file__).parent
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    WITHOUT_POPUPS,
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
]


@dataclass(frozen=True)
class Devices:
    """The files behind the fake microphone and camera; what is said, and how long it takes."""

    microphone: Path
    camera: Path
    words: list[Word]
    seconds: float


@pytest.fixture(scope="session")
def devices(tmp_path_factory: pytest.TempPathFactory) -> Devices:
    folder = tmp_path_factory.mktemp("devices")
    words, seconds = speech_file(folder / "speech.wav")
    write_camera(folder / "camera.y4m")
    return Devices(folder / "speech.wav", folder / "camera.y4m", words, seconds)


@pytest.fixture(scope="session")
def shared_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoServer]:
    server = DemoServer(tmp_path_factory.mktemp("demo") / "server.log", forked=False)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def demo_server(shared_server: DemoServer) -> Iterator[DemoServer]:
    """The server with all demos, a program of its own, which must not write tracebacks."""
    shared_server.complaints()
    yield shared_server
    assert not shared_server.complaints()


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[DemoServer]:
    """All demos again, for a test that ends the server."""
    server = DemoServer(tmp_path / "server.log")
    server.start()
    yield server
    server.stop()
    assert not server.complaints()


@pytest.fixture
def limited_server(tmp_path: Path) -> Iterator[DemoServer]:
    """The audio echo with room for a single connection."""
    server = DemoServer(tmp_path / "server.log", HERE / "limited_app.py")
    server.start()
    yield server
    server.stop()
    assert not server.complaints()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def playwright() -> AsyncIterator[Playwright]:
    async with async_playwright() as started:
        yield started


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser(playwright: Playwright, devices: Devices) -> AsyncIterator[Browser]:
    """Chromium whose microphone says the words once and whose camera shows red above blue."""
    started = await playwright.chromium.launch(
        executable_path=require_program("chromium"),
        args=[
            *FLAGS,
            "--use-fake-ui-for-media-stream",
            "--use-fake-device-for-media-stream",
            f"--use-file-for-fake-audio-capture={devices.microphone}%noloop",
            f"--use-file-for-fake-video-capture={devices.camera}",
        ],
    )
    yield started
    await started.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def forbidding_browser(playwright: Playwright) -> AsyncIterator[Browser]:
    """Chromium whose user answers no when a page asks for a device."""
    started = await playwright.chromium.launch(
        executable_path=require_program("chromium"),
        args=[*FLAGS, "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream=deny"],
    )
    yield started
    await started.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser_without_udp(playwright: Playwright, devices: Devices) -> AsyncIterator[Browser]:
    """Chromium in a network that lets no UDP through, and whose microphone speaks all the time."""
    started = await playwright.chromium.launch(
        executable_path=require_program("chromium"),
        args=[
            *FLAGS,
            "--use-fake-ui-for-media-stream",
            "--use-fake-device-for-media-stream",
            f"--use-file-for-fake-audio-capture={devices.microphone}",
            "--webrtc-ip-handling-policy=disable_non_proxied_udp",
        ],
    )
    yield started
    await started.close()


@pytest_asyncio.fixture(loop_scope="session")
async def open_demo(browser: Browser) -> AsyncIterator[Callable]:
    """Opens demo pages, each with cookies and permissions of its own; none may throw."""
    contexts, thrown = [], []

    async def open_one(address: str, chosen: Browser = browser) -> DemoPage:
        context = await chosen.new_context(viewport={"width": 1200, "height": 900})
        contexts.append(context)
        page: Page = await context.new_page()
        page.on("pageerror", lambda error: thrown.append(str(error)))
        demo = DemoPage(page)
        await demo.open(address)
        return demo

    yield open_one
    await asyncio.gather(*(context.close() for context in contexts))
    assert not thrown
