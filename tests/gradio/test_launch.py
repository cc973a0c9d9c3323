"""Pages that are launched: a server that a person meets, and that goes and comes back."""

import asyncio
import signal
import subprocess
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path

import pytest

from tests.browser.server import DemoServer
from tests.gradio.marks import MARKS
from tests.gradio.server import LaunchedServer, OwnPageServer
from tests.support.peers import eventually

pytestmark = [*MARKS, pytest.mark.timeout(300)]

OLDEST_NODE = 20  # that renders a page of Gradio 6, which asks for 24


@pytest.fixture
def launch(tmp_path: Path) -> Iterator[Callable[..., DemoServer]]:
    started: list[DemoServer] = []

    def start(kind: type[DemoServer] = LaunchedServer, **options: bool) -> DemoServer:
        server = kind(tmp_path / "server.log", **options)
        started.append(server)
        server.start()
        return server

    yield start
    for server in started:
        server.stop()
        assert not server.complaints()


async def test_a_server_that_goes_and_comes_back(launch, open_page) -> None:
    server = await asyncio.to_thread(launch)
    page = await open_page(server.url, new_visitor=True)
    clock = page.page.clock
    await clock.install()
    await page.start()
    await page.flows("audio_out", "audio_in")

    # As a power cut does. The page waits with its next try, however long the server needs.
    server.kill()
    await page.is_in("reconnecting")
    await clock.pause_at(await page.page.evaluate("Date.now() / 1000 + 1"))
    await asyncio.to_thread(server.start)
    await clock.resume()
    await page.is_in("connected")
    await page.flows("audio_out", "audio_in")

    await asyncio.to_thread(server.stop, signal.SIGINT)
    await page.is_in("stopped")
    await page.says("The server is stopping or restarting")
    await page.main.click()
    await page.is_in("failed")
    await page.says("The server cannot be reached")


@pytest.mark.parametrize("mounted", [True, False])
async def test_the_server_of_a_page_of_ones_own_stops(launch, open_page, mounted: bool) -> None:
    server = await asyncio.to_thread(launch, OwnPageServer, mounted=mounted)
    pages = [await open_page(server.url) for _ in range(2)]
    for page in pages:
        await page.start()
        await page.flows("audio_out", "audio_in")
    await pages[1].page.close()  # just now
    await asyncio.to_thread(server.stop, signal.SIGINT)
    await pages[0].is_in("stopped")
    await pages[0].says("The server is stopping or restarting")
    assert "did not close" not in server.log.read_text()


@pytest.mark.external("npm")
async def test_a_page_that_the_server_renders(launch, open_page) -> None:
    if node_version() < OLDEST_NODE or version("gradio").startswith("5"):
        pytest.skip(f"needs Node {OLDEST_NODE} and Gradio 6: 5 gives up if rendering takes 3 s")
    server = await asyncio.to_thread(launch, ssr_mode=True)
    await eventually(lambda: "Running on local URL" in server.log.read_text())
    assert "with SSR" in server.log.read_text()
    page = await open_page(server.url)
    await page.start()
    await page.flows("audio_out", "audio_in")
    await page.stop()


def node_version() -> int:
    told = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True)
    return int(told.stdout.lstrip("v").split(".")[0])
