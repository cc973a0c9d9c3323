"""`demo/pipecat_client`: pipecat's JavaScript client, unchanged, in Chromium."""

import base64
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.async_api import expect

from tests.browser.server import ROOT
from tests.demos.running import MARKS, PATIENCE
from tests.support.npm import INSTALL, npm
from tests.support.speech import recorded_prompt

FRONTEND = ROOT / "demo" / "pipecat_client" / "frontend"
SPEAKING = Path(__file__).with_name("speaking.js").read_text()

pytestmark = [*MARKS, pytest.mark.external("recorded-voices", "npm")]

EVENTS = """() => {
    window.told = [];
    for (const [name, event] of Object.entries(RTVIEvent))
        client.on(event, (data) => told.push([name, data]));
    client.on(RTVIEvent.BotStartedSpeaking, say); // which interrupts each reply
}"""

EXPECTED = {
    *("BotReady", "UserStartedSpeaking", "UserStoppedSpeaking", "UserTranscript", "BotOutput"),
    *("BotTranscript", "BotStartedSpeaking", "BotStoppedSpeaking", "Metrics", "MessageError"),
    *("LLMFunctionCallStarted", "LLMFunctionCallInProgress", "LLMFunctionCallStopped"),
}

INTERRUPTED = "document.querySelector('li.bot.cut') !== null"

WITHOUT_TOKEN = """() => client
    .connect({ webrtcRequestParams: { endpoint: new URL("api/offer", location.href).href } })
    .then(() => 0, (error) => error.status)"""


def build() -> None:
    """Install what the lock file says, unless it is there, and bundle the page."""
    installed = FRONTEND / "node_modules" / ".package-lock.json"
    wanted = FRONTEND / "package-lock.json"
    if not installed.exists() or installed.stat().st_mtime < wanted.stat().st_mtime:
        npm(FRONTEND, "ci", *INSTALL)
    npm(FRONTEND, "run", "build")


@pytest.mark.timeout(240)
async def test_it_converses_interrupts_calls_a_function_and_exchanges_messages(
    start_demo: Callable, open_page: Callable
) -> None:
    build()
    demo = start_demo("pipecat_client")
    page = await open_page(demo.url)
    monday = base64.b64encode(recorded_prompt("digits/day-1").tobytes()).decode()
    await page.page.evaluate(SPEAKING, monday)
    await page.page.evaluate(EVENTS)
    await page.start()
    await page.shows("Connected, RTVI 2.1.0")
    await page.page.evaluate("say()")
    lines = page.page.get_by_role("list", name="Conversation").get_by_role("listitem")
    await expect(lines.nth(0)).to_have_text("You: monday", timeout=PATIENCE)
    await expect(lines.nth(1)).to_contain_text("Bot: On monday you have the dentist.")
    today = page.page.locator("#week [aria-current]")
    await expect(today).to_have_text("monday the dentist")  # a function of the page showed it
    await page.picture("pipecat_client")
    await page.wait_for(INTERRUPTED)
    refused = await page.page.evaluate(
        "() => client.sendClientRequest('unknown', 1).catch((error) => error.data.error)"
    )
    assert "There is no method 'unknown'" in refused
    assert await page.page.evaluate("() => client.sendClientRequest('count_turns', null)") >= 1
    await page.wait_for(f"{sorted(EXPECTED)}.every((one) => told.some(([name]) => name === one))")
    told = await page.page.evaluate("told")
    (called, *_) = [data for name, data in told if name == "LLMFunctionCallStopped"]
    assert (called["function_name"], called["result"]) == ("show_day", "the dentist")
    await page.press("Stop")
    await page.shows("Stopped")
    assert await page.page.evaluate(WITHOUT_TOKEN) == 401
