"""How long an attempt to resume may take, with real sockets that do not answer."""

import asyncio
import socket
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from fastrtc.client import attempts
from fastrtc.client.attempts import open_in_time
from fastrtc.client.link import TransportLink
from fastrtc.client.web_socket import WebSocketLink
from fastrtc.client.webrtc import WebRTCLink

REQUEST = {"resume": "secret"}


def limit(monkeypatch: pytest.MonkeyPatch, *seconds: float) -> None:
    for name, value in zip(("REACH", "ANSWER", "ATTEMPT"), seconds, strict=True):
        monkeypatch.setattr(attempts, f"{name}_TIMEOUT_S", value)


@pytest.fixture
def silent() -> Iterator[socket.socket]:
    """A port that accepts connections, and answers nothing."""
    with socket.create_server(("127.0.0.1", 0), backlog=8) as listening:
        yield listening


@pytest.fixture
def unreachable() -> Iterator[socket.socket]:
    """A port whose SYN packets are dropped, as by a network that is away: its queue is full."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listening:
        address, clients = listening.getsockname(), []
        for _ in range(4):
            clients.append(socket.socket())
            clients[-1].setblocking(False)
            clients[-1].connect_ex(address)
        yield listening
        for client in clients:
            client.close()


def created(transport: str, server: socket.socket) -> TransportLink:
    events: Any = SimpleNamespace()
    url = f"http://127.0.0.1:{server.getsockname()[1]}"
    if transport == "websocket":
        return WebSocketLink(url, "me", {}, 24_000, "pcm16", events)
    return WebRTCLink(url, "me", {}, ["audio"], "receive", None, 24_000, events, trickle=False)


async def attempted(link: TransportLink) -> tuple[float, str | None]:
    """Return how long an attempt takes, and the code of its failure."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    failure = await open_in_time(link, REQUEST)
    seconds = loop.time() - began
    await link.close(stop=False)
    return seconds, failure and failure.code


@pytest.mark.parametrize("transport", ["webrtc", "websocket"])
async def test_a_server_that_is_not_reached_is_given_up_soon(
    transport: str, unreachable: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit(monkeypatch, 0.3, 20.0, 40.0)
    link = created(transport, unreachable)
    seconds, code = await attempted(link)
    assert code == "server_timeout"
    assert not link.reached
    assert 0.3 <= seconds < 10.0


@pytest.mark.parametrize("transport", ["webrtc", "websocket"])
async def test_a_server_that_is_reached_may_take_longer_to_answer(
    transport: str, silent: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit(monkeypatch, 0.3, 0.8, 20.0)
    link = created(transport, silent)
    seconds, code = await attempted(link)
    assert code == "server_timeout"
    assert link.reached and not link.answered
    assert 0.8 <= seconds < 10.0


@pytest.mark.parametrize(("connects_after_s", "code"), [(0.4, None), (30.0, "server_timeout")])
async def test_a_connection_may_take_longest_after_the_answer(
    connects_after_s: float, code: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit(monkeypatch, 0.1, 0.2, 0.8)

    async def open(fields: Any) -> None:
        assert fields == REQUEST
        await asyncio.sleep(connects_after_s)

    async def close(stop: bool) -> None: ...

    link: Any = SimpleNamespace(open=open, close=close, reached=True, answered=True)
    seconds, failure = await attempted(link)
    assert failure == code
    assert seconds < 10.0


async def test_an_unexpected_exception_is_a_failure() -> None:
    async def open(fields: Any) -> None:
        raise OSError(24, "Too many open files")

    failure = await open_in_time(SimpleNamespace(open=open), REQUEST)  # type: ignore[arg-type]
    assert failure is not None
    assert (failure.code, failure.message) == ("client_error", "[Errno 24] Too many open files")
