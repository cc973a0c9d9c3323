"""What the programs of `docs/messages.md` do with messages and calls."""

import json
from typing import Any

import pytest

from tests.support.peers import LOCAL, AudioSource, Client, eventually, tone


def client_of(stream: Any, **options: Any) -> Client:
    stream.server_rtc_configuration = stream.convert_to_aiortc_format(LOCAL)
    return Client(stream, **{"audio": AudioSource(), **options})


async def test_a_message_sets_the_volume(snippet: Any) -> None:
    async with client_of(snippet("messages/receive.py").stream) as client:
        await eventually(lambda: client.channel.readyState == "open")
        client.channel.send('{"type": "volume", "data": 0.5}')
        await client.message("volume_set", 0.5)
        assert client.session.user_context.state == {"volume": 0.5}


async def test_a_method(snippet: Any) -> None:
    async with client_of(snippet("messages/method.py").stream) as client:
        await eventually(lambda: client.channel.readyState == "open")
        for id, item in (("a", "tea"), ("b", "beer")):
            call = {"type": "call", "id": id, "name": "price_of", "data": {"item": item}}
            client.channel.send(json.dumps(call))
        tea, beer = await eventually(
            lambda: (found := client.of_type("result")) and len(found) == 2 and found
        )
        assert tea == {"type": "result", "id": "a", "data": 2.5}
        assert beer == {"type": "result", "id": "b", "error": "'beer'"}


async def test_a_call_of_the_program(snippet: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """The reply calls the page, which answers."""

    module = snippet("messages/call.py")
    async with client_of(module.stream, audio=AudioSource(tone(1))) as client:
        await eventually(lambda: client.channel.readyState == "open")
        client.session.handler.trigger_response()
        (call,) = await eventually(lambda: client.of_type("call"))
        assert call["name"] == "location" and call["data"] == {"exact": False}
        result = {"type": "result", "id": call["id"], "data": "Berlin"}
        client.channel.send(json.dumps(result))
        await eventually(lambda: "The user is at Berlin" in capsys.readouterr().out)
