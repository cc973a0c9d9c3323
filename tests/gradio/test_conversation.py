"""Somebody who is asked for the microphone, and then talks: what the page says to that."""

import re

import pytest
from playwright.async_api import Browser, expect

from tests.gradio.marks import MARKS
from tests.gradio.server import PageServer
from tests.gradio.stream_page import PATIENCE

pytestmark = [*MARKS, pytest.mark.external("recorded-voices"), pytest.mark.timeout(240)]

TURNS = [
    *("Hearing you", "Thinking", "Assistant is speaking", "Interrupted"),
    *("Thinking", "Assistant is speaking", "Listening"),
]

# "Interrupted" becomes "Hearing you" if the objection is a long one.
WENT_THROUGH = """turns => seen.statuses.join()
    .replaceAll("Interrupted,Hearing you", "Interrupted").includes(turns.join())"""


async def test_a_conversation(server: PageServer, open_page, talking_chromium: Browser) -> None:
    page = await open_page(f"{server.url}/conversation", talking_chromium)
    await page.watch()
    await page.main.click()
    await page.is_in("failed")
    await page.says("This page may not use the microphone. Allow it in the browser")

    await page.page.context.grant_permissions(["microphone"])
    await page.start()
    # It is said over and over: on a machine that was too slow for it there is a next time.
    await page.page.wait_for_function(WENT_THROUGH, arg=TURNS, timeout=4 * PATIENCE)
    await page.press("Connection details")
    figure = re.compile(r"Last answer after\d+ ms")
    await expect(page.drawer("Connection")).to_contain_text(figure)
    await page.stop()


async def test_no_camera(server: PageServer, open_page, talking_chromium: Browser) -> None:
    page = await open_page(f"{server.url}/video/send", talking_chromium)
    await page.page.context.grant_permissions(["camera"])
    await page.main.click()
    await page.is_in("failed")
    await page.says("No camera was found. Connect one and try again.")
