"""A browser context that tests share, reset after each of them."""

import asyncio
from collections.abc import Awaitable, Sequence

from playwright.async_api import Browser, BrowserContext, Page

from tests.gradio.stream_page import KEEP_PEERS

__all__ = ["WINDOW", "SharedContext", "finish_all"]

WINDOW = {"width": 1200, "height": 900}


class SharedContext:
    """A browser context in which each test opens tabs; reduced motion saves CPU time.

    An idle tab keeps the renderer process alive (Chromium runs with `--process-per-site`), with
    what it has loaded of Gradio: the next page takes a third of the CPU time of one in a new
    process. All tabs share the main thread of that process, so one that is stuck blocks the others;
    then `reset` creates a new context, which has a process of its own.

    Args:
        browser: Chromium.
        timeout_s: How long each step of `reset` may take, in seconds.

    Attributes:
        context: The browser context; another one after a `reset` with failures.
        timeout_s: As given.
    """

    context: BrowserContext
    _idle: Page

    def __init__(self, browser: Browser, timeout_s: float = 10.0) -> None:
        self._browser = browser
        self.timeout_s = timeout_s

    async def open(self) -> None:
        """Create the context and its idle tab."""
        self.context = await self._browser.new_context(viewport=WINDOW, reduced_motion="reduce")
        await self.context.add_init_script(KEEP_PEERS)
        self._idle = await self.context.new_page()
        await self._idle.route("**/*", lambda route: route.fulfill(body="An idle tab."))
        await self._idle.goto("http://127.0.0.1/")
        await self._idle.unroute_all()

    async def close(self) -> None:
        await self.context.close()

    async def reset(self) -> list[str]:
        """Close the tabs, and remove cookies, permissions and the local storage of their origins.

        Returns:
            What failed; if anything did, there is a new context.
        """
        tabs = [page for page in self.context.pages if page is not self._idle]
        failures = await finish_all([(page.url, page.close()) for page in tabs], self.timeout_s)
        steps = [
            ("clear cookies", self.context.clear_cookies()),
            ("clear permissions", self.context.clear_permissions()),
            ("clear local storage", self._clear_local_storage()),
            ("main thread", self._idle.evaluate("1")),
        ]
        failures += await finish_all(steps, self.timeout_s)
        if failures:
            failures += await finish_all([("close context", self.close())], self.timeout_s)
            await self.open()
        return failures

    async def _clear_local_storage(self) -> None:
        devtools = await self.context.new_cdp_session(self._idle)
        everything = {"origin": "*", "storageTypes": "local_storage"}
        await devtools.send("Storage.clearDataForOrigin", everything)
        await devtools.detach()


async def finish_all(steps: Sequence[tuple[str, Awaitable[object]]], timeout_s: float) -> list[str]:
    """Await named steps at once, and describe those that failed or took longer than a timeout."""
    limited = (asyncio.wait_for(step, timeout_s) for _, step in steps)
    results = await asyncio.gather(*limited, return_exceptions=True)
    return [
        f"{name}: {result!r}"
        for (name, _), result in zip(steps, results, strict=True)
        if isinstance(result, Exception)
    ]
