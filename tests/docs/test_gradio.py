"""The programs of `docs/gradio.md`, each used once in a browser."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import gradio as gr
import httpx
import numpy as np
import pytest
from fastapi import FastAPI
from playwright.async_api import expect

from fastrtc import WebRTC
from tests.demos.conftest import open_page, playwright  # noqa: F401
from tests.demos.running import MARKS, PATIENCE, DemoTab
from tests.support.peers import LOCAL
from tests.support.servers import serving
from tests.support.speech import recorded_prompt

CLOSED = "peers.at(-1)?.connectionState === 'closed'"
RATE = 48_000
BLOCK = 480  # samples: 10 ms


@contextmanager
def page_of(blocks: gr.Blocks, component: WebRTC) -> Iterator[str]:
    component.server_rtc_configuration = component.convert_to_aiortc_format(LOCAL)
    app = gr.mount_gradio_app(FastAPI(), blocks, path="/", ssr_mode=False)
    with serving(app) as url:
        yield url


async def test_beside(snippet) -> None:
    with serving(snippet("gradio/beside.py").app) as url:
        async with httpx.AsyncClient() as http:
            assert "gradio_config" in (await http.get(url)).text
            assert "webrtc_id" in (await http.post(f"{url}/webrtc/offer", json={})).text


class TestPages:
    pytestmark = [*MARKS, pytest.mark.external("recorded-voices")]

    async def test_extend(self, snippet, open_page) -> None:  # noqa: F811
        stream = snippet("gradio/extend.py").stream
        goodbye = recorded_prompt("vm-goodbye")
        with page_of(stream.ui, stream.webrtc_component) as url:
            page = await open_page(url, says=goodbye, again=3.0)
            await page.shows("Nothing that you say is kept.")
            await page.start()
            await page.hears(goodbye)
            await stop(page)

    async def test_component(self, snippet, open_page) -> None:  # noqa: F811
        module = snippet("gradio/component.py")
        goodbye = recorded_prompt("vm-goodbye")
        with page_of(module.demo, module.audio) as url:
            page = await open_page(url, says=goodbye, again=3.0)
            await page.start()
            await page.hears(goodbye)
            await page.shows(re.compile(r"\d\.\d s of speech"))
            await stop(page)

    async def test_textbox(self, snippet, open_page) -> None:  # noqa: F811
        stream = snippet("gradio/textbox.py").stream
        with page_of(stream.ui, stream.webrtc_component) as url:
            page = await open_page(url, says=recorded_prompt("vm-goodbye"), again=3.0)
            field = page.page.get_by_role("textbox", name="Message")
            await field.fill("hello")
            await field.press("Enter")
            answer = page.page.get_by_label("Answer", exact=True)
            await expect(answer).to_have_value("You typed 'hello'", timeout=PATIENCE)
            await page.page.get_by_role("button", name="Unmute microphone").click()
            await page.hears(recorded_prompt("vm-goodbye"))
            await stop(page)

    async def test_trigger(self, snippet, open_page) -> None:  # noqa: F811
        module = snippet("gradio/trigger.py")
        with page_of(module.demo, module.audio) as url:
            page = await open_page(url)
            await page.page.get_by_label("number input for Beeps").fill("10")
            await page.page.get_by_label("number input for Beeps").blur()
            await page.press("Beep")
            await page.wait_for(CLOSED)
            assert await loud(page) > 1.0  # each is of 0.2 s; without the slider there are 3

    async def test_look(self, snippet, open_page) -> None:  # noqa: F811
        module = snippet("gradio/look.py")
        with page_of(module.demo, module.audio) as url:
            page = await open_page(url)
            icon = page.page.locator("img[src='https://example.org/phone.svg']")
            await expect(icon).to_be_attached(timeout=PATIENCE)
            await page.start("Call")
            await stop(page, "Hang up")


async def stop(page: DemoTab, name: str = "Stop") -> None:
    await page.press(name)
    await page.wait_for(CLOSED)


async def loud(page: DemoTab) -> float:
    """For how many seconds something was heard."""
    heard = await page.heard()
    blocks = np.abs(heard[: heard.size // BLOCK * BLOCK].reshape(-1, BLOCK).astype(int)).max(axis=1)
    return np.count_nonzero(blocks > 2000) * BLOCK / RATE
