"""What the programs of `docs/turn-taking.md` do, beyond connecting."""

import re

import numpy as np
import pytest
from httpx import ASGITransport, AsyncClient

from fastrtc.testing import Call
from tests.support.models import StreamingEnergy
from tests.support.peers import LOCAL, AudioSource, Client, eventually, tone
from tests.support.speech import spaced


async def test_own_vad(snippet) -> None:
    stream = snippet("turn-taking/own_vad.py").stream
    stream.server_rtc_configuration = stream.convert_to_aiortc_format(LOCAL)
    spoken = spaced(0.3, tone(1.5), 1.5)  # loud, though no voice
    async with Client(stream, audio=AudioSource(spoken)) as client:
        await client.message("log", "pause_detected")
        await eventually(client.loud)


def test_own_vad_finds_what_is_loud(snippet) -> None:
    vad = snippet("turn-taking/own_vad.py").Loudness().vad
    audio = np.concatenate([np.zeros(24000, np.int16), tone(0.5), np.zeros(24000, np.int16)])
    seconds, chunks = vad((48000, audio), None)
    assert seconds == pytest.approx(0.5, abs=0.03)
    assert (chunks[0]["start"], chunks[-1]["end"]) == (24000, 48000)


def test_own_turn_model_judges_how_the_voice_ends(snippet) -> None:
    complete = snippet("turn-taking/own_turn_model.py").FadingVoice().complete
    voice = tone(1.5)[::3].astype(np.float32) / 32768
    silence = np.zeros(3200, np.float32)
    assert complete(np.concatenate((voice, voice[:8000] * 0.3, silence))) == 1.0
    assert complete(np.concatenate((voice, voice[:8000], silence))) == 0.0
    assert complete(np.concatenate((voice[:8000], silence))) == 1.0


async def test_early_keeps_what_was_answered(snippet) -> None:
    module = snippet("turn-taking/early.py")
    module.stream.event_handler.model = StreamingEnergy()
    async with Call(module.stream) as call:
        await call.say((48000, spaced(tone(0.6), 0.4, tone(0.6))))
        await call.reply()
        await call.finish()
    [(rate, samples)] = module.heard
    assert 1.7 < samples.shape[1] / rate < 2.0  # both, and once


@pytest.mark.external("espeak-ng")
def test_interruptions(snippet, capsys: pytest.CaptureFixture[str]) -> None:
    handler = snippet("turn-taking/interruptions.py").stream.event_handler
    handler.trigger_response()
    handler.emit()
    assert capsys.readouterr().out == ""
    handler.trigger_response()
    assert re.fullmatch(r"They heard 1\.\d s: Here is a long story\.\n", capsys.readouterr().out)
    handler.shutdown()


async def test_trigger(snippet) -> None:
    module = snippet("turn-taking/trigger.py")
    stream = module.stream
    stream.server_rtc_configuration = stream.convert_to_aiortc_format(LOCAL)
    async with (
        Client(stream, audio=AudioSource()) as client,
        AsyncClient(transport=ASGITransport(module.app), base_url="http://test") as http,
    ):
        assert (await http.post(f"/answer-now/{client.webrtc_id}")).status_code == 200
        await client.message("log", "response_starting")
