"""What a person reads when a program or a server fails, over each transport; nothing hangs."""

import asyncio
import socket
import threading
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI

from fastrtc.testing import Call, CallFailed
from tests.support.forks import forked
from tests.support.ports import free_port
from tests.support.servers import serving as served

from .programs import RATE, tone
from .test_lines import LIVE, SPEECH, Ending, replying, serving

ROOT = Path(__file__).parents[2]
PROGRAM = """
import sys
sys.path.insert(0, "ROOT")
import uvicorn
from fastapi import FastAPI
from tests.testing.test_lines import long_story, replying

app = FastAPI()
replying(long_story).mount(app)
uvicorn.run(app, port=int(sys.argv[1]), log_level="warning")
"""


def raises(audio: Any) -> Iterator[Any]:
    yield RATE, tone(0.2)
    raise LookupError("no such word")


def needs(audio: Any, name: str) -> Iterator[Any]:
    yield RATE, tone(0.2)


@LIVE
async def test_a_handler_that_raises(over: Any) -> None:
    """A telephone is told nothing; the exception of a program in this process is known even so."""
    with pytest.raises(CallFailed, match="^The program failed: no such word$") as failed:
        async with Call(replying(raises), over) as call:
            await call.say(SPEECH)
            await call.wait(20)
    assert isinstance(failed.value.__cause__, LookupError)
    shown = "".join(traceback.format_exception(failed.value))
    assert "await call.wait(20)" in shown and 'raise LookupError("no such word")' in shown


async def test_errors_that_are_expected_over_a_telephone() -> None:
    async with Call(replying(raises), "twilio", expect_errors=True) as call:
        await call.say(SPEECH)
        await call.finish()
    assert call.turns[0].latency_s < 3


@LIVE
async def test_a_program_that_needs_inputs(over: Any) -> None:
    reason = (
        "argument: 'name'" if over == "twilio" else "asked for inputs, and the script gave none"
    )
    with pytest.raises(CallFailed, match=reason):
        async with Call(replying(needs), over) as call:
            await call.say(SPEECH)
            await call.reply(limit_s=4)


@LIVE
@pytest.mark.parametrize(
    ("url", "reason"),
    [
        (
            "http://127.0.0.1:9",
            "not connected: .* cannot be reached.* whether the server is running",
        ),
        ("http://no.such.host.invalid", "not connected: the host name .* cannot be resolved"),
    ],
)
async def test_a_server_that_cannot_be_reached(over: Any, url: str, reason: str) -> None:
    with pytest.raises(CallFailed, match=reason):
        async with Call(url, over):
            pass


@pytest.mark.parametrize("url", ["", "nonsense://x", "http://127.0.0.1:99999"])
def test_what_is_no_url(url: str) -> None:
    with pytest.raises(ValueError, match="Call needs a Stream, or the URL of a server"):
        Call(url, "webrtc")


@LIVE
async def test_a_server_without_a_stream(over: Any) -> None:
    reasons = {
        "webrtc": "there is no stream",
        "websocket": "without a stream",
        "twilio": "no stream",
    }
    with served(FastAPI()) as url:
        with pytest.raises(CallFailed, match=f"not connected: .*{reasons[over]}"):
            async with Call(url, over):
                pass


@LIVE
async def test_a_server_that_does_not_answer(over: Any) -> None:
    began = time.monotonic()
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        with pytest.raises(CallFailed, match="not connected.* within 0.5 s"):
            async with Call(url, over, connect_limit_s=0.5):
                pass
    assert time.monotonic() - began < 10


@LIVE
async def test_a_server_that_vanishes(over: Any, tmp_path: Path) -> None:
    program, port = tmp_path / "program.py", free_port()
    program.write_text(PROGRAM.replace("ROOT", str(ROOT)))
    with forked(str(program), str(port)) as process:
        while True:
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except OSError:
                assert process.poll() is None
                await asyncio.sleep(0.05)
        with pytest.raises(CallFailed, match="ended the call: the connection was lost$"):
            async with Call(f"http://127.0.0.1:{port}", over, limit_s=30) as call:
                await call.say(SPEECH)
                await call.reply()
                process.kill()
                await call.wait(60)
    assert call.turns[0].latency_s < 3


@pytest.mark.parametrize(
    ("over", "reason"),
    [
        ("memory", "did not end within 1 s: its handler blocks"),
        ("websocket", rf"blocks the event loop of its server, at {__file__}:\d+$"),
    ],
)
async def test_a_program_that_cannot_be_ended(over: Any, reason: str) -> None:
    ends = threading.Event()

    class Blocks(Ending):
        def shutdown(self) -> None:
            ends.wait(20)

        def copy(self) -> "Blocks":
            return Blocks(True)

    asyncio.get_running_loop().call_later(8, ends.set)
    with pytest.raises(CallFailed, match=reason):
        async with Call(serving(Blocks(True)), over, hang_up_limit_s=1) as call:
            await call.wait(0.1)
