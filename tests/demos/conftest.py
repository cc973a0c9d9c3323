"""Starts demos, and opens their pages in Chromium with a fake microphone and camera."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio
from numpy.typing import NDArray
from playwright.async_api import Browser, Playwright, async_playwright

from tests.browser.media import write_camera
from tests.demos.running import PATIENCE, SCREEN, Demo, DemoTab
from tests.support.chromium import WITHOUT_POPUPS
from tests.support.programs import require_program
from tests.support.speech import spaced, write_wav

LISTENING = (Path(__file__).parent / "listening.js").read_text()
RATE = 48_000
LEAD = 2.0  # s of silence before a voice: the connection is there before the first word
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
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
    # Fonts and the iframe resizer are asked for elsewhere, where there is nothing to reach.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]


@pytest.fixture
def start_demo(tmp_path: Path) -> Iterator[Callable[..., Demo]]:
    """Starts demos by name: `start_demo("phone", MODE="UI")`; none may write a traceback.

    A test that expects one takes it with `demo.complaints()`.
    """
    started: list[Demo] = []

    def start(name: str, **variables: str) -> Demo:
        demo = Demo(name, tmp_path / f"{name}-{len(started)}.log", variables)
        started.append(demo)
        demo.start()
        return demo

    yield start
    for demo in started:
        demo.stop()
    assert not [complaint for demo in started if (complaint := demo.complaints())]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def playwright() -> AsyncIterator[Playwright]:
    async with async_playwright() as started:
        yield started


@pytest_asyncio.fixture(loop_scope="session")
async def open_page(playwright: Playwright, tmp_path: Path) -> AsyncIterator[Callable]:
    """Opens pages, each in a Chromium of its own with a microphone and a camera; none may throw.

    `await open_page(url, says=samples)`: the microphone says it once (mono, 48 kHz), after two
    seconds of silence; then it is silent. The microphone's clock begins when the page asks for
    it. `again=s` says it again and again, with so many seconds of silence between. `flags` are
    more of Chromium's.
    """
    browsers: list[Browser] = []
    thrown: list[str] = []

    async def open_one(
        url: str,
        says: NDArray[np.int16] | None = None,
        *,
        again: float | None = None,
        camera: Path | None = None,
        flags: Sequence[str] = (),
    ) -> DemoTab:
        number = len(browsers)
        microphone = tmp_path / f"microphone-{number}.wav"
        voice = says if says is not None else np.zeros(0, np.int16)
        write_wav(microphone, RATE, spaced(LEAD, voice, again or 2.0))
        if camera is None:
            camera = tmp_path / f"camera-{number}.y4m"
            write_camera(camera)
        browser = await playwright.chromium.launch(
            executable_path=require_program("chromium"),
            args=[
                *FLAGS,
                *flags,
                f"--use-file-for-fake-audio-capture={microphone}{'' if again else '%noloop'}",
                f"--use-file-for-fake-video-capture={camera}",
            ],
        )
        browsers.append(browser)
        context = await browser.new_context(viewport=SCREEN, color_scheme="light")
        await context.add_init_script(LISTENING)
        page = await context.new_page()
        page.on("pageerror", lambda error: thrown.append(str(error)))
        await page.goto(url, timeout=PATIENCE)
        return DemoTab(page)

    yield open_one
    await asyncio.gather(*(browser.close() for browser in browsers))
    assert not thrown
