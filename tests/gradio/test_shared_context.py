"""The browser context that the tests of pages share: no page leaves anything for the next test."""

from collections.abc import AsyncIterator

import pytest_asyncio
from playwright.async_api import Browser, Page

from tests.gradio.marks import MARKS
from tests.gradio.shared_context import SharedContext

pytestmark = MARKS

PAGE = "http://127.0.0.1:8/"


@pytest_asyncio.fixture(loop_scope="session")
async def shared(chromium: Browser) -> AsyncIterator[SharedContext]:
    shared = SharedContext(chromium)
    await shared.open()
    yield shared
    await shared.close()


async def new_page(shared: SharedContext) -> Page:
    page = await shared.context.new_page()
    await page.route("**/*", lambda route: route.fulfill(body="A page."))
    await page.goto(PAGE)
    return page


async def test_reset_leaves_no_tab_cookie_permission_or_storage(shared: SharedContext) -> None:
    context = shared.context
    page = await new_page(shared)
    await context.grant_permissions(["geolocation"])
    await page.evaluate("localStorage.captions = document.cookie = 'kept=1'")
    assert await shared.reset() == []
    assert shared.context is context and len(context.pages) == 1

    page = await new_page(shared)
    left = await page.evaluate("[localStorage.length, document.cookie]")
    assert left == [0, ""]
    query = "navigator.permissions.query({ name: 'geolocation' }).then(({ state }) => state)"
    assert await page.evaluate(query) != "granted"


async def test_reset_after_an_endless_loop_creates_a_new_context(shared: SharedContext) -> None:
    stuck = shared.context
    shared.timeout_s = 2.0
    page = await new_page(shared)
    await page.evaluate("setTimeout(() => { while (true); })")
    failures = await shared.reset()
    assert any("main thread: TimeoutError" in one for one in failures), failures
    assert shared.context is not stuck

    page = await new_page(shared)
    assert await page.evaluate("1 + 1") == 2
