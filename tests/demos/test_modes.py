"""Each demo in its other modes: on Gradio's page, and as a number to call."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from packaging.requirements import Requirement

from tests.server.test_fastphone import NUMBER, StandIn
from tests.support.forks import Fork, forked
from tests.support.peers import eventually
from tests.support.ports import free_port
from tests.support.servers import serving
from tests.telephone.phone import Phone

DEMO = Path(__file__).resolve().parents[2] / "demo"
APPS = {path.parent.name: path.read_text("utf-8") for path in sorted(DEMO.glob("*/app.py"))}
PAGES = [name for name, app in APPS.items() if '"UI"' in app]
CALLED = [name for name, app in APPS.items() if '"PHONE"' in app]
ENGINES = {"STT": "pocketsphinx", "TTS": "espeak"}  # they need no download
ASK_AT_ONCE = {"gemini_audio", "openai_realtime"}  # their service, when somebody calls


@pytest.mark.parametrize("name", PAGES)
def test_the_page_of_gradio(name: str, start_demo) -> None:
    demo = start_demo(name, MODE="UI", **ENGINES)
    assert httpx.get(demo.url).status_code == 200
    assert "webrtc" in demo.components()


@pytest.mark.parametrize("name", CALLED)
async def test_a_number_to_call(name: str) -> None:
    service = StandIn()
    with serving(service.app) as url, calls(name, url) as running:
        said = told_until(running, str(NUMBER["code"]))
        host = service.asked[0][1]["url"]
        server = f"http://127.0.0.1:{host.partition('-')[2].partition('.')[0]}"
        async with httpx.AsyncClient() as http:
            answer = await http.post(f"{server}/telephone/incoming", headers={"Host": host})
        assert f"wss://{host}/telephone/handler" in answer.text
        if name not in ASK_AT_ONCE:
            async with Phone(server) as phone:
                if name == "receive_audio":
                    await eventually(lambda: phone.played.any())
        running.send_signal(signal.SIGINT)
        said += running.communicate(timeout=60)[0]
    assert "The number is given back." in said
    assert "Traceback" not in said, said


@contextmanager
def calls(name: str, service: str) -> Iterator[Fork]:
    """`fastrtc demo NAME --phone`, with a stand-in of the service."""
    command = ["demo", name, "--phone", "--port", str(free_port())]
    variables = {**os.environ, **ENGINES, "SERVICE": service, "HF_TOKEN": "mine"}
    with forked(
        *("-m", "tests.demos.calls", *command),
        cwd=DEMO.parent,
        env=variables,
        stderr=subprocess.STDOUT,
    ) as running:
        yield running


def told_until(running: Fork, text: str) -> str:
    """What it has written up to a line with a text."""
    said = ""
    for line in running.stdout:
        said += line
        if text in line:
            return said
    raise AssertionError(f"it ended:\n{said}")


@pytest.mark.parametrize("name", APPS)
def test_what_it_needs_is_this_package_with_what_calls_need(name: str) -> None:
    lines = (DEMO / name / "requirements.txt").read_text("utf-8").splitlines()
    (needed,) = [one for line in lines if (one := Requirement(line)).name == "fastrtc"]
    assert "0.0.34" not in needed.specifier  # FastRTC, which has the name on PyPI
    assert ("phone" in needed.extras) == (name in CALLED)
