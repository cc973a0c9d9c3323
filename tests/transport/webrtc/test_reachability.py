"""STUN and TURN servers are tried: coturn on this machine, and what is none."""

import asyncio
import socket
from collections.abc import Iterator

import pytest

from fastrtc.transport.webrtc import reachability
from fastrtc.transport.webrtc.reachability import try_servers
from tests.support.ports import free_port
from tests.support.turn import PASSWORD, USER, Turn, turn_server


@pytest.fixture(scope="module")
def turn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Turn]:
    with turn_server(tmp_path_factory.mktemp("coturn")) as server:
        yield server


def configuration(url: str, username: str = USER, credential: str = PASSWORD) -> dict:
    return {"iceServers": [{"urls": url, "username": username, "credential": credential}]}


@pytest.mark.external("turnserver")
@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_a_relay_is_had(turn: Turn, transport: str) -> None:
    (found,) = await try_servers(configuration(turn.url(transport)))
    assert (found.kind, found.failure) == ("relay", None)
    assert found.address.startswith("127.0.0.1:")


@pytest.mark.external("turnserver")
async def test_the_address_as_seen_from_outside_is_had(turn: Turn) -> None:
    (found,) = await try_servers({"iceServers": {"urls": f"stun:127.0.0.1:{turn.port}"}})
    assert (found.kind, found.failure) == ("srflx", None)
    assert found.address.startswith("127.0.0.1:")


@pytest.mark.external("turnserver")
async def test_each_server_is_tried_by_itself(turn: Turn) -> None:
    servers = [
        {"urls": [f"stun:127.0.0.1:{turn.port}", turn.url()], "username": "a", "credential": "b"},
        {"urls": turn.url()},
        {"urls": "stuns:127.0.0.1:5349"},
    ]
    found = await try_servers({"iceServers": servers})
    failures = [None, "credentials", "no credentials", "unsupported"]
    assert [one.failure for one in found] == failures
    assert "401" in found[1].detail
    assert "no username" in found[2].detail


async def test_where_nothing_listens() -> None:
    port = free_port()
    servers = [
        {"urls": f"turn:127.0.0.1:{port}?transport=tcp", "username": "a", "credential": "b"},
        {"urls": f"stun:127.0.0.1:{port}"},
        {"urls": "stun:no-such-host.invalid"},
    ]
    found = await try_servers({"iceServers": servers})
    assert [one.failure for one in found] == ["unreachable", "unreachable", "name"]


async def test_a_server_without_tls() -> None:
    over = asyncio.Event()

    async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 a mail server, perhaps\r\n")
        await over.wait()
        writer.close()

    async with await asyncio.start_server(greet, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        (found,) = await try_servers(configuration(f"turns:127.0.0.1:{port}"))
        over.set()
    assert found.failure == "tls"


async def test_who_does_not_answer_is_waited_for_only_so_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(reachability, "ANSWER_TIMEOUT_S", 0.2)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as mute:
        mute.bind(("127.0.0.1", 0))
        url = f"stun:127.0.0.1:{mute.getsockname()[1]}"
        (found,) = await try_servers({"iceServers": [{"urls": url}]})
        assert found.failure == "silent"
        assert len(mute.recv(2000)) >= 20  # a request was there
    assert not [one for one in asyncio.all_tasks() if one is not asyncio.current_task()]


async def test_no_servers_and_bad_ones() -> None:
    assert await try_servers({"iceServers": []}) == []
    with pytest.raises(ValueError, match="not a STUN or TURN URL"):
        await try_servers({"iceServers": [{"urls": "http://x"}]})
