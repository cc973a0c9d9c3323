"""The server with all pages, headless Chromium with fake devices, and opened pages."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Route, async_playwright

from tests.gradio.server import PageServer
from tests.gradio.stream_page import KEEP_PEERS, PATIENCE, StreamPage
from tests.support.programs import require_program

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",  # beeps, and shows a clock
]


@pytest.fixture(scope="session")
def shared_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PageServer]:
    server = PageServer(tmp_path_factory.mktemp("pages") / "server.log")
    server.start()
    yield server
    server.stop()


@pytest.fixture
def server(shared_server: PageServer) -> Iterator[PageServer]:
    """The server, which must not write tracebacks that the test does not expect."""
    shared_server.complaints()
    yield shared_server
    assert not shared_server.complaints()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def chromium() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(
            executable_path=require_program("chromium"), args=FLAGS
        )
        yield started
        await started.close()


async def to_this_machine_only(route: Route) -> None:
    """Fonts and the iframe resizer are asked for elsewhere, where there is nothing to reach."""
    if "://127.0.0.1:" in route.request.url:
        await route.continue_()
    else:
        await route.fulfill(body="")


@pytest_asyncio.fixture(loop_scope="session")
async def open_page(chromium: Browser) -> AsyncIterator[Callable]:
    """Opens pages, each with cookies and permissions of its own; none may throw."""
    contexts, thrown = [], []

    async def open_one(address: str) -> StreamPage:
        context = await chromium.new_context(viewport={"width": 1200, "height": 900})
        contexts.append(context)
        await context.route("**/*", to_this_machine_only)
        await context.add_init_script(KEEP_PEERS)
        page = await context.new_page()
        page.on("pageerror", lambda error: thrown.append(str(error)))
        await page.goto(address)
        opened = StreamPage(page)
        await opened.main.wait_for(timeout=PATIENCE)
        return opened

    yield open_one
    await asyncio.gather(*(context.close() for context in contexts))
    assert not thrown
