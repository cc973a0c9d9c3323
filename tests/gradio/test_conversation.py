"""What a page says when it asks for the microphone, and while its user talks."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Playwright, expect

from tests.gradio.conftest import FLAGS, RATE
from tests.gradio.marks import MARKS
from tests.gradio.server import PageServer
from tests.gradio.stream_page import PATIENCE, StreamPage
from tests.support.programs import require_program
from tests.support.speech import recorded_prompt, spaced, trimmed, write_wav

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
    await page.press("Connection details")
    # It is said over and over: on a machine that was too slow for it there is a next time.
    await page.page.wait_for_function(WENT_THROUGH, arg=TURNS, timeout=4 * PATIENCE)
    await has_captions(page)
    figure = re.compile(r"Last answer after\d+ ms")
    await expect(page.drawer("Connection")).to_contain_text(figure)
    await has_turns(page)
    recording = page.page.locator(".frtc-recording")
    await expect(recording).to_have_text("Recording")
    await page.stop()
    await expect(recording).to_have_text("No longer recording")


async def has_captions(page: StreamPage) -> None:
    """Each text is there as it was heard, and can be hidden."""
    captions = page.page.get_by_role("log", name="Captions")
    for text in (
        "You Goodbye",
        "Assistant One hum. Another hum. – (interrupted)",
        "Assistant One hum. Another hum. The last hum.",
    ):
        await expect(captions.locator("p", has_text=text).first).to_be_visible()
    await expect(captions.locator("[aria-hidden=true]", has_text="Good")).to_have_count(0)
    await page.press("Hide captions")
    await expect(captions).to_be_hidden()
    await page.press("Show captions")
    await expect(captions).to_be_visible()


async def has_turns(page: StreamPage) -> None:
    """The last turns have strips, which the keyboard reaches."""
    turns = page.page.get_by_role("listbox", name="Turns, newest first").get_by_role("option")
    answered = re.compile(r"^Turn \d+: answered after 0\.\d\d s, ended by a pause")
    await expect(turns.and_(page.page.get_by_label(answered)).first).to_be_visible()
    interrupted = turns.and_(page.page.get_by_label(re.compile("interrupted after")))
    await expect(interrupted.first).to_be_visible()
    await turns.first.focus()
    await page.page.keyboard.press("End")
    await expect(turns.last).to_be_focused()
    await expect(page.page.locator(".frtc-turn-title")).to_contain_text("Turn 1")


async def test_no_camera(server: PageServer, open_page, talking_chromium: Browser) -> None:
    page = await open_page(f"{server.url}/video/send", talking_chromium)
    await page.page.context.grant_permissions(["camera"])
    await page.main.click()
    await page.is_in("failed")
    await page.says("No camera was found. Connect one and try again.")


# With a word in between that is too short for an interruption.
PAUSES = [
    *("Hearing you", "Waiting for you to finish", "Thinking", "Assistant is speaking"),
    *("Assistant has paused, listening to you", "Assistant goes on", "Assistant is speaking"),
    *("Assistant has paused, listening to you", "Interrupted", "Waiting for you to finish"),
]


@pytest_asyncio.fixture(loop_scope="session")
async def hesitant_chromium(playwright: Playwright, tmp_path: Path) -> AsyncIterator[Browser]:
    """Chromium whose user asks, makes a short sound during the answer, and then interrupts it."""
    question, objection = (
        trimmed(recorded_prompt(name, RATE)) for name in ("vm-goodbye", "one-moment-please")
    )
    said = spaced(1.0, question, 3.5, objection[: RATE // 4], 3.5, objection, 14.0, rate=RATE)
    started = await playwright.chromium.launch(
        executable_path=require_program("chromium"),
        args=[
            *FLAGS,
            "--use-fake-ui-for-media-stream",
            "--use-fake-device-for-media-stream",
            f"--use-file-for-fake-audio-capture={write_wav(tmp_path / 'voice.wav', RATE, said)}",
        ],
    )
    yield started
    await started.close()


async def test_a_reply_that_pauses(server: PageServer, open_page, hesitant_chromium) -> None:
    page = await open_page(f"{server.url}/pauses", hesitant_chromium)
    await page.watch()
    await page.start()
    # As above, there is a next time for a machine that was too slow.
    await page.page.wait_for_function(WENT_THROUGH, arg=PAUSES, timeout=4 * PATIENCE)
    await page.stop()
