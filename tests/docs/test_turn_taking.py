"""What the programs of `docs/turn-taking.md` do, beyond connecting."""

import asyncio
import re
import time

import numpy as np
import pytest
from fastapi.responses import HTMLResponse
from httpx import ASGITransport, AsyncClient
from playwright.async_api import expect

from fastrtc.testing import Call, CallFailed
from tests.demos.conftest import open_page, playwright  # noqa: F401
from tests.demos.running import MARKS
from tests.support.models import StreamingEnergy
from tests.support.peers import LOCAL, AudioSource, Client, tone
from tests.support.servers import serving
from tests.support.speech import recorded_prompt, spaced

from .pages import SOURCES


async def test_own_vad(snippet) -> None:
    async with Call(snippet("turn-taking/own_vad.py").stream) as call:
        await call.say((48_000, tone(1.5)))  # loud, though no voice
        await call.reply()
    assert {"type": "log", "data": "pause_detected"} in call.messages


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


async def test_silent(snippet) -> None:
    stream = snippet("turn-taking/silent.py").stream
    async with Call(stream) as call:
        with pytest.raises(CallFailed, match="The user was silent"):
            await call.wait(30)
        assert call._line.now_s() == pytest.approx(20, abs=5)
    assert call.turns[0].reply_starts_s == pytest.approx(8, abs=1)


async def test_keys(snippet) -> None:
    handler = snippet("turn-taking/keys.py").stream.event_handler
    second = (48_000, tone(1.0).reshape(1, -1))
    for keys, answered in (("1*#", False), ("#", True)):
        handler.receive(second)
        for key in keys:
            handler.receive_dtmf(key)
        assert handler.event.is_set() is answered


class TestPages:
    pytestmark = [*MARKS, pytest.mark.external("recorded-voices")]

    async def test_push_to_talk(self, snippet, open_page) -> None:  # noqa: F811
        module = snippet("turn-taking/push_to_talk.py")
        module.stream.server_rtc_configuration = module.stream.convert_to_aiortc_format(LOCAL)
        turns: list[float] = []

        def reply(audio):
            turns.append(audio[1].size / audio[0])
            yield audio

        module.stream.event_handler.fn = reply
        html = (SOURCES / "turn-taking/push_to_talk.html").read_text(encoding="utf-8")
        module.app.add_api_route("/page", lambda: HTMLResponse(html))
        goodbye = recorded_prompt("vm-goodbye")
        with serving(module.app) as url:
            tab = await open_page(f"{url}/page", says=goodbye, again=1.0)
            await tab.start()
            talk = tab.page.get_by_role("button", name="Hold to talk")
            await expect(talk).to_be_enabled()
            await asyncio.sleep(2)
            assert not np.any(np.abs(await tab.heard()) > 500)
            lasted = []
            for _ in range(2):  # the second one interrupts the reply to the first
                began = time.monotonic()
                await tab.page.keyboard.down("Space")
                await expect(talk).to_have_attribute("aria-pressed", "true")
                await asyncio.sleep(5)
                await tab.page.keyboard.up("Space")
                lasted.append(time.monotonic() - began)
                await tab.hears(goodbye)
        assert len(turns) == 2
        assert all(4.5 < turn < most + 1 for turn, most in zip(turns, lasted, strict=True))
