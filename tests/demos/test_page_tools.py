"""The tools of the page, against a stand-in of the service, over both transports."""

from collections.abc import Callable

import pytest

from tests.demos.running import MARKS
from tests.demos.stand_ins.openai_chat import Call, openai_service
from tests.support.speech import recorded_prompt

pytestmark = MARKS

ANSWER = "You have to see the dentist in the morning, and in the evening there is the choir."


@pytest.mark.parametrize("transport", ["webrtc", "websocket"])
async def test_the_model_calls_a_function_of_the_page(
    start_demo: Callable, open_page: Callable, transport: str
) -> None:
    with openai_service() as service:
        service.replies = [[Call("show_day", {"day": "monday"})], [ANSWER]]
        demo = start_demo("page_tools", **service.variables, STT="pocketsphinx", TTS="espeak")
        address = f"{demo.url}/?transport={transport}"
        page = await open_page(address, says=recorded_prompt("digits/day-1"))
        await page.press("Start")
        await page.shows("connected")
        await page.shows("You: monday")
        await page.shows(f"Assistant, turn 1: {ANSWER}")
        await page.wait_for("document.querySelector('[aria-current]').innerText.includes('choir')")
        if transport == "webrtc":
            await page.picture("page_tools")
    first, second = service.chats
    system = first.messages[0].content
    assert system.startswith("You are the assistant of Ada") and "time zone" in system
    assert "None" not in system  # the metadata of the page
    assert second.messages[-1].content == '["9:30 dentist", "18:00 choir"]'
