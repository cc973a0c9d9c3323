"""Record the default pages, with an input and an output: `python docs/screens/pages.py [folder]`.

One picture for each modality and mode, live, light and dark, 1280x800 and 390x844, in `pages/` or
in the folder that is named. `pages-gradio5/` is made with the Python of an environment with Gradio
5. It needs what the tests need.
"""

import asyncio
import io
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.async_api import Page, async_playwright

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[1]))

from tests.gradio.conftest import FLAGS  # noqa: E402
from tests.gradio.layouts import COUNTS  # noqa: E402
from tests.gradio.server import LayoutServer  # noqa: E402
from tests.gradio.stream_page import StreamPage  # noqa: E402
from tests.support.programs import require_program  # noqa: E402

SIZES = ((1280, 800), (390, 844))
GAP = 12  # pixels between the pictures
MEDIA = ("--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream")


async def board(page: Page, address: str) -> Image.Image:
    """Take the four pictures of a page."""
    pictures = []
    for theme in ("light", "dark"):
        stream = StreamPage(page)
        await page.goto(f"{address}?__theme={theme}")
        await stream.main.wait_for()
        await stream.start()
        await page.wait_for_timeout(2000)  # for the first picture, and for the waves to rise
        for width, height in SIZES:
            await page.set_viewport_size({"width": width, "height": height})
            await page.wait_for_timeout(300)
            pictures.append(Image.open(io.BytesIO(await page.screenshot())))
    size = (sum(one.width + GAP for one in pictures) - GAP, max(one.height for one in pictures))
    made = Image.new("RGB", size, "#8a8f98")
    across = 0
    for one in pictures:
        made.paste(one, (across, 0))
        across += one.width + GAP
    return made.resize((made.width // 2, made.height // 2), Image.Resampling.LANCZOS)


async def record(url: str, folder: Path) -> None:
    """Take the pictures of all pages."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=require_program("chromium"), args=[*FLAGS, *MEDIA]
        )
        page = await browser.new_page()
        for modality, mode in COUNTS:
            path = folder / f"{modality}-{mode}.webp"
            picture = await board(page, f"{url}/{modality}/{mode}/1/1")
            picture.save(path, quality=80)
        await browser.close()


if __name__ == "__main__":
    pictures = HERE / (sys.argv[1] if len(sys.argv) > 1 else "pages")
    pictures.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as logs:
        server = LayoutServer(Path(logs, "server.log"))
        server.start()
        try:
            asyncio.run(record(server.url, pictures))
        finally:
            server.stop()
