"""Pages of a Chromium with the JavaScript client, steered over stdin; see `page.html`.

{"do": "open", "url": "http://127.0.0.1:8000", "count": 4}
    opens pages that talk all the time, and returns the processes that have their connections
{"do": "listen"}   forgets the gaps so far
{"do": "heard"}    describes what each page has heard: its state, its longest gap, after which
    silences it heard something over a new connection, and how late it asked the browser at most
{"do": "owners"}   returns the processes that have the connections now
"""

from __future__ import annotations

import asyncio
from typing import Any

from playwright.async_api import Browser, Page, async_playwright

from tests.support.commands import answer_requests
from tests.support.programs import require_program

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--autoplay-policy=no-user-gesture-required",
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
    "--disable-background-timer-throttling",
    "--disable-renderer-backgrounding",
)


class _Pages:
    """The pages of this process."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._pages: list[Page] = []

    async def open(self, url: str, count: int) -> Any:
        for _ in range(count):
            page = await self._browser.new_page()
            await page.goto(f"{url}/page")
            await page.wait_for_function("window.ready")
            assert await page.evaluate("start()"), await page.evaluate("heard()")
            self._pages.append(page)
        return await self.owners()

    async def listen(self) -> str:
        for page in self._pages:
            await page.evaluate("listen()")
        return "listening"

    async def heard(self) -> Any:
        return [await page.evaluate("heard()") for page in self._pages]

    async def owners(self) -> Any:
        return [await page.evaluate("owner()") for page in self._pages]


async def _main() -> None:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=require_program("chromium"), args=list(FLAGS)
        )
        await answer_requests(_Pages(browser))
        await browser.close()


if __name__ == "__main__":
    asyncio.run(_main())
