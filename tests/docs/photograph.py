"""`python -m tests.docs.photograph FOLDER PAGE ...`: pictures of the built site's pages.

Each page light and dark, wide and narrow, from `site/`, which `make docs` builds; it tells of a
page that is wider than its window, and of errors in its console.
"""

import io
import sys
from pathlib import Path

from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles
from PIL import Image
from playwright.sync_api import sync_playwright

from tests.support.programs import require_program
from tests.support.servers import serving

WINDOWS = {"wide": (1280, 860), "narrow": (390, 844)}


def photograph(url: str, folder: Path, pages: list[str]) -> None:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=require_program("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        for scheme in ("light", "dark"):
            for window, (width, height) in WINDOWS.items():
                page = chromium.new_page(
                    viewport={"width": width, "height": height}, color_scheme=scheme
                )
                page.on("console", lambda said: print(said.text) if said.type == "error" else None)
                for name in pages:
                    page.goto(f"{url}/{name}/")
                    page.wait_for_timeout(500)  # ms, for what fades in
                    beyond = page.evaluate("document.documentElement.scrollWidth - innerWidth")
                    if beyond > 0:
                        print(f"{name} is {beyond} pixels wider than {width}")
                    path = folder / f"{name.replace('/', '-') or 'home'}-{scheme}-{window}.webp"
                    picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
                    picture.save(path, quality=70, method=6)
                page.close()
        chromium.close()


if __name__ == "__main__":
    app = FastAPI()
    app.mount("/", StaticFiles(directory="site", html=True))
    with serving(app) as address:
        photograph(address, Path(sys.argv[1]), [name.strip("/") for name in sys.argv[2:]])
