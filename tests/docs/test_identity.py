"""What the programs of `docs/identity.md` know of their users."""

from typing import Any

import httpx
import pytest

from tests.support.peers import AudioSource, eventually
from tests.websocket.served import wait_until

from .over_http import HttpClient


async def test_what_authorize_returns(snippet: Any) -> None:
    module = snippet("identity/authorize.py")
    headers = {"cookie": "session=d41d8cd9"}
    media = {"audio": AudioSource()}
    async with HttpClient(module.app, module.stream, headers=headers, **media) as client:
        assert client.session.user_context.user == {"name": "Ada", "plan": "pro"}
    refused = HttpClient(module.app, module.stream, audio=AudioSource())
    assert (await refused.call())["meta"]["reason"] == "Log in first."
    await refused.close()


async def test_a_token(snippet: Any) -> None:
    module = snippet("identity/tokens.py")
    transport = httpx.ASGITransport(module.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://here") as http:
        assert (await http.get("/token")).status_code == 401
        token = (await http.get("/token", headers={"x-user": "ada"})).json()["token"]
    headers = {"Authorization": f"Bearer {token}"}
    media = {"audio": AudioSource()}
    async with HttpClient(module.app, module.stream, headers=headers, **media) as client:
        context = client.session.user_context
        assert context.user == "ada" and context.metadata == {"plan": "pro"}


async def test_who_comes_and_goes(snippet: Any, capsys: pytest.CaptureFixture[str]) -> None:
    from tests.support.peers import LOCAL, Client

    module = snippet("identity/events.py")
    module.stream.server_rtc_configuration = module.stream.convert_to_aiortc_format(LOCAL)
    async with Client(module.stream, audio=AudioSource()) as client:
        await eventually(lambda: client.session.messages is not None)
        printed = ""

        def connected() -> bool:
            nonlocal printed
            printed += capsys.readouterr().out
            return "has connected: {}" in printed

        await wait_until(connected)
    await wait_until(lambda: "talked for 0 s: closed" in capsys.readouterr().out)
