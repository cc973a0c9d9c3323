"""The demo that is called: `demo/phone/app.py`."""

import importlib.util
from pathlib import Path

import pytest

from tests.support.peers import eventually
from tests.support.servers import serving
from tests.support.speech import find_in, recorded_prompt, spaced, trimmed
from tests.telephone.phone import RATE, Phone

APP = Path(__file__).resolve().parents[2] / "demo" / "phone" / "app.py"


@pytest.mark.external("recorded-voices")
async def test_the_parrot_says_it_again_and_changes_its_voice(capsys: pytest.CaptureFixture[str]):
    spec = importlib.util.spec_from_file_location("phone_demo", APP)
    demo = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(demo)
    goodbye = trimmed(recorded_prompt("vm-goodbye", rate=RATE), RATE)

    with serving(demo.app) as url:
        async with Phone(url, **{"from": "+15550100"}) as phone:
            await phone.say(spaced(0.3, goodbye, 0.2, rate=RATE))
            await eventually(lambda: find_in(phone.played, goodbye).likeness > 0.9)
            await eventually(phone.is_quiet)
            length = phone.played.size

            await phone.press("2")
            await phone.say(spaced(0.3, goodbye, 0.2, rate=RATE))
            await eventually(lambda: phone.played.size > length)
            await eventually(phone.is_quiet)

    assert phone.played.size - length == pytest.approx(length / 1.4, rel=0.1)
    assert capsys.readouterr().out.count("+15550100 spoke for") == 2
