"""What the programs of `docs/audio.md` do, beyond connecting."""

import asyncio
import io
from collections.abc import Iterator

import av
import numpy as np
import pytest
from fastapi import FastAPI

from fastrtc import AdditionalOutputs
from fastrtc.testing import Call
from tests.support.peers import tone
from tests.support.servers import serving

from .conftest import HEARD
from .services import service

LOUD = (48000, tone(1.0).reshape(1, -1))


@pytest.fixture
def services(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[FastAPI, str]]:
    app = service()
    with serving(app) as url:
        monkeypatch.setenv("OPENAI_BASE_URL", f"{url}/v1")
        yield app, url


@pytest.mark.external("espeak-ng")
async def test_llm(snippet, services) -> None:
    app, _ = services
    async with Call(snippet("audio/llm.py").stream) as call:
        await call.say("How is the weather today?")
        await call.reply()
        await call.finish()
    assert {"type": "log", "data": "response_starting"} in call.messages
    assert app.state.asked[0] == ["Answer in one or two spoken sentences.", HEARD]


async def test_greeting(snippet) -> None:
    async with Call(snippet("audio/greeting.py").stream) as call:
        await call.finish()
    (greeting,) = call.turns
    assert greeting.reply_ends_s - greeting.reply_starts_s > 0.4


def test_inputs(snippet) -> None:
    outputs, audio = snippet("audio/inputs.py").reply(LOUD, 0.5, ["before"])
    assert isinstance(outputs, AdditionalOutputs)
    assert outputs.args[0] == ["before", "1.0 s of speech"]
    assert np.abs(audio[1]).max() == pytest.approx(4000, abs=2)


async def test_async_reply(snippet) -> None:
    pieces = [piece async for piece in snippet("audio/async_reply.py").reply(LOUD)]
    assert [samples.shape for _, samples in pieces] == [(1, 48000)]


async def test_service(snippet, services) -> None:
    app, _ = services
    transcribe = snippet("audio/service.py").transcribe
    (output,) = await asyncio.to_thread(lambda: list(transcribe(LOUD)))
    assert output.args == ("hello",)
    model, mp3 = app.state.asked[0]
    with av.open(io.BytesIO(mp3)) as container:
        assert (model, container.format.name) == ("whisper-1", "mp3")


async def test_raw(snippet, services, monkeypatch: pytest.MonkeyPatch) -> None:
    app, url = services
    module = snippet("audio/raw.py")
    monkeypatch.setattr(module, "SERVICE", f"{url}/speak")
    pieces = await asyncio.to_thread(lambda: list(module.reply(LOUD)))
    assert app.state.asked == ["Hello"]
    assert {rate for rate, _ in pieces} == {24000}
    heard = np.concatenate([samples[0] for _, samples in pieces])
    np.testing.assert_array_equal(heard, tone(0.5))


def test_receive(snippet) -> None:
    notes = list(snippet("audio/receive.py").scale())
    assert len(notes) == 8
    spectrum = np.abs(np.fft.rfft(notes[5][1][0]))
    assert spectrum.argmax() * 24000 / 9600 == pytest.approx(440, abs=2.5)
