"""The page that every stream has."""

from tests.demos.running import MARKS
from tests.support.speech import recorded_prompt

pytestmark = MARKS


async def test_what_was_said_is_said_again(start_demo, open_page) -> None:
    goodbye = recorded_prompt("vm-goodbye")
    demo = start_demo("ui_echo")
    page = await open_page(demo.url, says=goodbye, again=3.0)
    await page.start()
    await page.hears(goodbye)
    await page.picture("ui_echo")
