"""The agent with tools, against a stand-in of the service."""

from collections.abc import Callable

from tests.demos.running import MARKS
from tests.demos.stand_ins.openai_chat import Call, openai_service
from tests.demos.voices import hears
from tests.support.speech import recorded_prompt

pytestmark = MARKS

ANSWER = "You have to see the dentist in the morning, and in the evening there is the choir."


async def test_it_looks_things_up_before_it_answers(
    start_demo: Callable, open_page: Callable
) -> None:
    with openai_service() as service:
        service.replies = [
            [Call(name, {"day": "monday"}) for name in ("look_into_calendar", "forecast_weather")],
            [ANSWER],
        ]
        demo = start_demo("agent_with_tools", **service.variables, STT="pocketsphinx", TTS="espeak")
        page = await open_page(demo.url, says=recorded_prompt("digits/day-1"))
        await page.start()
        await hears(page, ANSWER)
        await page.shows(ANSWER)
        await page.shows('🛠️ look_into_calendar {"day": "monday"}')
        await page.picture("agent_with_tools")
    first, second = service.chats
    assert {tool.function.name for tool in first.tools} == {
        "look_into_calendar",
        "forecast_weather",
    }
    assert [message.content for message in second.messages[-2:]] == [
        '["9:30 dentist", "18:00 choir"]',
        '{"sky": "sunny", "celsius": 15}',
    ]
