"""Calls from applications outside the workspace, which are built with the packed packages."""

import re
import signal
from collections.abc import Awaitable, Callable

import httpx
import pytest
from playwright.async_api import expect

from tests.demos.running import MARKS, PATIENCE, DemoTab, Program
from tests.support.npm import BUILD_WITHIN
from tests.support.speech import recorded_prompt

pytestmark = [
    *MARKS,
    pytest.mark.external("recorded-voices", "npm"),
    pytest.mark.timeout(2 * BUILD_WITHIN),  # the first test builds the applications
]

SPOKEN = recorded_prompt("digits/day-1")
WITHOUT_UDP = "--webrtc-ip-handling-policy=disable_non_proxied_udp"
WATCH = """() => {
  window.lost = false;
  stream.connection.on("state", ({ state }) => (lost ||= state === "reconnecting"));
  return stream.id;
}"""


async def exchange(page: DemoTab) -> int:
    """Have the program call the page and the page the program; return the number of turns."""
    await page.shows("Turn 1")  # which the program has called the page for
    await page.shows("The page shows turn 1.")  # its result, back from the program
    return await count(page)


async def count(page: DemoTab) -> int:
    await page.press("Count the turns")
    counted = page.page.locator("output")
    await expect(counted).to_have_text(re.compile(r"\d+ counted"), timeout=PATIENCE)
    return int((await counted.inner_text()).split()[0])


async def resumed(page: DemoTab, turns: int, lose: Callable[[], Awaitable[object]]) -> None:
    """Lose the connection, and wait until the same session has gone on."""
    before = await page.page.evaluate(WATCH)
    await lose()
    await page.wait_for("lost && stream.state === 'connected'")
    assert await page.page.evaluate("stream.id") == before
    await page.shows(f"Turn {turns + 1}")
    assert await count(page) > turns


async def test_react_18_in_vite_over_webrtc(server: Program, open_page: Callable) -> None:
    async def stall() -> None:
        server.process.send_signal(signal.SIGSTOP)
        await page.wait_for("stream.reconnecting?.attempt")
        server.process.send_signal(signal.SIGCONT)

    page = await open_page(f"{server.url}/vite/", says=SPOKEN, again=4.0)
    await page.start()
    await page.hears(SPOKEN)
    turns = await exchange(page)
    await resumed(page, turns, stall)
    await page.press("Stop")
    await page.wait_for("stream.state === 'stopped'")


async def test_react_19_in_next_over_a_websocket(server: Program, open_page: Callable) -> None:
    async def cut() -> None:
        async with httpx.AsyncClient() as client:
            await client.post(f"{server.url}/cut")

    page = await open_page(f"{server.url}/next/", says=SPOKEN, again=4.0, flags=[WITHOUT_UDP])
    await page.press("Start")
    await page.wait_for("stream.state === 'connected'")
    assert await page.page.evaluate("stream.transport") == "websocket"
    await page.wait_for("stream.levels.remote.level() > -40")
    turns = await exchange(page)
    await resumed(page, turns, cut)
    await page.press("Stop")
    await page.wait_for("stream.state === 'stopped'")
