"""The page of `fastrtc playground`: a person talks to a real stream through it."""

import asyncio
import re
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import numpy as np
import pytest
import pytest_asyncio
from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles
from playwright.async_api import Browser, Page, expect
from pydantic import BaseModel, Field

from fastrtc import AsyncStreamHandler, ReplyOnPause, Stream, Transcript, get_current_context
from fastrtc.cli.playground_app import make_app
from fastrtc.cli.playground_target import Choices, Target
from fastrtc.utils import create_message
from tests.browser.demo_page import PATIENCE, wait_in
from tests.support.servers import serving

pytestmark = [
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.browser,
    pytest.mark.external("chromium", "espeak-ng"),
]


def reply(audio: tuple[int, Any]) -> Iterator[Any]:
    yield Transcript("How are you?", "user")
    yield Transcript("Very well.")
    times = np.arange(24_000) / 24_000
    yield 24_000, (16_000 * np.sin(2 * np.pi * 440 * times)).astype(np.int16)[None]


async def echo(message: dict[str, Any]) -> None:
    get_current_context().send({"type": "echo", "data": message["data"]})


def flip(picture: Any, brightness: float = 1.0) -> Any:
    return (np.flip(picture, axis=0) * brightness).astype(np.uint8)


class Asking(AsyncStreamHandler):
    """Waits for its input, and says which one it has got."""

    def copy(self) -> "Asking":
        return Asking()

    async def start_up(self) -> None:
        await self.wait_for_args()
        await self.send_message(create_message("log", f"brightness {self.latest_args[1]}"))

    async def receive(self, frame: Any) -> None:
        pass

    async def emit(self) -> None:
        await asyncio.sleep(0.1)


class Inputs(BaseModel):
    webrtc_id: str
    brightness: float = Field(0.5, ge=0, le=1)


def program() -> FastAPI:
    app = FastAPI()
    stream = Stream(
        ReplyOnPause(reply),
        modality="audio",
        on_message=echo,
        on_turn=lambda turn: None,
        verbose=False,
    )

    @stream.method
    def add(numbers: list[int]) -> int:
        return sum(numbers)

    stream.mount(app, "/talk")
    video = Stream(flip, modality="video", verbose=False)
    video.mount(app, "/video")
    asking = Stream(Asking(), modality="audio", verbose=False)
    asking.mount(app, "/asking")

    @app.post("/inputs")
    async def set_inputs(inputs: Inputs) -> None:
        for one in (video, asking):
            one.set_input(inputs.webrtc_id, inputs.brightness)

    app.mount("/fastrtc", StaticFiles(packages=[("fastrtc", "static")]))
    return app


@pytest_asyncio.fixture(loop_scope="session")
async def page(browser: Browser) -> Any:
    context = await browser.new_context(viewport={"width": 1280, "height": 800})
    shown = await context.new_page()
    thrown: list[str] = []
    shown.on("pageerror", lambda error: thrown.append(str(error)))
    yield shown
    await context.close()
    assert not thrown


BRIGHTEST = """() => {
  const canvas = new OffscreenCanvas(8, 8);
  const drawing = canvas.getContext("2d");
  drawing.drawImage(document.querySelector(".pg-picture"), 0, 0, 8, 8);
  const { data } = drawing.getImageData(0, 0, 8, 8);
  const opaque = data.every((one, k) => k % 4 !== 3 || one === 255);
  return opaque ? Math.max(...data.filter((_, k) => k % 4 !== 3)) : NaN; // NaN: no picture yet
}"""

IS_BLACK = f"() => ({BRIGHTEST})() < 30"
IS_BRIGHT = f"() => ({BRIGHTEST})() > 100"

FITS = "document.documentElement.scrollHeight <= innerHeight"


async def wait_for_state(page: Page, state: str) -> None:
    await expect(page.locator(".pg-stage")).to_have_attribute("data-state", state, timeout=PATIENCE)


async def talk(page: Page, transport: str) -> None:
    """Start, send a message, call a method, and wait for the reply to what is said."""
    await page.get_by_text(transport, exact=True).first.click()
    await page.get_by_role("button", name="Start", exact=True).click()
    await wait_for_state(page, "connected")
    await expect(page.locator(".pg-stage .pg-chip")).to_have_text(transport)

    kinds = page.get_by_role("radiogroup", name="What to send")
    await kinds.get_by_text("Message").click()
    await page.get_by_label("Message, as JSON").fill('{"type": "hello", "data": 42}')
    await page.keyboard.press("Enter")
    log = page.get_by_role("log", name="Messages")
    await expect(log.locator("[data-way=sent] b", has_text="hello")).to_be_visible()
    await expect(log.locator("[data-way=received]", has_text="echo")).to_contain_text("42")

    shown = page.get_by_role("radiogroup", name="Kinds of messages")
    await shown.get_by_text("Sent").click()
    await kinds.get_by_text("Call").click()
    await page.get_by_label("Method of the program").fill("add")
    await page.get_by_label("Data of the call, as JSON").fill("[1, 2, 3]")
    await page.keyboard.press("Enter")
    await expect(page.locator(".pg-result")).to_have_text("add: 6")
    call = log.locator("li", has_text="add([1,2,3])")
    await expect(call.locator(".pg-took")).to_have_text(re.compile(r"\d ms"))
    await shown.get_by_text("All").click()

    await kinds.get_by_text("Message").click()
    field = page.get_by_label("Message, as JSON")
    for number in range(40):
        await field.fill(str(number))
        await field.press("Enter")
    await expect(log.locator("[data-way=sent]").last).to_contain_text("39")
    assert await page.evaluate(FITS), "the list scrolls, and the page does not"

    await page.get_by_role("button", name="Copy the connection id").click()
    notice = page.locator(".pg-notice")
    await expect(notice).to_have_text(re.compile("Connection id: .+|The connection id is copied."))

    captions = page.get_by_role("log", name="Captions")
    await expect(captions).to_contain_text("You How are you?", timeout=PATIENCE)
    await expect(captions).to_contain_text("Program Very well.")
    await expect(page.locator(".frtc-turn-title").first).to_contain_text(
        "ended by a pause", timeout=PATIENCE
    )
    await wait_in(page, "() => document.querySelectorAll('.pg-figures dd')[1].textContent !== '–'")
    await page.get_by_role("button", name="Stop", exact=True).click()
    await wait_for_state(page, "stopped")
    await page.get_by_role("button", name="Clear the messages").click()


async def test_a_conversation_over_both_transports(page: Page) -> None:
    with ExitStack() as target:
        url = target.enter_context(serving(program()))
        with serving(make_app(Target(f"{url}/talk", {}), Choices())) as address:
            await page.goto(address)
            await expect(page.locator(".pg-address")).to_have_text(f"{url}/talk")
            media = page.get_by_label("Media").locator("option:checked")
            await expect(media).to_have_text("Detected: audio")
            assert await page.evaluate(FITS)
            await talk(page, "WebRTC")
            await talk(page, "WebSocket")
            target.close()  # the program ends
            await page.get_by_role("button", name="Start", exact=True).click()
            alert = page.get_by_role("alert")
            await expect(alert).to_contain_text(f"{url}/talk/webrtc/offer cannot be reached")
            for width, height in ((1000, 720), (390, 844), (320, 640)):
                await page.set_viewport_size({"width": width, "height": height})
                for name in ("Look again", "Start"):
                    button = page.get_by_role("button", name=name, exact=True)
                    await expect(button).to_be_in_viewport(ratio=1)
                    await button.click(trial=True)  # nothing covers it


async def test_a_handler_that_waits_for_inputs(page: Page) -> None:
    with serving(program()) as url:
        with serving(make_app(Target(f"{url}/asking", {}), Choices())) as address:
            await page.goto(address)
            await page.get_by_role("button", name="Start", exact=True).click()
            await expect(page.locator(".pg-notice")).to_contain_text("waits for its inputs")
            await expect(page.get_by_label("Route of the inputs")).to_have_value("/inputs")
            field = page.get_by_label("Inputs, as a JSON object")
            await expect(field).to_have_value('{"brightness":0.5}')
            await field.fill('{"brightness": 2}')
            await field.press("Enter")
            result = page.locator(".pg-result")
            await expect(result).to_contain_text("/inputs: 422. brightness: Input should be less")
            await field.fill('{"brightness": 0.25}')
            await field.press("Enter")
            await expect(result).to_have_text("Set.")
            log = page.get_by_role("log", name="Messages")
            await expect(log).to_contain_text("brightness 0.25")
            await page.get_by_role("button", name="Clear the messages").click()
            await page.get_by_role("button", name="Stop", exact=True).click()
            await page.get_by_role("button", name="Start", exact=True).click()
            await expect(log).to_contain_text("brightness 0.25")  # they are sent again


async def test_the_page_on_the_server_of_the_stream(page: Page) -> None:
    """Without the command nothing is known of the stream: its refusal says that it takes video."""
    with serving(program()) as url:
        await page.goto(f"{url}/fastrtc/playground/index.html?stream=/video")
        await page.get_by_role("radiogroup", name="What to send").get_by_text("Inputs").click()
        await expect(page.get_by_label("Route of the inputs")).to_have_value("/inputs")
        field = page.get_by_label("Inputs, as a JSON object")
        await field.fill('{"brightness": 0}')
        await page.get_by_role("button", name="Set", exact=True).click()
        await expect(page.locator(".pg-result")).to_have_text("Sent when connected.")
        await page.get_by_role("button", name="Start", exact=True).click()
        await wait_for_state(page, "connected")
        await wait_in(page, "() => document.querySelector('.pg-picture').videoWidth > 0")
        await wait_in(page, IS_BLACK)
        for brightness, look in ((1, IS_BRIGHT), (0, IS_BLACK)):
            await field.fill(f'{{"brightness": {brightness}}}')
            await field.press("Enter")
            await wait_in(page, look)
        await page.get_by_role("button", name="Turn the camera off").click()
        await page.get_by_role("button", name="Turn the camera on").click()
        await page.get_by_role("button", name="Stop", exact=True).click()
        await wait_for_state(page, "stopped")
