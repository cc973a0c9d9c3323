"""Calls that a program makes: stand-ins of the services take the order, and somebody answers.

As the services do, they then ask the program's webhook, and open the socket that it names.
The program is reached over http, where its address says https.
"""

import xml.etree.ElementTree as ET
from collections.abc import Callable
from types import ModuleType
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from twilio.request_validator import RequestValidator

from tests.support.peers import eventually
from tests.support.servers import serving
from tests.support.speech import find_in, recorded_prompt
from tests.telephone.phone import RATE, Phone, Plivo, Provider, Telnyx

Snippet = Callable[[str], ModuleType]
ADA, US = "+15550100", "+15550199"


class Service:
    """Takes orders for calls over HTTP."""

    def __init__(self, answer: dict[str, Any]) -> None:
        self.orders: list[tuple[str, str, dict[str, Any]]] = []
        self.app = FastAPI()

        @self.app.post("/{path:path}")
        async def take(path: str, request: Request) -> JSONResponse:
            kind = request.headers["content-type"]
            order = dict(await request.form()) if "form" in kind else await request.json()
            self.orders.append((path, request.headers["authorization"], order))
            return JSONResponse(answer, 201)


def basic(user: str, password: str) -> str:
    return str(httpx.BasicAuth(user, password)._auth_header)


async def greets(phone: Phone) -> None:
    await eventually(lambda: phone.played.size > RATE // 2)


async def echoes(phone: Phone) -> None:
    goodbye = recorded_prompt("vm-goodbye", RATE)
    await phone.say(goodbye)
    await eventually(lambda: find_in(phone.played, goodbye).likeness > 0.6)


def local(url: str, here: str) -> str:
    """The address under which a program that thinks to be elsewhere is reached."""
    scheme, _, rest = url.strip().partition("://")
    assert scheme in ("https", "wss") and rest.startswith(here.removeprefix("http://"))
    return f"http://{rest}"


async def test_twilio(snippet: Snippet, monkeypatch: pytest.MonkeyPatch) -> None:
    service = Service({"sid": "CA123", "status": "queued"})
    monkeypatch.setenv("CALL_KEY", "key")
    module = snippet("outbound-calls/twilio.py")
    account, token = module.ACCOUNT, module.TOKEN
    with serving(service.app) as api, serving(module.app) as here:
        module.API, module.HOST = api, here.removeprefix("http://")
        async with httpx.AsyncClient(base_url=here) as client:
            query = {"to": ADA, "from_": US}
            refused = await client.post("/call", params=query, headers={"key": "guess"})
            assert refused.status_code == 403
            made = await client.post("/call", params=query, headers={"key": "key"})
            assert made.json() == {"sid": "CA123"}
            ((path, authorization, order),) = service.orders
            assert path == f"2010-04-01/Accounts/{account}/Calls.json"
            assert authorization == basic(account, token)
            assert (order["To"], order["From"]) == (ADA, US)

            # Ada answers
            signed = RequestValidator(token).compute_signature
            call = {"CallSid": "CA123", "From": US, "To": ADA}
            twiml = await client.post(
                local(order["Url"], here),
                data=call,
                headers={
                    "X-Twilio-Signature": signed(order["Url"], call),
                    "X-Forwarded-Proto": "https",
                },
            )
        element = ET.fromstring(twiml.text).find("Connect/Stream")
        socket = str(element.get("url"))
        parameters = {one.get("name"): one.get("value") for one in element}
        assert socket == f"wss://{module.HOST}/telephone/handler"
        headers = {"X-Twilio-Signature": signed(socket, {})}
        async with Phone(here, headers=headers, call_id="CA123", **parameters) as phone:
            await greets(phone)
            await phone.hang_up()


async def test_telnyx(snippet: Snippet) -> None:
    service = Service({"data": {"call_control_id": "v3:1"}})
    module = snippet("outbound-calls/telnyx.py")
    with serving(service.app) as api, serving(module.app) as here:
        module.API, module.HOST = f"{api}/v2", here.removeprefix("http://")
        assert await module.call(ADA, US, "app") == "v3:1"
        ((path, authorization, order),) = service.orders
        assert (path, authorization) == ("v2/calls", "Bearer stand-in")
        assert (order["to"], order["from"], order["connection_id"]) == (ADA, US, "app")
        await answer(here, order["stream_url"], Telnyx)


async def test_plivo(snippet: Snippet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLIVO_AUTH_ID", "MA1")
    monkeypatch.setenv("PLIVO_AUTH_TOKEN", "secret")
    service = Service({"message": "call fired", "request_uuid": "u1"})
    module = snippet("outbound-calls/plivo.py")
    with serving(service.app) as api, serving(module.app) as here:
        module.API, module.HOST = f"{api}/v1", here.removeprefix("http://")
        assert await module.call(ADA, US) == "u1"
        ((path, authorization, order),) = service.orders
        assert (path, authorization) == ("v1/Account/MA1/Call/", basic("MA1", "secret"))
        assert (order["to"], order["from"], order["answer_method"]) == (ADA, US, "POST")
        async with httpx.AsyncClient() as client:
            xml = await client.post(local(order["answer_url"], here), data={"CallUUID": "u1"})
        await answer(here, str(ET.fromstring(xml.text).findtext("Stream")), Plivo)


async def answer(here: str, socket: str, provider: type[Provider]) -> None:
    """Open the socket of a call, speak, and hear oneself."""
    path = local(socket, here).removeprefix(here)
    async with Phone(here, provider, path=path) as phone:
        await echoes(phone)
        await phone.hang_up()
