"""A demo page as a person sees it: its button, its state, what it plays and shows."""

import asyncio
import base64
import re
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from playwright.async_api import Locator, Page, expect

__all__ = ["DemoPage", "Recording", "wait_in"]

HERE = Path(__file__).parent
PATIENCE = 30_000  # ms; connecting takes 0.2 s here, but the machine may be busy

# Counts the requests for devices; the page's own are passed on.
COUNT_REQUESTS = """
    window.deviceRequests = 0;
    const devices = navigator.mediaDevices; // a page like about:blank has none
    const original = devices?.getUserMedia;
    if (devices) devices.getUserMedia = function (...asked) {
      window.deviceRequests += 1;
      return original.apply(this, asked);
    };
"""


async def wait_in(
    page: Page, expression: str, argument: Any = None, *, within: float = PATIENCE / 1000
) -> Any:
    """Wait until an expression is true in a page, and give it; it may be async.

    To Playwright's own `wait_for_function` every promise is true at once.
    """
    until = time.monotonic() + within
    while not (found := await page.evaluate(expression, argument)):
        assert time.monotonic() < until, f"in vain: {expression}"
        await asyncio.sleep(0.1)
    return found


class Recording:
    """Sound that a page sent or received.

    Attributes:
        begin: When it begins, in seconds on the clock that all recordings of a page share.
        samples: Mono at 48 kHz, shape ``(n,)``.
    """

    def __init__(self, first: int, text: str) -> None:
        self.begin = first / 48_000
        self.samples: NDArray[np.int16] = np.frombuffer(base64.b64decode(text), "<i2")


class DemoPage:
    def __init__(self, page: Page) -> None:
        self.page = page

    async def open(self, address: str) -> None:
        await self.page.add_init_script(COUNT_REQUESTS)
        await self.page.goto(address)
        await self.page.wait_for_function("window.demo")
        await self.page.evaluate((HERE / "pictures.js").read_text())

    async def record(self) -> None:
        """Keep the sound from now on."""
        await self.page.evaluate(f"({(HERE / 'recorder.js').read_text().strip().rstrip(';')})()")

    def button(self, name: str) -> Locator:
        return self.page.get_by_role("button", name=name, exact=True)

    async def press(self, name: str) -> None:
        """Press the button, which has this name now."""
        await self.button(name).click(timeout=PATIENCE)

    async def wait_for_state(self, state: str) -> None:
        await expect(self.page.locator(".demo")).to_have_attribute(
            "data-state", state, timeout=PATIENCE
        )

    async def connect(self, name: str = "Start") -> None:
        await self.press(name)
        await self.wait_for_state("connected")
        await expect(self.page.get_by_role("status")).to_have_text("Connected")

    async def wait_for(self, expression: str, argument: Any = None) -> Any:
        """Wait until the expression is true in the page; it may be async."""
        return await wait_in(self.page, expression, argument)

    async def wait_for_alert(self, text: str) -> None:
        await expect(self.page.get_by_role("alert")).to_contain_text(
            re.compile(text), timeout=PATIENCE
        )

    async def recording(self, name: str, seconds: float) -> Recording:
        """Wait for so much sound of "local" or "remote", and take it."""
        await self.wait_for("([name, s]) => recorder.seconds(name) >= s", [name, seconds])
        return Recording(*await self.page.evaluate("name => recorder.take(name)", name))

    async def late_sound(self) -> float:
        """How many seconds of sound the browser had to invent, because it came too late."""
        concealed = await self.page.evaluate(
            """async () => {
              const all = [...(await demo.client.peer.getStats()).values()];
              const sound = (one) => one.type === "inbound-rtp" && one.kind === "audio";
              return all.find(sound).concealedSamples;
            }"""
        )
        return concealed / 48_000
