"""Talking to Claude, against a stand-in of the service."""

from collections.abc import Callable

from tests.demos.running import MARKS
from tests.demos.stand_ins.anthropic_messages import anthropic_service
from tests.demos.voices import hears
from tests.support.speech import recorded_prompt

pytestmark = MARKS

FIRST = "Monday is the day of the moon. Its name says so."
SECOND = "You said that before, and the answer is the same."


async def test_it_answers_and_remembers(start_demo: Callable, open_page: Callable) -> None:
    with anthropic_service() as service:
        service.replies = [FIRST] + [SECOND] * 9  # a slow page hears more turns
        demo = start_demo("talk_to_claude", **service.variables, STT="pocketsphinx", TTS="espeak")
        page = await open_page(demo.url, says=recorded_prompt("digits/day-1"), again=6.0)
        await page.start()
        await hears(page, "Monday is the day of the moon.")
        await page.shows(FIRST)
        await hears(page, SECOND)
        await page.shows(SECOND)
        await page.picture("talk_to_claude")
        await page.press("Stop")
    turns = [(message.role, message.content) for message in service.requests[1].messages]
    assert turns == [("user", "monday"), ("assistant", FIRST), ("user", "monday")]
    assert not service.refusals
