"""What the programs of `docs/reconnecting.md`, and the recipe, do when a client returns."""

import asyncio
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from fastrtc import Client
from tests.support.peers import LOCAL, eventually
from tests.support.servers import serving
from tests.webrtc.test_resume import Resuming

Snippet = Callable[[str], ModuleType]


async def return_once(stream: Any) -> Any:
    """Connect a peer, and another one that resumes its session; return that."""
    stream.server_rtc_configuration = stream.convert_to_aiortc_format(LOCAL)
    first = Resuming(stream, webrtc_id="me")
    await first.connect()
    second = Resuming(stream, webrtc_id="me", resume=first.secret)
    await second.connect()
    await first.close()
    return second


async def test_the_program_counts_the_returns(snippet: Snippet) -> None:
    stream = snippet("reconnecting/server.py").stream
    client = await return_once(stream)
    await client.message("welcome_back", 1)
    await client.close()
    await client.over()


@pytest.mark.external("espeak-ng")
async def test_a_user_is_welcomed_back(snippet: Snippet) -> None:
    stream = snippet("cookbook/welcome_back.py").stream
    client = await return_once(stream)
    await eventually(lambda: len(client.loud()) > 20)
    await client.close()
    await client.over()


async def test_the_client_listens_over_an_outage(
    snippet: Snippet, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    module, app = snippet("reconnecting/client.py"), snippet("reconnecting/server.py").app
    made: list[Any] = []

    class Watched(Client):
        def __init__(self, url: str, **options: Any) -> None:
            super().__init__(url, "websocket", **options)
            made.append(self)

    monkeypatch.setattr(module, "Client", Watched)
    with serving(app) as url:
        listening = asyncio.ensure_future(module.listen(url))
        await eventually(lambda: made and made[0]._opened)
        made[0]._link._link._socket.transport.abort()
        await eventually(lambda: "reconnected" in capsys.readouterr().out)
        await made[0].close()
        assert await listening is None
    assert "s of audio" in capsys.readouterr().out
