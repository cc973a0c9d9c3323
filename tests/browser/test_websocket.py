"""The same conversation over a WebSocket, held by the page of the demo."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytest_asyncio
from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles
from playwright.async_api import Browser, Playwright, expect

from fastrtc import ReplyOnPause, Stream
from tests.browser.conftest import FLAGS
from tests.browser.demo_page import DemoPage
from tests.browser.media import RATE, align, envelope
from tests.browser.server import DemoServer
from tests.support.connections import connections_of
from tests.support.programs import require_program
from tests.support.servers import serving
from tests.support.speech import find_in, recorded_prompt, spaced, speech, trimmed, write_wav

pytestmark = [
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.browser,
    pytest.mark.external("chromium", "espeak-ng", "recorded-voices"),
]

LEAD = 1.5  # s of silence first: the connection is there before the first word
INTO_THE_ANSWER = 2.5  # s after the question; the answer begins after 0.5 s
TURNS = [
    *("listening", "heard", "thinking", "speaking"),
    *("interrupted", "heard", "thinking", "speaking", "listening"),
]
WATCH = """() => {
  window.turns = [];
  const root = document.querySelector(".demo");
  new MutationObserver(() => {
    const { turn } = root.dataset;
    if (turn && turn !== turns.at(-1)) turns.push(turn);
  }).observe(root, { attributeFilter: ["data-turn"] });
}"""
ATTEMPTS = 3  # the microphone does not wait for a machine that stands still


@pytest.fixture(scope="module")
def said() -> tuple[np.ndarray, np.ndarray]:
    """A question, and what interrupts its answer."""
    question = speech("Tell me how many people have lived in the old house by the sea?")
    return trimmed(question), trimmed(recorded_prompt("one-moment-please"))


@pytest_asyncio.fixture(loop_scope="session")
async def talking(
    playwright: Playwright, said: tuple[np.ndarray, np.ndarray], tmp_path: Path
) -> AsyncIterator[Browser]:
    """Chromium whose microphone hears this, once."""
    question, objection = said
    heard = spaced(LEAD, question, INTO_THE_ANSWER, objection, 1.0)
    file = write_wav(tmp_path / "microphone.wav", RATE, heard)
    started = await playwright.chromium.launch(
        executable_path=require_program("chromium"),
        args=[
            *FLAGS,
            "--use-fake-ui-for-media-stream",
            "--use-fake-device-for-media-stream",
            f"--use-file-for-fake-audio-capture={file}%noloop",
        ],
    )
    yield started
    await started.close()


async def test_a_conversation(demo_server: DemoServer, open_demo, talking: Browser, said) -> None:
    address = f"{demo_server.url}/websocket_echo/"
    for attempts_left in reversed(range(ATTEMPTS)):
        demo: DemoPage = await open_demo(address, talking)
        await demo.page.evaluate(WATCH)
        await demo.record()
        await demo.connect()
        assert await demo.page.evaluate("demo.client.transport") == "websocket"
        await demo.wait_for("turns.length && turns.filter((t) => t === 'speaking').length > 1")
        await demo.wait_for("turns.at(-1) === 'listening'")
        turns = await demo.page.evaluate("turns")
        if turns == TURNS or attempts_left == 0:
            break
        await demo.press("Stop")
    assert turns == TURNS
    received = await demo.recording("remote", 5)
    question, objection = said
    # By its loudness: on a busy machine the page's own recording has gaps.
    assert align(envelope(objection), envelope(received.samples))[1] > 0.7
    _, rest = find_in(received.samples, question[-RATE:])
    assert rest < 0.3  # the answer to the question was cut off
    await expect(demo.page.locator(".stats")).to_contain_text("ms")
    await demo.press("Stop")
    await demo.wait_for_state("stopped")


async def test_a_server_that_is_full_says_so(limited_server: DemoServer, open_demo) -> None:
    first = await open_demo(f"{limited_server.url}/websocket_echo/")
    await first.connect()
    second = await open_demo(f"{limited_server.url}/websocket_echo/")
    await second.press("Start")
    await second.wait_for_alert("The stream is in use")
    await first.press("Stop")
    await second.connect("Try again")


DEMOS = Path(__file__).resolve().parents[2] / "demo"
PAGE = "/websocket_echo"


def with_page(app: FastAPI) -> FastAPI:
    app.mount("/fastrtc", StaticFiles(packages=[("fastrtc", "static")]))
    app.mount("/", StaticFiles(directory=DEMOS, html=True))
    return app


@pytest.mark.parametrize(
    ("options", "stopping", "sentence"),
    [
        ({"authorize": lambda request: "Log in first."}, False, "let you connect: Log in first."),
        ({"authorize": lambda request: False}, False, "The server does not let you connect."),
        ({}, True, "The server is stopping or restarting."),
    ],
)
async def test_a_refusal_is_told_as_a_sentence(
    options: dict[str, Any], stopping: bool, sentence: str, open_demo
) -> None:
    stream = Stream(ReplyOnPause(lambda audio: [audio]), modality="audio", **options)
    app = FastAPI()
    stream.mount(app, path=PAGE)
    with serving(with_page(app)) as url:
        demo = await open_demo(f"{url}{PAGE}/")
        connections_of(stream).registry.stopping = stopping
        await demo.press("Start")
        await demo.wait_for_alert(sentence)
