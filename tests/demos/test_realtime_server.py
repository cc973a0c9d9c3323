"""`demo/realtime_server`: its page speaks the protocol, and has a function that is called."""

from collections.abc import Callable

import numpy as np

from tests.demos.running import MARKS

pytestmark = MARKS


async def test_the_page_gets_its_color(start_demo: Callable, open_page: Callable) -> None:
    demo = start_demo("realtime_server")
    page = await open_page(demo.url)
    await page.start()
    field = page.page.get_by_label("Type a color")
    await field.fill("Blue")
    await field.press("Enter")
    await page.shows("It was white, and now it is blue.")
    await page.wait_for("document.querySelector('#color').style.background === 'blue'")
    heard = np.zeros(1)
    while np.abs(heard).max() < 1000:
        heard = await page.heard(1.0)
    await page.picture("realtime_server")
