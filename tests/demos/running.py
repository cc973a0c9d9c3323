"""Demos as people run and use them: a program, a browser with a voice, a picture of it.

async def test_it(start_demo, open_page):
    demo = start_demo("audio_echo")                   # python demo/audio_echo/app.py
    page = await open_page(demo.url, says=hello)      # Chromium, whose microphone says it
    await page.start()                                # presses Start, waits for the connection
    await page.hears(hello)                           # until it has come back
    await page.picture("audio_echo")                  # if FASTRTC_SCREENS names a folder
"""

from __future__ import annotations

import asyncio
import base64
import http.client
import io
import os
import re
from collections.abc import Mapping
from pathlib import Path

import httpx
import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.async_api import Page, expect

from tests.browser.demo_page import wait_in
from tests.browser.media import BLOCK, align, envelope
from tests.browser.server import ROOT, DemoServer
from tests.support.speech import trimmed

__all__ = ["MARKS", "PATIENCE", "SCREEN", "Demo", "DemoTab", "Program"]

PATIENCE = 40_000  # ms; connecting takes 0.3 s here, but the machine may be busy
SCREEN = {"width": 1000, "height": 760}
"""The window, in pixels; what the gallery shows is as wide."""

MARKS = [
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.browser,
    pytest.mark.external("chromium"),
]
"""Marks of a module whose tests open pages: ``pytestmark = MARKS``."""


class Program(DemoServer):
    """A program with a page at `/`, in a process of its own."""

    def components(self) -> set[str]:
        """The kinds of components on its page, which is Gradio's."""
        config = httpx.get(f"{self.url}/config", timeout=PATIENCE / 1000).raise_for_status().json()
        return {component["type"] for component in config["components"]}

    def _answers(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request("GET", "/")
            return connection.getresponse().status < 500
        except OSError:
            return False
        finally:
            connection.close()


class Demo(Program):
    """A demo, on a free port of this machine.

    Args:
        name: The name of its folder below `demo`.
        log: The file that takes what it writes.
        variables: More of its environment: keys and addresses of services, `MODE`.
    """

    def __init__(self, name: str, log: Path, variables: Mapping[str, str]) -> None:
        super().__init__(log, ROOT / "demo" / name / "app.py", variables=variables)


class DemoTab:
    """A demo's page in a browser, its own or Gradio's."""

    def __init__(self, page: Page) -> None:
        self.page = page

    async def press(self, name: str) -> None:
        """Press the button, which has this name now."""
        button = self.page.get_by_role("button", name=name, exact=True).first
        await button.click(timeout=PATIENCE)

    async def start(self, name: str = "Start") -> None:
        """Press the button that starts, and wait for the connection."""
        await self.press(name)
        await self.wait_for("window.peers.at(-1)?.connectionState === 'connected'")

    async def wait_for(self, expression: str) -> None:
        """Wait until the expression is true in the page; it may be async."""
        await wait_in(self.page, expression, within=PATIENCE / 1000)

    async def shows(self, text: str | re.Pattern[str]) -> None:
        """Wait until the page shows a text; the case matters in patterns only."""
        await expect(self.page.get_by_text(text).first).to_be_visible(timeout=PATIENCE)

    async def heard(self, seconds: float = 20.0) -> NDArray[np.int16]:
        """The last seconds of sound that came: mono, 48 kHz, shape `(n,)`."""
        text = await self.page.evaluate("seconds => heard(seconds)", seconds)
        return np.frombuffer(base64.b64decode(text), "<i2").astype(np.int16)

    async def hears(self, spoken: NDArray[np.int16], likeness: float = 0.75) -> None:
        """Wait until a sound (48 kHz) has come, known by its loudness.

        The waveform would not do: the browser takes noise out of what its microphone hears.
        """
        wanted, best = envelope(trimmed(spoken)), 0.0
        for _ in range(PATIENCE // 500):
            heard = envelope(await self.heard(len(wanted) * BLOCK + 5))
            best = max(best, align(wanted, heard)[1]) if len(heard) > len(wanted) else best
            if best >= likeness:
                return
            await asyncio.sleep(0.5)
        raise AssertionError(f"it was not heard: at best {best:.2f} like it")

    async def sees_video(self, frames: int = 10) -> None:
        """Wait until so many more pictures have come and been decoded."""
        count = """async () => [...(await peers.at(-1).getStats()).values()]
            .find((one) => one.type === "inbound-rtp" && one.kind === "video")
            ?.framesDecoded ?? 0"""
        before = await self.page.evaluate(count)
        await self.wait_for(f"async () => await ({count})() >= {before + frames}")

    async def picture(self, name: str) -> None:
        """Save what the page shows as `name.png`, if `FASTRTC_SCREENS` names a folder."""
        if folder := os.environ.get("FASTRTC_SCREENS"):
            await asyncio.sleep(1.0)  # until there is more to see: meters, statistics
            _save(await self.page.screenshot(), Path(folder, f"{name}.png"))


def _save(screenshot: bytes, path: Path) -> None:
    """As a PNG of 256 colours, which is small enough for a page of many."""
    from PIL import Image

    path.parent.mkdir(parents=True, exist_ok=True)
    Image.open(io.BytesIO(screenshot)).convert("RGB").quantize(256).save(path, optimize=True)
