"""The lamp obeys who calls it by its name."""

import pytest

from tests.demos.running import MARKS
from tests.support.speech import recorded_prompt, spaced, speech

pytestmark = [*MARKS, pytest.mark.external("espeak-ng", "recorded-voices")]


async def test_the_lamp_becomes_blue(start_demo, open_page) -> None:
    demo = start_demo("stop_word")
    said = spaced(recorded_prompt("phonetic/j_p"), 0.3, speech("blue"))
    page = await open_page(demo.url, says=said, again=3.0)
    await page.start()
    await page.wait_for("document.querySelector('[aria-label=\"The lamp is blue\"]')")
    await page.picture("stop_word")
    await page.hears(speech("The lamp is blue."))
