"""A day is said, and the one after it is answered."""

import pytest

from tests.demos.running import MARKS
from tests.support.speech import recorded_prompt, spaced, speech

pytestmark = [*MARKS, pytest.mark.external("espeak-ng", "recorded-voices")]


async def test_after_monday_comes_tuesday(start_demo, open_page) -> None:
    demo = start_demo("offline_assistant")
    monday = recorded_prompt("digits/day-1")
    # It greets first, and whoever speaks meanwhile interrupts it
    page = await open_page(demo.url, says=spaced(2.0, monday), again=4.0)
    await page.start()
    await page.hears(speech("After monday comes tuesday."))
    captions = page.page.get_by_role("log", name="Captions").get_by_role("listitem")
    texts = await captions.all_inner_texts()
    assert texts[-2:] == ["monday", "After monday comes tuesday."]
    await page.picture("offline_assistant")
