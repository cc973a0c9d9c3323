"""What is said comes back at once."""

from tests.demos.running import MARKS
from tests.support.speech import recorded_prompt

pytestmark = MARKS


async def test_the_voice_comes_back(start_demo, open_page) -> None:
    goodbye = recorded_prompt("vm-goodbye")
    demo = start_demo("audio_echo")
    page = await open_page(demo.url, says=goodbye, again=1.0)
    await page.start()
    await page.hears(goodbye)
    await page.picture("audio_echo")
