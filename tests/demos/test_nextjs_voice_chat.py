"""`demo/nextjs_voice_chat`: its front end is built as for production, and talks to Python."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from playwright.async_api import expect

from fastrtc.cli.packages import write_packages
from tests.browser.server import ROOT
from tests.demos.running import MARKS, PATIENCE
from tests.demos.voices import espeak
from tests.support.npm import BUILD_WITHIN, INSTALL, npm
from tests.support.peers import eventually
from tests.support.ports import free_port
from tests.support.programs import require_program
from tests.support.speech import recorded_prompt

FRONTEND = ROOT / "demo" / "nextjs_voice_chat" / "frontend"

pytestmark = [*MARKS, pytest.mark.external("recorded-voices", "npm")]


def build() -> None:
    """Install what the lock file says, with the packages of this repository, and build."""
    (FRONTEND / "vendor").mkdir(exist_ok=True)
    write_packages(FRONTEND / "vendor")
    npm(FRONTEND, "ci", *INSTALL)
    npm(FRONTEND, "run", "build")


@contextmanager
def serving_frontend(backend: str, log: Path) -> Iterator[str]:
    """`npm start`, in front of a back end; gives its address."""
    port = str(free_port())
    environment = os.environ | {
        "ALLOWED_HOSTS": "days.example, voice.example",
        "BACKEND_URL": backend,
        "NEXT_TELEMETRY_DISABLED": "1",
    }
    with log.open("wb") as written:
        process = subprocess.Popen(
            [require_program("npm"), "start", "--", "--hostname", "127.0.0.1", "--port", port],
            cwd=FRONTEND,
            env=environment,
            stdout=written,
            stderr=written,
            start_new_session=True,  # npm starts a shell that starts node
        )
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(20)


def check_the_names(url: str) -> None:
    """Fail unless the front end forwards requests with its own names only."""
    for host, is_refused in (("evil.example", True), ("voice.example:80", False)):
        answer = httpx.post(f"{url}/api/webrtc/offer", json={}, headers={"Host": host})
        assert ("unknown_host" in answer.text) is is_refused, (host, answer.text)


@pytest.mark.timeout(2 * BUILD_WITHIN)
async def test_it_talks_and_shows_what_was_said(start_demo, open_page, tmp_path: Path):
    build()
    backend = start_demo("nextjs_voice_chat")
    log = tmp_path / "frontend.log"
    with serving_frontend(backend.url, log) as url:
        await eventually(lambda: b"Ready" in log.read_bytes())
        check_the_names(url)
        page = await open_page(url, says=recorded_prompt("digits/day-1"), again=5.0)
        await expect(page.page.get_by_role("status")).to_have_text("Ready")
        await page.start()
        messages = page.page.get_by_role("list", name="Messages").get_by_role("listitem")
        answer = "After monday comes tuesday."
        await expect(messages.nth(0)).to_have_text("monday", timeout=PATIENCE)
        await expect(messages.nth(1)).to_have_text(answer, timeout=PATIENCE)
        await page.hears(espeak(answer), likeness=0.7)
        await page.picture("nextjs_voice_chat")
        await page.press("Stop")
        await page.shows("Stopped")
    assert "Error" not in log.read_text()
