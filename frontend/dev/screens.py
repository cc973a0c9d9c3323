"""Take pictures of every view in every state into docs/screens/, from the gallery.

    python frontend/dev/screens.py [view ...]

One sheet for each view and width: light above dark, a column for each state. It says when
something is wider than the window or below the fold. Needs playwright, pillow, Chromium (on PATH,
in $CHROMIUM, or playwright's own) and Node.
"""

import asyncio
import io
import os
import shutil
import sys
from itertools import product
from pathlib import Path
from urllib.parse import urlencode

from PIL import Image
from playwright.async_api import Browser, Page, async_playwright

FRONTEND = Path(__file__).resolve().parents[1]
SCREENS = FRONTEND.parent / "docs" / "screens"
ASSETS = FRONTEND.parent / "docs" / "assets"
STATES = [
    *("idle", "asking", "connecting", "listening", "heard", "thinking", "speaking", "interrupted"),
    *("waiting", "paused", "resumed", "ready", "hold", "tap", "ready-speaking"),
    *("captions", "captions-long", "captions-hidden", "recording", "muted", "devices", "details"),
    *("timeline", "no-turns", "one-turn", "many-turns", "extremes"),
    *("reconnecting", "again", "anew"),
    *("error", "time-limit", "replaced", "stopped"),
    *("no-device", "in-use", "no-route", "full", "forbidden", "unreachable", "lost", "said-long"),
]
CONVERSATION = {
    *("heard", "thinking", "speaking", "interrupted", "timeline", "no-turns"),
    *("captions", "captions-long", "captions-hidden"),
    *("waiting", "paused", "resumed", "ready", "hold", "tap", "ready-speaking"),
}
OF_AUDIO = {
    *("one-turn", "many-turns", "extremes"),
    *("no-device", "in-use", "no-route", "full", "forbidden", "unreachable", "lost"),
}
"""States that look the same in the other views."""

OF_ONE_WAY = {"idle", "connecting", "listening", "muted", "reconnecting", "error", "stopped"}
COLUMNS = {1280: 4, 390: 5}
VIEWS = {
    "audio": {"view": "audio"},
    "icon": {"view": "icon"},
    "textbox": {"view": "textbox"},
    "video": {"view": "video"},
    "audio-video": {"view": "audio-video"},
    "audio-send": {"view": "audio", "mode": "send"},
    "audio-receive": {"view": "audio", "mode": "receive"},
    "video-send": {"view": "video", "mode": "send"},
    "video-receive": {"view": "video", "mode": "receive"},
    "audio-video-send": {"view": "audio-video", "mode": "send"},
    "audio-video-receive": {"view": "audio-video", "mode": "receive"},
}
GUIDE = {
    "push-to-talk": {"state": "hold", "compact": ""},
    "captions": {"state": "captions", "compact": ""},
    "timeline": {"state": "timeline"},
}
"""The pictures of the guide."""

WIDTHS = {1280: 800, 390: 844}
SCALE = {1280: 0.45, 390: 0.6}
GAP = 6  # pixels between the pictures of a sheet
FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"),
    *("--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"),
    "--autoplay-policy=no-user-gesture-required",
]


def states_of(view: str) -> list[str]:
    """Give the states in which a view looks different."""
    looks, mode = VIEWS[view]["view"], VIEWS[view].get("mode")
    shown = set(STATES) if view == "audio" else set(STATES) - OF_AUDIO
    if mode == "send":
        shown = OF_ONE_WAY | {"asking", "heard"}
    elif mode == "receive":
        shown = OF_ONE_WAY | {"speaking"}
    if looks == "video" or (looks == "audio-video" and mode == "receive"):
        shown -= CONVERSATION
    if view == "video-receive":
        shown -= {"muted"}
    return [state for state in STATES if state in shown]


async def picture(page: Page, address: str, query: dict[str, str], width: int) -> Image.Image:
    """Take one picture, and complain of what does not fit."""
    height = WIDTHS[width]
    await page.goto(f"{address}?{urlencode(query)}")
    await page.wait_for_selector("body[data-ready]")
    await page.evaluate("localStorage.clear()")
    await page.wait_for_function(
        "[...document.querySelectorAll('video')].every((one) => !one.srcObject || one.videoWidth)"
    )
    await page.wait_for_timeout(450)  # for the waves to rise
    needs = await page.evaluate("(({scrollWidth: w, scrollHeight: h}) => [w, h])(document.body)")
    if needs[0] > width or needs[1] > height:
        print(f"{query} needs {needs}, has {[width, height]}")
    image = Image.open(io.BytesIO(await page.screenshot()))
    return image.resize([round(side * SCALE[width]) for side in image.size], Image.LANCZOS)


async def take_sheet(browser: Browser, address: str, view: str, width: int) -> None:
    """Take the pictures of a view at one width."""
    states = states_of(view)
    page = await browser.new_page(viewport={"width": width, "height": WIDTHS[width]})
    page.on("pageerror", lambda error: print(view, width, error))
    rows = [
        [
            await picture(page, address, {**VIEWS[view], "state": state, "theme": theme}, width)
            for state in states
        ]
        for theme in ("light", "dark")
    ]
    await page.close()
    across, down = rows[0][0].size
    columns = min(COLUMNS[width], len(states))
    lines = -(-len(states) // columns)
    size = (columns * (across + GAP) - GAP, 2 * lines * (down + GAP) - GAP)
    sheet = Image.new("RGB", size, "#8a8f98")
    for row, images in enumerate(rows):
        for index, image in enumerate(images):
            line = lines * row + index // columns
            sheet.paste(image, ((index % columns) * (across + GAP), line * (down + GAP)))
    SCREENS.mkdir(exist_ok=True)
    sheet.save(SCREENS / f"{view}-{width}.png", optimize=True)


async def take_guide(browser: Browser, address: str) -> None:
    """Take the pictures of the guide, in both themes."""
    size = {"width": 640, "height": 800}
    page = await browser.new_page(viewport=size, device_scale_factor=2)
    for (name, query), theme in product(GUIDE.items(), ("light", "dark")):
        await page.goto(f"{address}?{urlencode({'view': 'audio', 'theme': theme, **query})}")
        await page.wait_for_selector("body[data-ready]")
        await page.wait_for_timeout(450)
        picture = Image.open(io.BytesIO(await page.locator(".frtc").screenshot()))
        picture.quantize(256).save(ASSETS / f"{name}-{theme}.png", optimize=True)
    await page.close()


async def main(views: list[str]) -> None:
    """Serve the gallery and take the sheets."""
    server = await asyncio.create_subprocess_exec(
        *("node", "dev/serve.mjs", "0"), cwd=FRONTEND, stdout=asyncio.subprocess.PIPE
    )
    try:
        assert server.stdout is not None
        address = (await server.stdout.readline()).decode().strip()
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(
                executable_path=os.environ.get("CHROMIUM") or shutil.which("chromium"), args=FLAGS
            )
            for view, width in product(views, WIDTHS):
                await take_sheet(browser, address, view, width)
            if "audio" in views:
                await take_guide(browser, address)
            await browser.close()
    finally:
        server.terminate()
        await server.wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:] or list(VIEWS)))
