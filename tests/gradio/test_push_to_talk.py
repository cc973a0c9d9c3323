"""Push-to-talk: the user holds a button, or the space bar, to talk."""

import asyncio
import re
import time

from playwright.async_api import expect

from tests.gradio.marks import MARKS
from tests.gradio.server import PageServer
from tests.gradio.stream_page import StreamPage

pytestmark = MARKS

AS_LONG = 0.3  # s; the difference between a button and the audio of its turn


async def answered(page: StreamPage, turns: int) -> None:
    """Wait for the answers to so many turns."""
    await page.page.wait_for_function(
        "turns => seen.statuses.filter((one) => one === 'Assistant is speaking').length >= turns",
        arg=turns,
    )


async def test_push_to_talk(server: PageServer, open_page) -> None:
    page = await open_page(f"{server.url}/push-to-talk")
    await page.watch()
    talk = page.page.locator(".frtc-talk")
    keys = page.page.keyboard
    await expect(talk).to_be_hidden()
    await page.start()
    await expect(talk).to_be_visible()
    await expect(page.status).to_have_text("Your turn")
    await expect(talk).to_be_focused()  # after Start, whose space bar would stop
    await expect(page.page.get_by_role("button", name="Mute microphone")).to_be_hidden()
    await asyncio.sleep(2)  # the microphone beeps
    assert "Hearing you" not in await page.seen("statuses")

    # The button, held with the mouse.
    began = time.monotonic()
    await talk.hover()
    await page.page.mouse.down()
    await expect(page.status).to_have_text("Hearing you")
    await expect(talk).to_have_attribute("aria-pressed", "true")
    await expect(talk).to_have_text("Release to send")
    await asyncio.sleep(1.5)
    await page.page.mouse.up()
    lasted = time.monotonic() - began
    await expect(talk).to_have_attribute("aria-pressed", "false")
    await answered(page, 1)
    field = page.input("Held")
    await expect(field).to_have_value(re.compile(r"[1-9]"))
    assert 1.5 - AS_LONG < float(await field.input_value()) < lasted + AS_LONG

    # The space bar, which interrupts; wherever the focus is, but in the text field.
    await page.page.locator("h1").first.click()
    await keys.down("Space")
    await page.page.wait_for_function(
        "() => ['Interrupted', 'Hearing you'].includes(seen.statuses.at(-1))"
    )
    await asyncio.sleep(1)
    await keys.up("Space")
    await answered(page, 2)
    field = page.page.get_by_role("textbox", name="Message")
    await field.click()
    await keys.type("a b")
    await expect(field).to_have_value("a b")
    await expect(talk).to_have_attribute("aria-pressed", "false")
    await field.fill("")

    # A tap begins, and Escape discards.
    await expect(page.status).to_have_text("Your turn")
    answers = (await page.seen("statuses")).count("Thinking")
    await talk.click()
    await expect(talk).to_have_text("Press to send")
    await asyncio.sleep(1)
    await keys.press("Escape")
    await expect(page.status).to_have_text("Your turn")
    await asyncio.sleep(1)
    assert (await page.seen("statuses")).count("Thinking") == answers

    # Taps with the keyboard, as a screen reader's.
    await talk.focus()
    await keys.press("Enter")
    await expect(talk).to_have_attribute("aria-pressed", "true")
    await asyncio.sleep(1)
    await keys.press("Enter")
    await answered(page, 3)
    await page.stop()
    await expect(talk).to_be_hidden()
