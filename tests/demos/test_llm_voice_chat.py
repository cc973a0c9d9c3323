"""The LLM voice chat, against a stand-in of the service."""

import threading
from collections.abc import Callable

from tests.demos.running import MARKS
from tests.demos.stand_ins.openai_chat import openai_service
from tests.demos.voices import hears
from tests.support.speech import recorded_prompt

pytestmark = MARKS

FIRST = "After Monday comes Tuesday."
SECOND = "Do not forget what you wanted to do on Wednesday!"


async def test_it_answers_while_the_model_still_writes(
    start_demo: Callable, open_page: Callable
) -> None:
    first_was_heard = threading.Event()
    with openai_service() as service:
        service.replies = [[f"{FIRST} ", first_was_heard, SECOND]]
        demo = start_demo("llm_voice_chat", **service.variables, STT="pocketsphinx", TTS="espeak")
        page = await open_page(demo.url, says=recorded_prompt("digits/day-1"))
        await page.start()
        await page.shows("monday")
        await hears(page, FIRST)
        first_was_heard.set()
        await hears(page, SECOND)
        await page.shows(f"{FIRST} {SECOND}")
        await page.picture("llm_voice_chat")
    (asked,) = service.chats
    assert asked.stream
    assert [message.role for message in asked.messages] == ["system", "user"]
    assert asked.messages[1].content == "monday"
