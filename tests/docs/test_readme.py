"""The quick starts of README.md do what they promise."""

import os
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import httpx
import numpy as np
import pytest

from fastrtc.testing import Call
from tests.demos.running import Program
from tests.demos.stand_ins.openai_chat import openai_service
from tests.support.ports import free_port
from tests.support.speech import find_in, recorded_prompt

from .conftest import ENVIRONMENT, HEARD
from .pages import SOURCES

Snippet = Callable[[str], ModuleType]


@pytest.mark.parametrize("name", ["echo", "llm", "flip", "detection"])
def test_its_page_is_there(name: str, tmp_path: Path, hub_cache: Path) -> None:
    """`python echo.py`, and so on."""
    port = free_port()
    hub = {"HF_HUB_CACHE": str(hub_cache), "HF_HUB_OFFLINE": "1"}
    where = {"GRADIO_SERVER_PORT": str(port)}
    log = tmp_path / "log"
    variables = {**ENVIRONMENT, **hub, **where}  # of which imports read those of the hub
    forked = name == "flip"  # which uses nothing of the hub
    program = Program(log, SOURCES / f"readme/{name}.py", port, variables, forked)
    program.start()
    try:
        assert "webrtc" in program.components()
        program.writes(f"http://127.0.0.1:{port}")  # the address to open
    finally:
        program.stop()
    assert not program.complaints()


def test_a_page_beside_the_routes(tmp_path: Path) -> None:
    """`uvicorn mount:app`."""
    log, script = tmp_path / "log", tmp_path / "serve.py"
    script.write_text(
        "import os, uvicorn\nuvicorn.run('mount:app', port=int(os.environ['PORT']))\n"
    )
    path = os.pathsep.join([str(SOURCES / "readme"), os.environ.get("PYTHONPATH", "")])
    program = Program(log, script, variables={"PYTHONPATH": path}, forked=False)
    program.start()
    try:
        assert "webrtc" in program.components()
        assert "webrtc_id" in httpx.post(f"{program.url}/webrtc/offer", json={}).text
    finally:
        program.stop()
    assert not program.complaints()


async def test_echo(snippet: Snippet) -> None:
    goodbye = recorded_prompt("vm-goodbye")
    async with Call(snippet("readme/echo.py").stream) as call:
        await call.say((48_000, goodbye))
        await call.finish()
    heard = np.pad(call.turns[0].audio[1], 48_000)  # without the silence at its edges
    assert find_in(heard, goodbye).likeness > 0.6


async def test_llm(snippet: Snippet, monkeypatch: pytest.MonkeyPatch) -> None:
    with openai_service() as service:
        for name, value in service.variables.items():
            monkeypatch.setenv(name, value)
        service.replies += [["It is sunny."]]
        module = snippet("readme/llm.py")
        chunks = list(module.reply((48_000, recorded_prompt("vm-goodbye").reshape(1, -1))))
        module.llm.close()
        (asked,) = service.chats
    assert [message.content for message in asked.messages] == [HEARD]
    assert chunks and all(rate == 24_000 for rate, _ in chunks)


async def test_flip(snippet: Snippet) -> None:
    frame = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
    assert (snippet("readme/flip.py").flip(frame) == frame[::-1]).all()


async def test_detection(snippet: Snippet) -> None:
    detect = snippet("readme/detection.py").detect
    red = np.zeros((480, 640, 3), np.uint8)
    red[..., 2] = 200  # the stand-in of the network is as sure of a bicycle as this is red
    seen = detect(red)
    assert seen.shape == (640, 640, 3)
    assert (seen == [0, 0, 255]).all(axis=2).any(), "there is no box"
    assert (detect(red, 0.9) != [0, 0, 255]).any(axis=2).all(), "there is one that is not sure"
