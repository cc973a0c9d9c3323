"""The buttons are in view on every default page, and stay where they are in every state."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page

from tests.gradio.layouts import COUNTS
from tests.gradio.marks import MARKS
from tests.gradio.server import LayoutServer
from tests.gradio.stream_page import PATIENCE, StreamPage

pytestmark = MARKS

SIZES = ((1280, 800), (390, 844))

# Holds the offers of a page back, or refuses them. Not a route of Playwright, with which Chromium
# does not cache.
GATE = """
    window.offers = "pass";
    const { fetch } = window;
    window.fetch = async (...given) => {
      if (String(given[0]?.url ?? given[0]).includes("/component_server")) {
        while (offers === "hold") await new Promise(requestAnimationFrame);
        if (offers === "refuse") return new Response("", { status: 503 });
      }
      return fetch(...given);
    };
"""

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
    const main = document.querySelector(".frtc-main");
    const [x1, y1, x2, y2] = place(main);
    return {
      reached: main.contains(document.elementFromPoint((x1 + x2) / 2, (y1 + y2) / 2)),
      covered: strip ? texts.filter((one) => one.offsetParent && meet(one, waves)).length : 0,
      scrolled: hidden(drawer),
      main: [x1, y1, x2, y2],
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
    await context.add_init_script(GATE)
    yield await context.new_page()
    await context.close()


@pytest.mark.parametrize("modality, mode", COUNTS, ids=["-".join(one) for one in COUNTS])
async def test_buttons_stay_in_view(
    server: LayoutServer, page: Page, modality: str, mode: str
) -> None:
    # Reduced motion saves CPU time, but turns transitions off, which can move buttons too.
    motion = "no-preference" if modality == "audio" else "reduce"
    await page.emulate_media(reduced_motion=motion)
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
                assert now["reached"], f"{where}, {state}: something covers the button"
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
    stream = StreamPage(page)
    await page.goto(address)
    await stream.main.wait_for(timeout=PATIENCE)
    measured = {}

    async def measure(state: str) -> None:
        measured[state] = {}
        for size in SIZES:
            await page.set_viewport_size({"width": size[0], "height": size[1]})
            measured[state][size] = await page.evaluate(MEASURE)

    await measure("idle")
    await page.evaluate("offers = 'hold'")
    await stream.main.click()
    await stream.is_in("connecting")
    await measure("connecting")
    await page.evaluate("offers = 'pass'")
    await stream.is_in("connected")
    await measure("live")
    await stream.press("Connection details")
    await measure("details")
    await stream.press("Connection details")
    await stream.stop()
    await measure("stopped")
    await page.evaluate("offers = 'refuse'")
    await stream.main.click()
    await stream.is_in("failed")
    await measure("failed")
    return measured


@pytest.mark.parametrize("modality", ["audio", "video", "audio-video"])
async def test_drawers_on_a_phone_move_no_buttons_of_a_page_of_ones_own(
    server: LayoutServer, page: Page, modality: str
) -> None:
    await page.emulate_media(reduced_motion="reduce")
    for height in (844, 640):
        await page.set_viewport_size({"width": 390, "height": height})
        stream = StreamPage(page)
        await page.goto(f"{server.url}/own/{modality}")
        await stream.main.wait_for(timeout=PATIENCE)
        await stream.start()
        before = await page.evaluate(MEASURE)
        for name, content in (
            ("Connection details", "dl"),
            ("Choose devices", ".frtc-option"),
            ("Choose devices", None),
        ):
            await stream.press(name)
            if content is not None:
                await page.locator(f".frtc-drawer:not([hidden]) {content}").first.wait_for()
            now = await page.evaluate(MEASURE)
            far = distance(now["buttons"], before["buttons"])
            assert far <= 1, f"{name} moves buttons by {far} pixels of {height}"
            assert now["reached"] and now["height"] == before["height"]
            assert bool(now["drawer"]) == (content is not None)
        await stream.stop()


async def test_the_heading_and_the_button_have_one_font(server: LayoutServer, page: Page) -> None:
    """Of Gradio's semi-bold some letters are missing, and would come from another font."""
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
