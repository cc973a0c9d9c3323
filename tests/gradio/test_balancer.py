"""A page behind a balancer that keeps each browser with its process, as Gradio needs it."""

import asyncio
from pathlib import Path

from tests.cluster.programs import programs
from tests.gradio.marks import MARKS
from tests.gradio.server import LaunchedServer
from tests.gradio.stream_page import StreamPage

pytestmark = MARKS


async def test_the_page_of_a_full_process_connects_to_another(tmp_path: Path, open_page) -> None:
    with programs(tmp_path) as run:
        servers = [LaunchedServer(tmp_path / f"{number}.log") for number in range(2)]
        for server in servers:
            server.variables = {**server.variables, "FASTRTC_CLUSTER": run.database}
        try:
            await asyncio.gather(*(asyncio.to_thread(server.start) for server in servers))
            url = run.balancer([one.port for one in servers], check="/", cookie="PROCESS")
            first = await open_page(url)
            await first.start()
            second = StreamPage(await first.page.context.new_page())  # with its cookie
            await second.page.goto(url)
            await second.start()
            await second.flows("audio_out", "audio_in")
            await second.stop()
        finally:
            for server in servers:
                server.kill()
        assert not any(server.complaints() for server in servers)
