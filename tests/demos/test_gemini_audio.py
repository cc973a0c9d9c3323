"""`demo/gemini_audio`, with a stand-in of the service on this machine."""

import importlib.util
from pathlib import Path

import pytest
from playwright.async_api import expect

from fastrtc import WebRTCError
from tests.browser.server import ROOT
from tests.demos.running import MARKS
from tests.demos.stand_ins.gemini_live import HEARS, SPEAKS, gemini_live
from tests.demos.voices import hears_sound
from tests.support.peers import eventually
from tests.support.speech import find_in, recorded_prompt, spaced, trimmed
from tests.telephone.phone import RATE, Phone

pytestmark = [*MARKS, pytest.mark.external("recorded-voices")]


def voice(name: str, rate: int):
    return trimmed(recorded_prompt(name, rate), rate)


async def test_it_answers_with_the_voice_that_is_chosen(start_demo, open_page, tmp_path: Path):
    async with gemini_live(tmp_path, voice("tt-weasels", SPEAKS)) as service:
        demo = start_demo("gemini_audio", **service.variables)
        page = await open_page(demo.url, says=voice("hello-world", 48_000))
        await page.page.get_by_label("Voice").click()
        await page.page.get_by_role("option", name="Kore").click()
        await expect(page.page.get_by_label("Voice")).to_have_value("Kore")
        await page.start()
        await hears_sound(page, voice("tt-weasels", 48_000))
        await page.picture("gemini_audio")
        await page.press("Stop")
        await eventually(lambda: service.sessions[0].ended)

    (session,) = service.sessions
    assert session.voice == "Kore"
    assert find_in(session.ear.samples, voice("hello-world", HEARS)).likeness > 0.5
    assert not service.refused


async def test_on_the_telephone_it_is_interrupted(start_demo, tmp_path: Path):
    answers = voice("demo-congrats", SPEAKS), voice("auth-thankyou", SPEAKS)
    hello, moment = voice("hello-world", RATE), voice("one-moment-please", RATE)
    async with gemini_live(tmp_path, *answers) as service:
        demo = start_demo("gemini_audio", **service.variables)
        async with Phone(demo.url) as phone:
            await eventually(lambda: service.sessions)
            await phone.say(spaced(hello, 1.0, rate=RATE))
            begun = voice("demo-congrats", RATE)[: RATE // 2]
            await eventually(lambda: find_in(phone.played, begun).likeness > 0.8)
            await phone.say(spaced(moment, 1.0, rate=RATE))
            thanks = voice("auth-thankyou", RATE)
            await eventually(lambda: find_in(phone.played, thanks).likeness > 0.8)

    (session,) = service.sessions
    assert session.interrupted == 1 and phone.cleared_at
    for spoken in ("hello-world", "one-moment-please"):
        assert find_in(session.ear.samples, voice(spoken, HEARS)).likeness > 0.8
    assert session.voice == "Puck"
    assert not service.refused


async def test_it_tells_of_a_wrong_key(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    spec = importlib.util.spec_from_file_location("gemini", ROOT / "demo/gemini_audio/app.py")
    demo = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(demo)
    async with gemini_live(tmp_path, voice("tt-weasels", SPEAKS)) as service:
        for name, value in (service.variables | {"GEMINI_API_KEY": "wrong"}).items():
            monkeypatch.setenv(name, value)
        handler = demo.Gemini()
        handler.phone_mode = True
        with pytest.raises(WebRTCError, match="No connection with Gemini: .*API key not valid"):
            await handler.start_up()
