"""Record the page of the echo demo in both themes: `python docs/screens/page.py`.

`docs/assets/page-light.png` and `page-dark.png`, in Chromium, whose microphone plays a recorded
voice, while the page plays its echo. It has the same requirements as the tests.
"""

import asyncio
import importlib.util
import io
import sys
from pathlib import Path

import numpy as np
from PIL import Image

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(ROOT))

from talking import page_with_microphone  # noqa: E402

from tests.support.servers import serving  # noqa: E402
from tests.support.speech import recorded_prompt, spaced  # noqa: E402

ASSETS = ROOT / "docs/assets"
VIEWPORT = {"width": 565, "height": 520}
MARGIN = 16  # pixels below the panel; the footer is left out
PICTURES = 8  # of which the one with the highest waves is kept


async def record(url: str) -> None:
    voice = recorded_prompt("vm-goodbye").astype(np.float64)
    loud = (voice * 25_000 / np.abs(voice).max()).astype(np.int16)
    sound = spaced(3.0, loud, 20.0)
    for theme in ("light", "dark"):
        async with page_with_microphone(sound, viewport=VIEWPORT, device_scale_factor=2) as page:
            await page.goto(f"{url}?__theme={theme}")
            await page.get_by_role("button", name="Start", exact=True).first.click()
            await page.get_by_text("Assistant is speaking").wait_for(timeout=60_000)
            await page.mouse.move(0, 0)
            panel = await page.locator(".frtc-panel").bounding_box()
            assert panel is not None
            height = round(panel["y"] + panel["height"] + MARGIN)
            clip = {"x": 0, "y": 0, "width": VIEWPORT["width"], "height": height}
            taken = [await page.screenshot(clip=clip) for _ in range(PICTURES)]
        picture = Image.open(io.BytesIO(max(taken, key=len)))  # curves need most bytes
        picture.quantize(256).save(ASSETS / f"page-{theme}.png", optimize=True)
        print(theme, picture.size)


if __name__ == "__main__":
    spec = importlib.util.spec_from_file_location("app", ROOT / "demo/ui_echo/app.py")
    assert spec is not None and spec.loader is not None
    demo = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(demo)
    with serving(demo.app) as address:
        asyncio.run(record(address))
