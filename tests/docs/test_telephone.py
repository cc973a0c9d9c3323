"""What the programs of `docs/telephone.md` do when they are called."""

import json

import httpx
import numpy as np
import pytest
from fastapi import FastAPI
from websockets.asyncio.client import connect

from tests.support.http_service import http_service
from tests.support.peers import eventually
from tests.support.servers import serving
from tests.support.speech import recorded_prompt, spaced, trimmed
from tests.telephone.phone import RATE, Phone, Telnyx


@pytest.fixture
def spoken() -> np.ndarray:
    return spaced(0.3, trimmed(recorded_prompt("vm-goodbye", rate=RATE), RATE), 0.3, rate=RATE)


async def test_only_twilio_may_call(snippet) -> None:
    with serving(snippet("telephone/app.py").app) as url:
        async with httpx.AsyncClient() as http:
            answer = await http.post(f"{url}/telephone/incoming", data={"CallSid": "CA1"})
    assert answer.status_code == 403


async def test_own_routes(snippet) -> None:
    module = snippet("telephone/own_routes.py")
    with serving(module.app) as url:
        async with httpx.AsyncClient() as http:
            answer = await http.post(f"{url}/shop/telephone/incoming", data={"CallSid": "CA1"})
        assert "/shop/telephone/handler" in answer.text
        async with Phone(url, path="/shop/telephone/handler", call_id="CA1") as phone:
            await eventually(lambda: phone.id in module.stream.handlers)


@pytest.mark.external("recorded-voices")
async def test_memory(snippet, spoken: np.ndarray) -> None:
    stream = snippet("telephone/memory.py").stream
    app = FastAPI()
    stream.mount(app)
    with serving(app) as url:
        async with Phone(url) as phone:
            for turns in (1, 2):
                await phone.say(spoken)
                await eventually(lambda: turns in stream.handlers[phone.id].latest_args)  # noqa: B023


@pytest.mark.external("recorded-voices")
async def test_menu(snippet, capsys: pytest.CaptureFixture[str], spoken: np.ndarray) -> None:
    stream = snippet("telephone/menu.py").stream
    app = FastAPI()
    stream.mount(app)
    with serving(app) as url:
        async with Phone(url, **{"from": "+15550100"}) as phone:
            said = "+15550100 pressed 5"
            await phone.press("5")
            heard = ""

            def printed() -> bool:
                nonlocal heard
                heard += capsys.readouterr().out
                return said in heard

            await eventually(printed)


async def test_telnyx_is_told_to_hang_up(snippet, monkeypatch: pytest.MonkeyPatch) -> None:
    with http_service() as service:
        monkeypatch.setenv("TELNYX_API", service.url)
        stream = snippet("telephone/telnyx.py").stream
        app = FastAPI()
        stream.mount(app)
        with serving(app) as url:
            async with Phone(url, Telnyx) as phone:
                await eventually(lambda: phone.id in stream.handlers)
                async with Phone(url, Telnyx, call_id="v3:a/b?c") as refused:
                    await eventually(refused.ended.is_set)
            await eventually(lambda: len(service.received) == 2)
    assert service.received[0].path == "/calls/v3%3Aa%2Fb%3Fc/actions/hangup"
    assert service.received[1].path.endswith("/actions/hangup")
    assert service.received[0].headers["authorization"] == "Bearer stand-in"


async def test_a_provider_of_ones_own(snippet) -> None:
    stream = snippet("telephone/provider.py").stream
    app = FastAPI()
    stream.mount(app)
    with serving(app) as url:
        async with connect(f"{url.replace('http', 'ws')}/telephone/handler") as socket:
            await socket.send(json.dumps({"event": "start", "call": "c1"}))
            await eventually(lambda: "c1" in stream.handlers)
            await socket.send(json.dumps({"event": "media", "media": {"payload": "/////w=="}}))
            await socket.send(json.dumps({"event": "stop"}))
            await eventually(lambda: "c1" not in stream.handlers)
        async with connect(f"{url.replace('http', 'ws')}/telephone/handler") as socket:
            await socket.send(json.dumps({"event": "start", "call": 1}))
            await eventually(lambda: socket.close_code == 1003)
