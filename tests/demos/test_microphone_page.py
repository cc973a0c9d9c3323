"""The page of `fastrtc doctor --microphone`."""

from fastrtc.cli.microphone import make_app
from tests.demos.running import MARKS
from tests.support.servers import serving
from tests.support.speech import recorded_prompt

pytestmark = MARKS


async def test_the_voice_reaches_python_and_comes_back(open_page) -> None:
    with serving(make_app()) as url:
        page = await open_page(url, says=recorded_prompt("vm-goodbye"), again=1.0)
        await page.shows("on this machine: good")
        await page.start()
        await page.shows("The microphone works: Python receives your voice.")
        await page.picture("microphone")
        await page.press("Stop")
        await page.wait_for("document.querySelector('#connection').textContent === 'stopped'")


async def test_a_silent_microphone_is_noticed(open_page) -> None:
    with serving(make_app()) as url:
        page = await open_page(url)
        await page.start()
        await page.shows("No sound.")
        await page.press("Stop")
