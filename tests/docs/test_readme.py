"""The quick starts of README.md do what they promise."""

from collections.abc import Callable
from types import ModuleType

import numpy as np
import pytest

from tests.demos.stand_ins.openai_chat import openai_service
from tests.support.peers import LOCAL, AudioSource, Client, eventually
from tests.support.speech import find_in, recorded_prompt, spaced

from .conftest import HEARD

Snippet = Callable[[str], ModuleType]


async def test_echo(snippet: Snippet) -> None:
    stream = snippet("readme/echo.py").stream
    stream.server_rtc_configuration = stream.convert_to_aiortc_format(LOCAL)
    goodbye = recorded_prompt("vm-goodbye")
    async with Client(stream, audio=AudioSource(spaced(0.5, goodbye))) as client:
        await eventually(lambda: find_in(client.heard(), goodbye).likeness > 0.6)


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
