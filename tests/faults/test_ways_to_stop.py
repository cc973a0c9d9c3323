"""Every way to run a stream, stopped by SIGTERM and by Ctrl-C while a client is connected."""

import asyncio
import os
import signal
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.faults.over_http import HttpClient, running
from tests.faults.ways import WAYS
from tests.server.test_fastphone import StandIn
from tests.support.peers import AudioSource, eventually, tone
from tests.support.servers import serving

STOPS = "The server stops"
SIGNALS = [signal.SIGINT, signal.SIGTERM]
BY_UVICORN = ("mount", "mount_page", "mount_own_page")
"""uvicorn raises the signal again when all is over, and SIGTERM ends the process by itself."""


class PageClient(HttpClient):
    """A client that asks as the page of Gradio does.

    Args:
        stays: Whether it keeps a request open, as pages with a `gr.State` do. uvicorn waits for
            such a page, and Gradio ends the request only where it runs the server itself.
    """

    def __init__(self, address: str, *, stays: bool, **options: Any) -> None:
        super().__init__(address, **options)
        self.stays = stays
        self.staying: list[asyncio.Task[None]] = []

    async def connect(self) -> "PageClient":
        await super().connect()
        if self.stays:
            self.staying.append(asyncio.create_task(self.stay()))
        return self

    async def stay(self) -> None:
        with suppress(httpx.TransportError):
            async with (
                httpx.AsyncClient(base_url=self.address, trust_env=False, timeout=None) as http,
                http.stream("GET", self.heartbeat) as answer,
            ):
                async for _ in answer.aiter_raw():
                    pass

    async def close(self) -> None:
        for task in self.staying:
            task.cancel()
        await super().close()

    async def post(self, body: dict[str, Any]) -> Any:
        async with httpx.AsyncClient(base_url=self.address, trust_env=False, timeout=30) as http:
            config = (await http.get("/config")).json()
            self.heartbeat = f"{config['api_prefix']}/heartbeat/{self.webrtc_id}"
            (component,) = [one for one in config["components"] if one["type"] == "webrtc"]
            asked = {"component_id": component["id"], "fn_name": "offer", "session_hash": "x"}
            url = f"{config['api_prefix']}/component_server"
            return (await http.post(url, json={"data": body, **asked})).json()


class Program:
    """A program that was started, and what it wrote.

    Args:
        forks: What starts programs, see `tests.faults.ways`.
        log: The file that it writes into.
    """

    def __init__(self, forks: subprocess.Popen[str], way: str, log: Path) -> None:
        assert forks.stdin is not None and forks.stdout is not None
        self._log = log
        self._status = Path(f"{log}.status")
        forks.stdin.write(f"{way} {log}\n")
        forks.stdin.flush()
        self.pid = int(forks.stdout.readline())

    @property
    def said(self) -> str:
        return self._log.read_text() if self._log.exists() else ""

    async def address(self) -> str:
        line = await eventually(lambda: "port " in self.said and "\n" in self.said) and self.said
        address = f"http://127.0.0.1:{line.partition('port ')[2].split()[0]}"

        async with httpx.AsyncClient(trust_env=False) as http:
            for _ in range(600):
                try:
                    self.page = (await http.get(address)).text
                except httpx.TransportError:
                    await asyncio.sleep(0.05)
                else:
                    return address
        raise AssertionError(f"it serves nothing: {self.said}")

    @property
    def is_over(self) -> bool:
        return self._status.exists() and self._status.read_text().endswith("\n")

    async def ended(self) -> int:
        """Wait until it has ended; return its exit status."""
        await eventually(lambda: self.is_over)
        return int(self._status.read_text())

    async def kill(self) -> None:
        if not self.is_over:
            with suppress(ProcessLookupError):  # just now
                os.kill(self.pid, signal.SIGKILL)
            await self.ended()


@pytest.fixture(scope="module")
def service() -> Iterator[StandIn]:
    stand_in = StandIn()
    with serving(stand_in.app) as os.environ["SERVICE"]:
        yield stand_in
    del os.environ["SERVICE"]


@pytest.fixture(scope="module")
def forks(service: StandIn) -> Iterator[subprocess.Popen[str]]:
    with running("-m", "tests.faults.ways", stdin=subprocess.PIPE) as process:
        yield process


@asynccontextmanager
async def connected(
    forks: subprocess.Popen[str], way: str, log: Path
) -> AsyncIterator[tuple[Program, HttpClient]]:
    program = Program(forks, way, log)
    try:
        address = await program.address()
        is_page = "window.gradio_config" in program.page
        options = {"stays": way.startswith("launch")} if is_page else {}
        kind = PageClient if is_page else HttpClient
        client = kind(address, audio=AudioSource(tone(60)), **options)
        try:
            await client.connect()
            await eventually(lambda: client.channel.readyState == "open")
            yield program, client
        finally:
            await client.close()
    except BaseException:
        print(program.said)
        raise
    finally:
        await program.kill()


@pytest.mark.parametrize("number", SIGNALS)
@pytest.mark.parametrize("way", [way for way in WAYS if not way.startswith(("own_", "launch_pat"))])
async def test_the_client_is_told_and_the_process_ends(
    forks: subprocess.Popen[str], tmp_path: Path, way: str, number: signal.Signals
) -> None:
    async with connected(forks, way, tmp_path / "log") as (program, client):
        os.kill(program.pid, number)
        assert (await client.message("end_stream"))["data"] == STOPS
        status = await program.ended()
    assert status == (-number if way in BY_UVICORN and number == signal.SIGTERM else 0)
    assert "Traceback" not in program.said
    if not way.startswith(("demo", "doctor")):
        types = [message["type"] for message in client.messages]
        assert types.index("warning") < types.index("end_stream"), "it had its drain_limit"
        assert program.said.count("shutdown") == 1


@pytest.mark.parametrize("number", SIGNALS)
async def test_a_second_signal_to_a_launched_page_does_not_wait(
    forks: subprocess.Popen[str], tmp_path: Path, number: signal.Signals
) -> None:
    async with connected(forks, "launch_patiently", tmp_path / "log") as (program, client):
        os.kill(program.pid, number)
        await client.message("warning")
        os.kill(program.pid, number)
        assert (await client.message("end_stream"))["data"] == STOPS
        assert await program.ended() == 0


async def test_a_handler_of_the_programs_own_decides_what_becomes_of_a_launched_page(
    forks: subprocess.Popen[str], tmp_path: Path
) -> None:
    async with connected(forks, "own_handlers", tmp_path / "log") as (program, client):
        os.kill(program.pid, signal.SIGTERM)
        assert (await client.message("end_stream"))["data"] == STOPS
        assert await program.ended() == 3
    assert "own handler" in program.said


@pytest.mark.parametrize("number", SIGNALS)
async def test_a_program_that_goes_on_after_launch_gets_its_signals(
    forks: subprocess.Popen[str], tmp_path: Path, number: signal.Signals
) -> None:
    async with connected(forks, "own_loop", tmp_path / "log") as (program, _):
        os.kill(program.pid, number)
        status = await program.ended()
    assert (status, "caught" in program.said) == (
        (0, True) if number == signal.SIGINT else (-signal.SIGTERM, False)
    )
