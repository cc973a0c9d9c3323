"""What the pages of `docs/front-end.md` do in a browser, with the programs beside them."""

import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import httpx
import pytest
from fastapi.responses import HTMLResponse, Response
from playwright.async_api import expect

from fastrtc import Stream
from tests.demos.conftest import open_page, playwright  # noqa: F401
from tests.demos.running import MARKS, PATIENCE, DemoTab
from tests.support.peers import LOCAL
from tests.support.programs import require_program
from tests.support.servers import serving

from .pages import ROOT, SOURCES

Snippet = Callable[[str], ModuleType]
ENTRY = """
import { createElement } from "react";
import { createRoot } from "react-dom/client";
import { Talk } from "%s";

createRoot(document.querySelector("main")).render(createElement(Talk, { url: location.origin }));
"""


def here(stream: Stream) -> None:
    stream.server_rtc_configuration = stream.convert_to_aiortc_format(LOCAL)


async def state(tab: DemoTab, text: str | re.Pattern[str]) -> None:
    await expect(tab.page.get_by_role("status")).to_have_text(text, timeout=PATIENCE)


@pytest.mark.parametrize("port", [5173, 3000])
async def test_development_servers_are_allowed(snippet: Snippet, port: int) -> None:
    """The preflight request of a browser, for an offer with a token."""
    headers = {
        "Origin": f"http://localhost:{port}",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization, content-type",
    }
    transport = httpx.ASGITransport(snippet("front-end/app.py").app)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        answer = await client.options("/webrtc/offer", headers=headers)
    assert answer.status_code == 200, answer.text
    assert answer.headers["Access-Control-Allow-Origin"] == headers["Origin"]


class TestPages:
    pytestmark = MARKS

    async def test_the_page(self, snippet: Snippet, open_page: Callable) -> None:  # noqa: F811
        module = snippet("front-end/app.py")
        here(module.stream)
        with serving(module.app) as url:
            tab = await open_page(url)
            await tab.press("Start")
            await state(tab, "connected")
            await tab.press("Stop")
            await state(tab, "stopped")

    @pytest.mark.external("react")
    async def test_the_component(
        self,
        snippet: Snippet,
        open_page: Callable,  # noqa: F811
        tmp_path: Path,
    ) -> None:
        """`Talk.tsx`, bundled with the packages that the Python package carries."""
        module = snippet("front-end/app.py")
        here(module.stream)
        script, style = bundled(SOURCES / "front-end/Talk.tsx", tmp_path)
        answers = {
            "/talk": HTMLResponse('<link rel="stylesheet" href="/talk.css"><main></main>'
                                  '<script type="module" src="/talk.js"></script>'),
            "/talk.js": Response(script, media_type="text/javascript"),
            "/talk.css": Response(style, media_type="text/css"),
        }  # fmt: skip
        for path, answer in answers.items():
            module.app.add_api_route(path, lambda answer=answer: answer, response_model=None)
        with serving(module.app) as url:
            tab = await open_page(f"{url}/talk")
            await state(tab, "Ready")
            await tab.page.get_by_role("button").click()
            await state(tab, "Listening")
            await tab.page.get_by_role("button").click()
            await state(tab, "Stopped")

    @pytest.mark.parametrize("transport", ["auto", "websocket"])
    async def test_the_shop(self, snippet: Snippet, open_page: Callable, transport: str) -> None:  # noqa: F811
        """All parts of the longer example, below its Content-Security-Policy."""
        module = snippet("front-end/shop.py")
        here(module.stream)
        choose(transport)
        with serving(module.app) as url:
            tab = await open_page(url, says=None)
            refused: list[str] = []
            tab.page.on("console", lambda said: refused.append(said.text))
            await tab.press("Start")
            await state(tab, "connected")
            await expect(tab.page).to_have_title("Tea: 2.5", timeout=PATIENCE)
            line = tab.page.get_by_role("log").get_by_role("listitem")
            await expect(line).to_have_text("Your tea comes to Berlin.", timeout=PATIENCE)
            assert not [text for text in refused if "Content Security Policy" in text]
            await tab.press("Stop")
            await state(tab, "stopped")


def choose(transport: str) -> None:
    """Change the option in the copy of the page's script."""
    script = Path("page/main.js")
    text = script.read_text(encoding="utf-8")
    assert '"auto"' in text
    script.write_text(text.replace('"auto"', f'"{transport}"'), encoding="utf-8")


def bundled(component: Path, folder: Path) -> tuple[str, str]:
    """Return the script and the stylesheet of a page that renders a component."""
    entry = folder / "entry.js"
    entry.write_text(ENTRY % component.as_posix(), encoding="utf-8")
    package = ROOT / "src/fastrtc"
    aliases = {
        "@fastrtc/client": package / "static/fastrtc.js",
        "@fastrtc/react": package / "npm/react/dist/index.js",
        "@fastrtc/react/styles.css": package / "npm/react/dist/styles.css",
    }
    modules = require_program("react").parents[1]
    subprocess.run(
        [
            modules / ".bin/esbuild",
            entry,
            "--bundle",
            "--format=esm",
            "--jsx=automatic",
            f"--outfile={folder / 'bundle.js'}",
            *(f"--alias:{name}={path}" for name, path in aliases.items()),
        ],
        env={**os.environ, "NODE_PATH": str(modules)},
        check=True,
        capture_output=True,
    )
    names = ("bundle.js", "bundle.css")
    script, style = ((folder / name).read_text(encoding="utf-8") for name in names)
    return script, style
