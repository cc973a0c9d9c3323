"""Apps of `fastrtc init`, started with their two commands: a person talks to their pages.

The first command, `pip install`, has nothing to do here: the environment has what they need.
"""

import re
import signal
from collections.abc import Callable, Iterator
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path

import httpx
import psutil
import pytest
from packaging.requirements import Requirement
from playwright.async_api import Route, expect

from fastrtc.cli.init import KINDS, write_starter
from tests.demos.running import MARKS, PATIENCE, DemoTab, Program
from tests.demos.voices import hears
from tests.support.npm import BUILD_WITHIN, INSTALL, npm
from tests.support.peers import eventually
from tests.support.ports import free_port
from tests.support.speech import spaced, speech

pytestmark = [*MARKS, pytest.mark.external("ears", "espeak-ng")]
needs_npm = pytest.mark.external("npm")


class App(Program):
    """An app, started with its second command."""

    def __init__(self, folder: Path, kind: str) -> None:
        script = folder / KINDS[kind].start.removeprefix("python ")
        variables = {
            "BACKEND_PORT": str(free_port()),
            "NEXT_TELEMETRY_DISABLED": "1",
            "npm_config_prefer_offline": "true",
            "npm_config_update_notifier": "false",
        }
        forked = script.name == "app.py"
        super().__init__(folder / "app.log", script, variables=variables, forked=forked)


@pytest.fixture
def start_app(tmp_path: Path) -> Iterator[Callable[..., App]]:
    """Writes an app and starts it, after `npm install` if `installed`; it writes no traceback."""
    started: list[App] = []

    def start(kind: str, *, installed: bool = False) -> App:
        folder = tmp_path / "voice"
        write_starter(folder, kind)
        check_requirements(folder)
        if installed:
            npm(folder / "frontend", "install", *INSTALL)
        app = App(folder, kind)
        started.append(app)
        app.start()
        return app

    yield start
    for app in started:
        app.stop()
        assert not app.complaints()


def check_requirements(folder: Path) -> None:
    """Fail unless this environment has what `pip install -r requirements.txt` would install."""
    for line in (folder / "requirements.txt").read_text().splitlines():
        text = line.partition("#")[0].strip()
        if text and not text.startswith("--"):
            requirement = Requirement(text)
            assert requirement.specifier.contains(version(requirement.name)), text


async def talk(app: App, open_page: Callable) -> DemoTab:
    """Ask a question after the greeting, and hear the answer."""
    question = speech("What is seven times eight?")
    page = await open_page(app.url, says=spaced(2.5, question), again=5.0)
    await page.start()
    captions = page.page.get_by_role("log", name="Captions")
    await expect(captions).to_contain_text("7 times 8 is 56.", timeout=PATIENCE)
    await hears(page, "7 times 8 is 56.")
    return page


def running_in(app: App) -> list[psutil.Process]:
    """Return the programs that `dev.py` has started, and those that they have started."""
    return psutil.Process(app.process.pid).children(recursive=True)


def alive(programs: list[psutil.Process]) -> list[psutil.Process]:
    """Return those that run; one that only waits for PID 1 to read its exit status does not."""
    found = []
    for one in programs:
        with suppress(psutil.NoSuchProcess):
            if one.status() != psutil.STATUS_ZOMBIE:
                found.append(one)
    return found


async def test_html(start_app: Callable[..., App], open_page: Callable) -> None:
    page = await talk(start_app("html"), open_page)
    await page.picture("starter")
    await page.press("Stop")
    await page.shows("Stopped")
    await page.page.route("**/webrtc/offer", answer_of_another_version)
    await page.start()
    await expect(page.page.locator(".app")).to_have_attribute("data-state", "connected")
    # A notice that came before the connection stays until the next one.
    await expect(page.page.get_by_role("alert")).to_contain_text("version")
    await page.press("Stop")


async def answer_of_another_version(route: Route) -> None:
    """Let the server tell a version that does not fit the client's."""
    response = await route.fetch()
    answer = await response.json()
    await route.fulfill(response=response, json={**answer, "server_version": "99.0.0"})


async def test_gradio(start_app: Callable[..., App], open_page: Callable) -> None:
    page = await talk(start_app("gradio"), open_page)
    await page.press("Stop")


@needs_npm
@pytest.mark.timeout(BUILD_WITHIN)
async def test_react(start_app: Callable[..., App], open_page: Callable) -> None:
    """React in development; then the server ends by itself, and so does the front end."""
    app = start_app("react")
    await talk(app, open_page)
    running = running_in(app)
    (server,) = [one for one in running if "app.py" in str(one.cmdline())]
    server.kill()
    assert app.process.wait(PATIENCE / 1000) == 1
    await eventually(lambda: not alive(running))
    assert "app.py has ended" in app.log.read_text()
    check_the_build(app.script.parent)


def check_the_build(folder: Path) -> None:
    """Build the page of React, which `app.py` then serves, as in the Docker image."""
    npm(folder / "frontend", "run", "build")
    server = Program(folder / "server.log", folder / "app.py")
    server.start()
    try:
        page = httpx.get(server.url).raise_for_status().text
        (script,) = re.findall(r'<script [^>]*src="([^"]+)"', page)
        assert "getUserMedia" in httpx.get(server.url + script).raise_for_status().text
    finally:
        server.stop()
    assert not server.complaints()


@needs_npm
@pytest.mark.timeout(BUILD_WITHIN)
async def test_next(start_app: Callable[..., App], open_page: Callable) -> None:
    """Next.js in development, until Ctrl-C."""
    app = start_app("next", installed=True)  # which may take longer than `start` waits
    await talk(app, open_page)
    check_the_names(app.url)
    running = running_in(app)
    app.stop(signal.SIGINT)
    assert app.process.returncode == 0
    await eventually(lambda: not alive(running))


def check_the_names(url: str) -> None:
    """Fail unless the proxy refuses pages whose name was bound to this address (DNS rebinding)."""
    for host, is_refused in (
        ("evil.example", True),
        ("evil.example:3000", True),
        ("localhost.evil.example", True),
        ("localhost:3000", False),
        ("[::1]:3000", False),
    ):
        answer = httpx.post(f"{url}/api/webrtc/offer", json={}, headers={"Host": host})
        assert ("unknown_host" in answer.text) is is_refused, (host, answer.text)
