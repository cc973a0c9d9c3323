"""The buttons are in view on every default page, and stay where they are in every state."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, Route

from tests.gradio.conftest import to_this_machine_only
from tests.gradio.layouts import COUNTS
from tests.gradio.marks import MARKS
from tests.gradio.server import LayoutServer
from tests.gradio.stream_page import PATIENCE, StreamPage

pytestmark = MARKS

SIZES = ((1280, 800), (390, 844))
OFFERS = re.compile(r"/component_server")

MEASURE = """async () => {
    const GAP = 12;
    // A change of size takes two frames: one to notice, one to follow.
    for (let frame = 0; frame < 2; frame += 1) await new Promise(requestAnimationFrame);
    const place = (element) => {
      const { left, top, right, bottom } = element.getBoundingClientRect();
      return [left, top, right, bottom];
    };
    const meet = (one, other) => {
      const [[a, b, c, d], [e, f, g, h]] = [place(one), place(other)];
      return a < g && e < c && b < h && f < d;
    };
    const buttons = [...document.querySelectorAll(".frtc-bar button")];
    const drawer = document.querySelector(".frtc-drawer:not([hidden])");
    // Below the turns of a conversation the other figures may be scrolled to.
    const hidden = (drawer) => {
      const turns = drawer?.querySelector(".frtc-timeline");
      if (turns) return place(turns)[3] - place(drawer)[3];
      return drawer ? drawer.scrollHeight - drawer.clientHeight : 0;
    };
    const waves = document.querySelector("canvas.frtc-waves");
    const texts = [...document.querySelectorAll(".frtc-time, .frtc-legend")];
    const strip = waves && waves.clientHeight < 80;
    return {
      covered: strip ? texts.filter((one) => one.offsetParent && meet(one, waves)).length : 0,
      scrolled: hidden(drawer),
      main: place(document.querySelector(".frtc-main")),
      buttons: buttons.filter((one) => one.offsetParent).map(place),
      height: document.documentElement.scrollHeight,
      drawer: drawer ? drawer.getBoundingClientRect().height + GAP : 0,
    };
}"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LayoutServer]:
    server = LayoutServer(tmp_path_factory.mktemp("layouts") / "server.log")
    server.start()
    yield server
    server.stop()
    assert not server.complaints()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def page(chromium: Browser) -> AsyncIterator[Page]:
    """One page for all, as only the first one loads what is of Gradio."""
    context = await chromium.new_context()
    await context.route("**/*", to_this_machine_only)
    yield await context.new_page()
    await context.close()


class Gate:
    """Holds the offers of a page back, or refuses them."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.refuses = False

    async def __call__(self, route: Route) -> None:
        if self.refuses:
            return await route.fulfill(status=503)
        await self.open.wait()
        await route.continue_()


@pytest.mark.parametrize("modality, mode", COUNTS, ids=["-".join(one) for one in COUNTS])
async def test_buttons_stay_in_view(
    server: LayoutServer, page: Page, modality: str, mode: str
) -> None:
    for inputs, outputs in COUNTS[modality, mode]:
        address = f"{server.url}/{modality}/{mode}/{inputs}/{outputs}"
        measured = await measure_states(page, address)
        for size in SIZES:
            where = f"{address} at {size}"
            idle = measured["idle"][size]
            for state, sizes in measured.items():
                now = sizes[size]
                left, top, right, bottom = now["main"]
                in_view = 0 <= left < right <= size[0] and 0 <= top < bottom <= size[1]
                assert in_view, f"{where}, {state}: the button is at {now['main']}"
                if state == "details" and size == SIZES[0]:
                    assert now["scrolled"] <= 1, f"{where}: details are out of sight"
                # A chat above the buttons is what the details take their room from.
                if state != "details" or (modality == "audio" and outputs == 1):
                    far = distance(now["buttons"], idle["buttons"])
                    assert far <= 1, f"{where}: {state} moves buttons by {far} pixels"
                assert not now["covered"], f"{where}, {state}: the waves run through texts"
                growth = now["height"] - idle["height"]
                assert growth <= 1 + now["drawer"], f"{where}: {state} adds {growth} pixels"


def distance(some: list[list[float]], others: list[list[float]]) -> float:
    """Give how far the buttons are from where they were, in pixels."""
    assert len(some) == len(others)
    return max(
        abs(one - other)
        for now, before in zip(some, others, strict=True)
        for one, other in zip(now, before, strict=True)
    )


async def measure_states(page: Page, address: str) -> dict[str, dict[tuple[int, int], Any]]:
    """Take a page through its states, and measure it in each, at each size."""
    stream, gate = StreamPage(page), Gate()
    await page.unroute_all()
    await page.goto(address)
    await page.route(OFFERS, gate)
    await stream.main.wait_for(timeout=PATIENCE)
    measured = {}

    async def measure(state: str) -> None:
        measured[state] = {}
        for size in SIZES:
            await page.set_viewport_size({"width": size[0], "height": size[1]})
            measured[state][size] = await page.evaluate(MEASURE)

    await measure("idle")
    await stream.main.click()
    await stream.is_in("connecting")
    await measure("connecting")
    gate.open.set()
    await stream.is_in("connected")
    await measure("live")
    await stream.press("Connection details")
    await measure("details")
    await stream.press("Connection details")
    await stream.stop()
    await measure("stopped")
    gate.refuses = True
    await stream.main.click()
    await stream.is_in("failed")
    await measure("failed")
    return measured


async def test_the_heading_and_the_button_have_one_font(server: LayoutServer, page: Page) -> None:
    """Of Gradio's semi-bold some letters are missing, and would come from another font."""
    await page.unroute_all()
    await page.goto(f"{server.url}/audio/send-receive/0/0")
    await StreamPage(page).main.wait_for(timeout=PATIENCE)
    await page.evaluate("document.fonts.ready")
    devtools = await page.context.new_cdp_session(page)
    for domain in ("DOM", "CSS"):
        await devtools.send(f"{domain}.enable")
    document = await devtools.send("DOM.getDocument")
    fonts = []
    for selector in (".fastrtc-heading h1", ".frtc-label"):
        query = {"nodeId": document["root"]["nodeId"], "selector": selector}
        node = await devtools.send("DOM.querySelector", query)
        used = await devtools.send("CSS.getPlatformFontsForNode", {"nodeId": node["nodeId"]})
        fonts += [font["familyName"] for font in used["fonts"]]
    await devtools.detach()
    assert len(fonts) == 2 and len(set(fonts)) == 1, fonts
