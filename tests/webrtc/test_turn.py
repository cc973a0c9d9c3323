"""A peer and the server through a TURN server: coturn, on this machine."""

import asyncio
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiortc import RTCPeerConnection

from fastrtc import Stream, get_coturn_credentials
from fastrtc.transport.webrtc._aiortc.closing import close_while_connecting
from fastrtc.transport.webrtc.configuration import to_aiortc_configuration
from tests.support.connections import connections_of
from tests.support.peers import LOCAL, AudioSource, Client, eventually, tone
from tests.support.ports import free_port
from tests.support.turn import PASSWORD, SECRET, USER, Turn, turn_server
from tests.webrtc.handlers import AsyncAudioEcho

pytestmark = pytest.mark.external("turnserver")


@pytest.fixture
def turn(tmp_path: Path) -> Iterator[Turn]:
    with turn_server(tmp_path) as server:
        yield server


@pytest.fixture
def time_limited_turn(tmp_path: Path) -> Iterator[Turn]:
    with turn_server(tmp_path, time_limited=True) as server:
        yield server


def echo_stream(configuration: Any = LOCAL) -> Stream:
    return Stream(
        AsyncAudioEcho(),
        modality="audio",
        mode="send-receive",
        server_rtc_configuration=configuration,
    )


class ConfiguredClient(Client):
    """A client that finds its way to the server as it is told to."""

    def __init__(self, stream: Stream, configuration: dict[str, Any], **tracks: Any) -> None:
        super().__init__(stream, label=None)
        self.pc = RTCPeerConnection(to_aiortc_configuration(configuration))
        close_while_connecting(self.pc)
        self.pc.on("connectionstatechange", self._state_changed)
        self.pc.on("track", self._track)
        self.pc.addTrack(tracks["audio"])
        self.channel = self.pc.createDataChannel("text")
        self.channel.on("message", self._message)


def relayed_only(sdp: str) -> bool:
    candidates = [line for line in sdp.splitlines() if line.startswith("a=candidate")]
    return bool(candidates) and all("typ relay" in line for line in candidates)


async def assert_sound_comes_back(client: Client) -> None:
    async with client:
        await eventually(lambda: len(client.loud()) >= 20)


async def assert_all_is_over(stream: Stream) -> None:
    await eventually(
        lambda: (
            not len(connections_of(stream).registry)
            and not connections_of(stream).registry._closing
        )
    )


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_the_server_through_the_relay_alone(turn: Turn, transport: str) -> None:
    stream = echo_stream(turn.relay_only(transport=transport))
    client = Client(stream, audio=AudioSource(tone(20)))
    await assert_sound_comes_back(client)
    assert relayed_only(client.response["sdp"])
    await assert_all_is_over(stream)


@pytest.mark.parametrize("server_too", [False, True], ids=["one side", "both sides"])
async def test_the_client_through_the_relay_alone(turn: Turn, server_too: bool) -> None:
    stream = echo_stream(turn.relay_only() if server_too else LOCAL)
    client = ConfiguredClient(stream, turn.relay_only(), audio=AudioSource(tone(20)))
    await assert_sound_comes_back(client)
    assert relayed_only(client.pc.localDescription.sdp)
    assert relayed_only(client.response["sdp"]) == server_too
    await assert_all_is_over(stream)


async def test_time_limited_credentials_on_both_sides(time_limited_turn: Turn) -> None:
    asked = []

    def credentials() -> dict[str, Any]:
        asked.append(time.monotonic())
        made = get_coturn_credentials(SECRET, time_limited_turn.url(), user="me")
        return {**made, "iceTransportPolicy": "relay"}

    stream = echo_stream(credentials)
    for _ in range(2):
        client = ConfiguredClient(stream, credentials(), audio=AudioSource(tone(20)))
        await assert_sound_comes_back(client)
        assert relayed_only(client.response["sdp"])
    await assert_all_is_over(stream)
    assert len(asked) == 4  # each time by each side


async def test_the_configuration_that_the_docs_have(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "turn.md").read_text()
    text = page.partition("```ini\n")[2].partition("```")[0]
    ours = ("external-ip=", "cert=", "pkey=", "listening-port=")  # what another machine has not
    lines = [line for line in text.splitlines() if not line.startswith(ours)]
    (tmp_path / "turnserver.conf").write_text("\n".join(lines))
    assert "static-auth-secret=REPLACE-ME" in lines
    with turn_server(tmp_path, configuration=tmp_path / "turnserver.conf") as turn:
        made = get_coturn_credentials("REPLACE-ME", turn.url())
        stream = echo_stream({**made, "iceTransportPolicy": "relay"})
        client = Client(stream, audio=AudioSource())
        assert relayed_only((await client.call())["sdp"])
        await client.close()
        await stream.close_sessions()


REFUSED = "refused the username and credential: they are wrong, or have expired (401)"


async def test_wrong_credentials_leave_no_way(turn: Turn, caplog) -> None:
    stream = echo_stream(turn.relay_only(credential="wrong"))
    client = Client(stream, audio=AudioSource())
    response = await client.call()
    assert response == {"status": "failed", "meta": {"error": "turn_server_failed"}}
    says = f"the TURN server 127.0.0.1:{turn.port} of server_rtc_configuration {REFUSED}"
    assert says in caplog.text
    assert "wrong\n" not in caplog.text and PASSWORD not in caplog.text
    assert not len(connections_of(stream).registry)  # the place is free at once
    await client.close()
    await stream.close_sessions()


async def test_wrong_credentials_of_the_client(turn: Turn, caplog, monkeypatch) -> None:
    # it might still find an address, until its time is over
    monkeypatch.setattr("fastrtc.transport.webrtc.peer.CONNECT_TIMEOUT_S", 0.5)
    stream = echo_stream()
    wrong = turn.relay_only(credential="wrong")
    client = ConfiguredClient(stream, wrong, audio=AudioSource())
    await client.take(await client.post(await client.offer()))
    assert not relayed_only(client.pc.localDescription.sdp)
    await client.over()
    assert "the client offered no address" in caplog.text
    assert "refused its username and credential" in caplog.text
    await client.close()


async def test_expired_credentials(time_limited_turn: Turn, caplog, monkeypatch) -> None:
    monkeypatch.setattr(time, "time", lambda now=time.time: now() - 3600)
    expired = get_coturn_credentials(SECRET, time_limited_turn.url(), ttl=600)
    monkeypatch.undo()
    stream = echo_stream({**expired, "iceTransportPolicy": "relay"})
    client = Client(stream, audio=AudioSource())
    assert (await client.call())["meta"] == {"error": "turn_server_failed"}
    assert REFUSED in caplog.text
    await client.close()
    await stream.close_sessions()


async def test_wrong_credentials_where_another_way_leads_there(turn: Turn, caplog) -> None:
    configuration = turn.relay_only(username="nobody")
    stream = echo_stream({**configuration, "iceTransportPolicy": "all"})
    await assert_sound_comes_back(Client(stream, audio=AudioSource(tone(20))))
    assert caplog.text.count(REFUSED) == 1
    await assert_all_is_over(stream)


async def test_no_credentials_at_all(turn: Turn, caplog) -> None:
    stream = echo_stream({"iceServers": [{"urls": turn.url()}], "iceTransportPolicy": "relay"})
    client = Client(stream, audio=AudioSource())
    assert (await client.call())["meta"] == {"error": "turn_server_failed"}
    assert REFUSED in caplog.text
    await client.close()
    await stream.close_sessions()


async def test_no_server_there(caplog) -> None:
    stream = echo_stream(Turn(free_port()).relay_only(transport="tcp"))
    client = Client(stream, audio=AudioSource())
    assert (await client.call())["meta"] == {"error": "turn_server_failed"}
    assert "of server_rtc_configuration cannot be reached: " in caplog.text
    await client.close()
    await stream.close_sessions()


async def test_a_server_that_says_nothing(caplog) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        stream = echo_stream(Turn(silent.getsockname()[1]).relay_only())
        client = Client(stream, audio=AudioSource())
        assert (await client.call())["meta"] == {"error": "turn_server_failed"}
    assert "of server_rtc_configuration did not answer" in caplog.text
    await client.close()
    await stream.close_sessions()


async def test_each_connection_knows_of_its_own_server_only(turn: Turn, caplog) -> None:
    good = echo_stream({**turn.relay_only(), "iceTransportPolicy": "all"})
    bad = echo_stream(turn.relay_only(username=USER, credential="wrong"))
    clients = [Client(good, audio=AudioSource()), Client(bad, audio=AudioSource())]
    answers = await asyncio.gather(*(client.call() for client in clients))
    assert [answer.get("type", answer.get("status")) for answer in answers] == ["answer", "failed"]
    assert caplog.text.count(REFUSED) == 1
    await asyncio.gather(*(client.close() for client in clients))
    await good.close_sessions()
    await bad.close_sessions()
