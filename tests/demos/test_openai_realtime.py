"""`demo/openai_realtime`, with a stand-in of the service on this machine."""

import pytest
from playwright.async_api import expect

from tests.demos.running import MARKS, PATIENCE
from tests.demos.stand_ins.openai_realtime import KEY, RATE, Answer, openai_realtime
from tests.demos.voices import hears_sound
from tests.support.speech import find_in, recorded_prompt, spaced, trimmed

pytestmark = [*MARKS, pytest.mark.external("recorded-voices")]


def voice(name: str, rate: int = 48_000):
    return trimmed(recorded_prompt(name, rate), rate)


async def test_it_answers_is_interrupted_and_shows_what_was_said(start_demo, open_page):
    hello, moment = voice("hello-world"), voice("one-moment-please")
    long = Answer("Hello world.", "Congratulations!", voice("demo-congrats", RATE))
    short = Answer("One moment, please.", "Thank you.", voice("auth-thankyou", RATE))
    async with openai_realtime(long, short) as service:
        demo = start_demo("openai_realtime", OPENAI_API_KEY=KEY, OPENAI_BASE_URL=service.url)
        page = await open_page(demo.url, says=spaced(hello, 2.0, moment))
        await page.start()
        await hears_sound(page, voice("demo-congrats")[:36_000])
        await hears_sound(page, voice("auth-thankyou"))
        chat = page.page.get_by_role("list", name="Chat").get_by_role("listitem")
        said = ["Hello world.", "Congratulations!", "One moment, please.", "Thank you."]
        await expect(chat).to_have_text(said, timeout=PATIENCE)
        await page.picture("openai_realtime")
        await page.press("Stop")
        await page.shows("Stopped")

    (session,) = service.sessions
    assert not service.refused
    for spoken in ("hello-world", "one-moment-please"):
        assert find_in(session.ear.samples, voice(spoken, RATE)).likeness > 0.5
    ((item, heard_ms),) = session.truncated.items()
    assert 500 < heard_ms < 20_000, item  # of 30 s


async def test_it_says_that_it_has_no_key(start_demo, open_page):
    demo = start_demo("openai_realtime", OPENAI_API_KEY="")
    page = await open_page(demo.url)
    await page.press("Start")
    await page.shows("Set OPENAI_API_KEY")
    assert "WebRTCError" in demo.complaints()  # in the log, once
