"""Pages of two processes behind a balancer, with the stickiness that Gradio's queue needs."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import expect

from tests.browser.server import DemoServer
from tests.cluster.programs import programs, wait_until_ready
from tests.gradio.marks import MARKS
from tests.gradio.server import LaunchedServer, MountedServer
from tests.gradio.stream_page import PATIENCE, StreamPage

pytestmark = MARKS


@asynccontextmanager
async def balanced(kind: type[DemoServer], folder: Path) -> AsyncIterator[str]:
    """Run two processes of a cluster, and yield the address of their balancer."""
    with programs(folder) as run:
        servers = [kind(folder / f"{number}.log") for number in range(2)]
        for server in servers:
            server.variables = {**server.variables, "FASTRTC_CLUSTER": run.database}
        try:
            await asyncio.gather(*(asyncio.to_thread(server.start) for server in servers))
            url = run.balancer([one.port for one in servers], check="/", cookie="PROCESS")
            await asyncio.to_thread(wait_until_ready, url, "/")
            yield url
        finally:
            for server in servers:
                server.kill()
        assert not any(server.complaints() for server in servers)


async def open_second(first: StreamPage, url: str) -> StreamPage:
    """Open a page in the same process, as it has the same cookie."""
    second = StreamPage(await first.page.context.new_page())
    await second.page.goto(url)
    return second


async def prompt(page: StreamPage, text: str) -> str:
    """Type a prompt, and return the process whose handler tells it."""
    await page.input("Prompt").fill(text)
    field = page.input("Prompts")
    await expect(field).to_have_value(re.compile(f" {text}@\\d+$"), timeout=PATIENCE)
    return (await field.input_value()).rpartition(f"{text}@")[2]


@pytest.mark.parametrize("kind", [LaunchedServer, MountedServer])
async def test_the_page_of_a_full_process_connects_to_another(
    kind: type[DemoServer], tmp_path: Path, open_page
) -> None:
    async with balanced(kind, tmp_path) as url:
        first = await open_page(url)
        await first.start()
        second = await open_second(first, url)
        await second.start()
        await second.flows("audio_out", "audio_in")
        await second.stop()


async def test_inputs_and_outputs_of_audio_pages_find_their_connections(
    tmp_path: Path, open_page
) -> None:
    async with balanced(MountedServer, tmp_path) as url:
        first = await open_page(url)
        second = await open_second(first, url)
        owners = []
        for page in (first, second):
            await page.start()
            owners.append(await prompt(page, "hello"))
        assert len(set(owners)) == 2
        for text in ("one", "two", "three"):  # which reach the processes in turn
            for page, owner in zip((first, second), owners, strict=True):
                assert await prompt(page, text) == owner
        await second.flows("audio_out", "audio_in")
