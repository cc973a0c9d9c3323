"""What the programs of `docs/security.md` let in, and what not."""

import asyncio
import json
import os
import xml.etree.ElementTree as ET
from contextlib import AsyncExitStack

import httpx
import pytest
from fastapi import FastAPI
from twilio.request_validator import RequestValidator
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from tests.support.peers import AudioSource, eventually
from tests.support.servers import serving
from tests.telephone.phone import Phone

from .over_http import HttpClient

LOGGED_IN = {"cookie": "session=d41d8cd9"}
REFUSED = {"status": "failed", "meta": {"error": "unauthorized", "reason": "Log in first."}}


@pytest.mark.parametrize("headers", [{}, {"cookie": "session=guessed"}])
async def test_who_has_not_logged_in(headers: dict[str, str], snippet) -> None:
    module = snippet("security/authorize.py")
    client = HttpClient(module.app, module.stream, headers=headers, audio=AudioSource())
    assert await client.call() == REFUSED
    assert not module.stream.handlers
    await client.close()


async def test_who_has_logged_in(snippet) -> None:
    module = snippet("security/authorize.py")
    media = {"audio": AudioSource()}
    async with HttpClient(module.app, module.stream, headers=LOGGED_IN, **media) as client:
        assert client.webrtc_id in module.stream.handlers


async def test_a_socket(snippet) -> None:
    with serving(snippet("security/authorize.py").app) as url:
        socket_url = url.replace("http", "ws", 1) + "/websocket/offer"
        async with connect(socket_url) as socket:
            assert json.loads(await socket.recv()) == REFUSED


async def test_the_telephone_is_no_way_around_the_login(snippet) -> None:
    """It has no cookies, so that Twilio must have signed what comes."""
    module = snippet("security/authorize.py")
    with serving(module.app) as url:
        host = url.removeprefix("http://")
        signed = RequestValidator(os.environ["MY_TWILIO_TOKEN"]).compute_signature
        call = {"CallSid": "CA1"}
        signatures = {
            way: {"X-Twilio-Signature": signed(address, posted)}
            for way, address, posted in (
                ("call", f"{url}/telephone/incoming", call),
                ("socket", f"wss://{host}/telephone/handler", {}),
            )
        }
        async with httpx.AsyncClient(trust_env=False) as http:
            for headers, status in ((LOGGED_IN, 403), (signatures["call"], 200)):
                answer = await http.post(f"{url}/telephone/incoming", data=call, headers=headers)
                assert answer.status_code == status
        assert f"wss://{host}/telephone/handler" in answer.text
        for headers in ({}, LOGGED_IN, signatures["call"]):
            with pytest.raises(InvalidStatus, match="403"):
                async with Phone(url, headers=headers):
                    pass
        assert not module.stream.handlers
        stream = ET.fromstring(answer.text).find("Connect/Stream")
        told = {one.get("name"): one.get("value") for one in stream}
        async with Phone(url, headers=signatures["socket"], call_id="CA1", **told) as phone:
            await eventually(lambda: phone.id in module.stream.handlers)


async def test_the_handler_knows_who_it_is(snippet) -> None:
    module = snippet("security/who.py")
    for headers, name in (({"x-user": "ada"}, "ada"), ({}, "a guest")):
        media = {"audio": AudioSource()}
        async with HttpClient(module.app, module.stream, headers=headers, **media) as client:
            assert module.stream.handlers[client.webrtc_id].user == name


async def test_sockets_that_say_nothing(snippet) -> None:
    app = FastAPI()
    snippet("security/limits.py").stream.mount(app)
    with serving(app) as url:
        address = url.replace("http", "ws", 1) + "/websocket/offer"
        async with AsyncExitStack() as sockets:
            first, *_ = [await sockets.enter_async_context(connect(address)) for _ in range(51)]
            await asyncio.wait_for(first.wait_closed(), 10)
    assert first.close_code == 1013
