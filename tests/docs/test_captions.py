"""What the programs of `docs/captions.md` show."""

from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.responses import HTMLResponse
from fastapi.staticfiles import StaticFiles

from fastrtc.testing import Call
from tests.demos.conftest import open_page, playwright  # noqa: F401
from tests.demos.running import MARKS
from tests.support.peers import LOCAL
from tests.support.servers import serving
from tests.support.speech import recorded_prompt

from .conftest import HEARD
from .pages import SOURCES

Snippet = Callable[[str], ModuleType]


def shown(call: Call) -> list[tuple[Any, Any]]:
    messages = [message["data"] for message in call.messages if message["type"] == "transcript"]
    return [(data["who"], data["text"]) for data in messages if isinstance(data, dict)]


@pytest.mark.external("recorded-voices")
async def test_both_sides_of_a_reply(snippet: Snippet) -> None:
    async with Call(snippet("captions/reply.py").stream) as call:
        await call.say((48_000, recorded_prompt("vm-goodbye", 48_000)))
        await call.finish()
    assert shown(call) == [("user", HEARD), ("assistant", f"You said: {HEARD}")]


async def test_a_service(snippet: Snippet) -> None:
    async with Call(snippet("captions/service.py").stream) as call:
        await call.wait(0.5)
    user, final, assistant = shown(call)
    assert [user, final] == [("user", "Tell me"), ("user", "Tell me a story.")]
    assert assistant == ("assistant", "Once upon a time")


class TestPages:
    pytestmark = MARKS

    async def test_a_page(self, snippet: Snippet, open_page: Callable) -> None:  # noqa: F811
        stream = snippet("captions/service.py").stream
        stream.server_rtc_configuration = stream.convert_to_aiortc_format(LOCAL)
        html = (SOURCES / "captions/page.html").read_text(encoding="utf-8")
        app = FastAPI()
        stream.mount(app)
        app.mount("/fastrtc", StaticFiles(packages=[("fastrtc", "static")]))
        app.add_api_route("/", lambda: HTMLResponse(html))
        with serving(app) as url:
            tab = await open_page(url)
            await tab.press("Start")
            await tab.shows("Once upon a time")
            lines = tab.page.get_by_role("log").get_by_role("listitem")
            assert await lines.all_inner_texts() == ["Tell me a story.", "Once upon a time"]
