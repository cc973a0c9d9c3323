"""The parrot, called by telephone; tests/telephone looks closer."""

import pytest

from tests.demos.running import MARKS
from tests.support.peers import eventually
from tests.support.speech import find_in, recorded_prompt, spaced, trimmed
from tests.telephone.phone import RATE, Phone

pytestmark = [*MARKS, pytest.mark.external("recorded-voices")]


async def test_a_call_and_a_browser(start_demo, open_page) -> None:
    demo = start_demo("phone")
    goodbye = trimmed(recorded_prompt("vm-goodbye", rate=RATE), RATE)
    async with Phone(demo.url, **{"from": "+15550100"}) as phone:
        await phone.say(spaced(0.3, goodbye, 0.2, rate=RATE))
        await eventually(lambda: find_in(phone.played, goodbye).likeness > 0.9)
    page = await open_page(demo.url)
    await page.start()
    await page.shows("Parrot")
    await page.picture("phone")
