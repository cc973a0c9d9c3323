"""An order is said, another one is typed."""

import re

import pytest

from tests.demos.running import MARKS
from tests.support.speech import speech

pytestmark = [*MARKS, pytest.mark.external("espeak-ng")]


async def test_the_waiter_takes_both(start_demo, open_page) -> None:
    demo = start_demo("text_or_audio")
    page = await open_page(demo.url, says=speech("coffee", voice="en-us+f3"))
    await page.start()
    await page.shows(re.compile("Coffee.*dollars"))  # and what else it takes for a drink
    field = page.page.get_by_role("textbox", name="Message")
    await field.fill("A tea and a sandwich, please")
    await field.press("Enter")
    await page.shows("Tea and sandwich: that is 8 dollars.")
    await page.picture("text_or_audio")
    await page.hears(speech("Tea and sandwich: that is 8 dollars."))
