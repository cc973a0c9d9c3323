"""The code editor by voice, against a stand-in of the service."""

from collections.abc import Callable

from tests.demos.running import MARKS
from tests.demos.stand_ins.openai_chat import openai_service
from tests.support.speech import recorded_prompt

pytestmark = MARKS

PAGE = """<!doctype html>
<style>
  body { margin: 2rem; font: 1.2rem sans-serif; background: %s; }
  li { padding: .4rem; }
</style>
<h1>Monday</h1>
<ul><li>9:30 dentist</li><li>18:00 choir</li></ul>
<p id="sum"></p>
<script>
  sum.textContent = document.querySelectorAll("li").length + " appointments";
</script>"""


async def test_it_writes_a_page_and_changes_it(start_demo: Callable, open_page: Callable) -> None:
    with openai_service() as service:
        fenced = f"Here it is:\n```html\n{PAGE % 'white'}\n```"
        service.replies = [[fenced]] + [[PAGE % "lavender"]] * 9  # a slow page hears more turns
        demo = start_demo("code_editor", **service.variables, STT="pocketsphinx")
        page = await open_page(demo.url, says=recorded_prompt("digits/day-1"), again=3.0)
        await page.start()
        await page.shows("“monday”")
        await page.shows("background: lavender")
        result = page.page.frame_locator("iframe")
        await result.get_by_text("2 appointments").wait_for()
        await page.picture("code_editor")
        await page.press("Stop")
    first, second = service.chats[:2]
    assert "The file:\n(empty)" in first.messages[-1].content
    assert PAGE % "white" in second.messages[-1].content
    assert "The wish:\nmonday" in second.messages[-1].content
    assert "```" not in second.messages[-1].content
