"""The server with all pages, headless Chromium with fake devices, and opened pages."""

from collections.abc import AsyncIterator, Callable, Iterator

import numpy as np
import pytest
import pytest_asyncio
from numpy.typing import NDArray
from playwright.async_api import Browser, BrowserContext, Playwright, async_playwright, expect

from tests.gradio.server import PageServer
from tests.gradio.shared_context import WINDOW, SharedContext, finish_all
from tests.gradio.stream_page import KEEP_PEERS, PATIENCE, StreamPage
from tests.support.chromium import WITHOUT_POPUPS
from tests.support.programs import require_program
from tests.support.speech import recorded_prompt, spaced, trimmed, write_wav

RATE = 48_000
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--process-per-site",  # see `SharedContext`
    "--disable-quic",
    "--no-first-run",
    WITHOUT_POPUPS,
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
    # Fonts and the iframe resizer are asked for elsewhere, where there is nothing to reach.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]
CLOSE_TIMEOUT_S = 10.0

expect.set_options(timeout=PATIENCE)


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
async def playwright() -> AsyncIterator[Playwright]:
    async with async_playwright() as started:
        yield started


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def chromium(playwright: Playwright) -> AsyncIterator[Browser]:
    """Chromium with cameras that show a clock (the second one is not for streams), and beeps."""
    started = await playwright.chromium.launch(
        executable_path=require_program("chromium"),
        args=[
            *FLAGS,
            "--use-fake-ui-for-media-stream",
            "--use-fake-device-for-media-stream=device-count=3",
        ],
    )
    yield started
    await started.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def talking_chromium(
    playwright: Playwright, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Browser]:
    """Chromium without a camera, whose user talks, but allows nothing by itself."""
    voice = write_wav(tmp_path_factory.mktemp("voice") / "voice.wav", RATE, what_is_said())
    started = await playwright.chromium.launch(
        executable_path=require_program("chromium"),
        args=[
            *FLAGS,
            "--use-fake-device-for-media-stream=device-count=0",
            f"--use-file-for-fake-audio-capture={voice}",
        ],
    )
    yield started
    await started.close()


def what_is_said() -> NDArray[np.int16]:
    """A question, an objection while it is answered for 3 s, and time to answer that; for ever."""
    question, objection = (
        trimmed(recorded_prompt(name, RATE)) for name in ("vm-goodbye", "one-moment-please")
    )
    return spaced(1.0, question, 2.2, objection, 7.0, rate=RATE)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def shared_context(chromium: Browser) -> AsyncIterator[SharedContext]:
    shared = SharedContext(chromium)
    await shared.open()
    yield shared
    await shared.close()


@pytest_asyncio.fixture(loop_scope="session")
async def open_page(chromium: Browser, shared_context: SharedContext) -> AsyncIterator[Callable]:
    """Opens pages; none may throw. Nothing of them is left for the next test.

    `await open_page(address)`: in a tab of the shared context. `new_visitor`: with cookies,
    permissions and a clock of its own. `browser`: the same, in this one.
    """
    contexts: list[BrowserContext] = []
    thrown: list[str] = []

    async def open_one(
        address: str, browser: Browser | None = None, *, new_visitor: bool = False
    ) -> StreamPage:
        context = shared_context.context
        if browser or new_visitor:
            context = await (browser or chromium).new_context(viewport=WINDOW)
            contexts.append(context)
            await context.add_init_script(KEEP_PEERS)
        page = await context.new_page()
        page.on("pageerror", lambda error: thrown.append(str(error)))
        await page.goto(address)
        opened = StreamPage(page)
        await opened.main.wait_for(timeout=PATIENCE)
        return opened

    yield open_one
    failures = await finish_all(
        [("close context", context.close()) for context in contexts], CLOSE_TIMEOUT_S
    )
    failures += await shared_context.reset()
    assert not [*thrown, *failures]
