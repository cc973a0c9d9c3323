"""What a client can have the server send to others: less than three times what it sends itself."""

import asyncio
import contextlib
import json
import re
from collections.abc import AsyncIterator, Iterator
from typing import Any

import aioice.ice
import aioice.mdns
import httpx
import pytest
from aioice import stun
from aiortc import RTCCertificate
from fastapi import FastAPI

from fastrtc import Limits, Stream
from fastrtc.transport.webrtc._aiortc.transports import ice_connections
from fastrtc.transport.webrtc.ice_targets import MAX_NAMES, Place
from tests.support.bystander import assert_little, bystander
from tests.support.connections import connections_of
from tests.support.peers import LOCAL, AudioSource, Client, eventually, strip_candidates, tone
from tests.webrtc.handlers import AsyncAudioEcho

AMPLIFICATION = 3.0


class Sink(asyncio.DatagramProtocol):
    """Somebody else's socket; with a password, one that answers each check with a role conflict."""

    def __init__(self) -> None:
        self.received = 0
        self.answered = 0  # bytes
        self.password = ""
        self.transport: Any = None

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self.received += len(data)
        if self.password:
            request = stun.parse_message(data)
            answer = stun.Message(stun.Method.BINDING, stun.Class.ERROR, request.transaction_id)
            answer.attributes["ERROR-CODE"] = (487, "Role Conflict")
            answer.add_message_integrity(self.password.encode())
            self.answered += len(bytes(answer))
            self.transport.sendto(bytes(answer), addr)


@contextlib.asynccontextmanager
async def sinks(count: int) -> AsyncIterator[list[Sink]]:
    loop = asyncio.get_running_loop()
    made = [
        (await loop.create_datagram_endpoint(Sink, local_addr=("127.0.0.1", 0)))[1]
        for _ in range(count)
    ]
    yield made
    for sink in made:
        sink.transport.close()


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """All seven transmissions of a check are sent within 1.3 s, not 32 s."""
    monkeypatch.setattr(stun, "RETRY_RTO", 0.01)


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Client, "place", "elsewhere")


@contextlib.contextmanager
def client_at(place: Place) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Client, "place", place)
        yield


def echo(**options: Any) -> Stream:
    return Stream(AsyncAudioEcho(), modality="audio", server_rtc_configuration=LOCAL, **options)


async def offer_with(client: Client, candidates: list[str]) -> dict[str, Any]:
    body = await client.offer()
    lines = strip_candidates(body["sdp"]).splitlines()
    lines += [f"a=candidate:{k} 1 udp 1 {line}" for k, line in enumerate(candidates)]
    return {**body, "sdp": "\r\n".join(lines) + "\r\n"}


def at(sink: Sink) -> str:
    host, port = sink.transport.get_extra_info("sockname")
    return f"{host} {port} typ host"


@contextlib.asynccontextmanager
async def offered(stream: Stream, candidates: list[str]) -> AsyncIterator[tuple[Client, int]]:
    """An offer with candidates, and its size in bytes."""
    client = Client(stream, audio="sendrecv", label=None)
    body = await offer_with(client, candidates)
    answer = await client.post(body)
    assert answer.get("type") == "answer", answer
    yield client, len(json.dumps(body))
    await stream.close_sessions()
    await client.close()


# Amplification


@pytest.mark.parametrize("count", [1, 16, 100])
async def test_candidates_are_sent_little(count: int) -> None:
    async with sinks(count) as others, bystander() as other:
        with client_at("machine"):
            async with (
                other.undisturbed() as cost,
                offered(echo(), [at(sink) for sink in others]) as (_, size),
            ):
                await asyncio.sleep(2)
        assert_little(cost)
        received = sum(sink.received for sink in others)
        assert 0 < received < AMPLIFICATION * size


async def test_trickled_candidates_are_sent_little() -> None:
    async with sinks(100) as others, bystander() as other:
        with client_at("machine"):
            async with offered(echo(), []) as (client, size), other.undisturbed() as cost:
                for sink in others:
                    candidate = f"candidate:1 1 udp 1 {at(sink)}"
                    body = {"candidate": candidate, "type": "ice-candidate", "webrtc_id": "a"}
                    await client.post({**body, "webrtc_id": client.webrtc_id})
                    size += len(json.dumps(body))
                await asyncio.sleep(2)
            assert_little(cost)
        received = sum(sink.received for sink in others)
        assert 0 < received < AMPLIFICATION * size


async def test_role_conflicts_end() -> None:
    """Each makes aioice begin the check anew, at once and without end."""
    async with sinks(4) as others, bystander() as other:
        with client_at("machine"):
            stream = echo()
            client = Client(stream, audio="sendrecv", label=None)
            body = await offer_with(client, [at(sink) for sink in others])
            body["sdp"] = re.sub(r"a=ice-ufrag:\S+", "a=ice-ufrag:" + "u" * 64, body["sdp"])
            password = re.search(r"a=ice-pwd:(\S+)", body["sdp"])
            for sink in others:
                sink.password = password[1]  # type: ignore[index]
            async with other.undisturbed() as cost:
                assert (await client.post(body))["type"] == "answer"
                await asyncio.sleep(1)
            assert_little(cost)
            await stream.close_sessions()
            await client.close()
        size = len(json.dumps(body)) + sum(sink.answered for sink in others)
        received = sum(sink.received for sink in others)
        assert 0 < received < AMPLIFICATION * size
        assert all(sink.answered < 500 for sink in others)


async def test_a_check_with_a_forged_address_causes_little_traffic_there() -> None:
    async with sinks(40) as others, bystander() as other:
        with client_at("machine"):
            async with offered(echo(), []) as (client, _), other.undisturbed() as cost:
                (connection,) = ice_connections(client.stream.pcs[client.webrtc_id])
                await eventually(lambda: connection.remote_username)
                connection._check_list.clear()
                request = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
                names = connection.local_username, connection.remote_username
                request.attributes["USERNAME"] = ":".join(names)
                request.attributes["PRIORITY"] = 1
                request.add_message_integrity(connection.local_password.encode())
                sent = 0
                for sink in others:
                    address = sink.transport.get_extra_info("sockname")
                    connection._protocols[0].datagram_received(bytes(request), address)
                    sent += len(bytes(request))
                await asyncio.sleep(2)
            assert_little(cost)
        received = sum(sink.received for sink in others)
        assert 0 < received < AMPLIFICATION * (sent + 1500)  # and of the offer


@pytest.mark.parametrize("case", ["no password", "wrong password", "no name", "another method"])
async def test_no_request_without_the_password_is_answered(case: str) -> None:
    async with sinks(1) as (sink,), offered(echo(), []) as (client, _):
        (connection,) = ice_connections(client.stream.pcs[client.webrtc_id])
        method = stun.Method.ALLOCATE if case == "another method" else stun.Method.BINDING
        request = stun.Message(method, stun.Class.REQUEST)
        if case != "no name":
            request.attributes["USERNAME"] = f"{connection.local_username}:x"
        if case == "no password":
            getattr(request, "add_fingerprint", lambda: None)()  # from aioice 0.12 on
        else:
            request.add_message_integrity(b"wrong" * 6)
        address = sink.transport.get_extra_info("sockname")
        connection._protocols[0].datagram_received(bytes(request), address)
        await asyncio.sleep(0.1)
        assert sink.received == 0


@pytest.mark.parametrize("ufrag", ["abc", "a" * 65, "a" * 4000, "ab cd", "äbcd", "abc$"])
async def test_an_ice_ufrag_that_no_browser_has_is_refused(ufrag: str) -> None:
    stream = echo()
    client = Client(stream, audio="sendrecv", label=None)
    body = await client.offer()
    body["sdp"] = re.sub(r"a=ice-ufrag:\S+", f"a=ice-ufrag:{ufrag}", body["sdp"])
    with pytest.raises(ValueError, match="ice-ufrag must have 4 to 64"):
        await client.post(body)
    assert len(connections_of(stream).registry) == 0
    await client.close()


@pytest.mark.parametrize("password", ["a" * 21, "a" * 257, "-" * 22])
async def test_an_ice_pwd_that_no_browser_has_is_refused(password: str) -> None:
    client = Client(echo(), audio="sendrecv", label=None)
    body = await client.offer()
    body["sdp"] = re.sub(r"a=ice-pwd:\S+", f"a=ice-pwd:{password}", body["sdp"])
    with pytest.raises(ValueError, match="ice-pwd must have 22 to 256"):
        await client.post(body)
    await client.close()


# Targets

FORBIDDEN = [
    "127.0.0.1 5000",
    "127.9.9.9 5000",
    "::1 5000",
    "::ffff:127.0.0.1 5000",
    "0.0.0.0 5000",
    "0.1.2.3 5000",
    ":: 5000",
    "169.254.169.254 5000",
    "fe80::1 5000",
    "224.0.0.251 5353",
    "239.255.255.250 1900",
    "ff02::1 5000",
    "255.255.255.255 5000",
    "240.0.0.1 5000",
    "8.8.8.8 53",
    "10.0.0.1 80",
    "8.8.8.8 0",
    "localhost 5000",
    "example.com 5000",
]


@pytest.fixture
def sent_to(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """Where the server would send STUN requests to."""
    targets: list[tuple[str, int]] = []
    monkeypatch.setattr(
        aioice.ice.StunProtocol, "send_stun", lambda _, message, addr: targets.append(addr)
    )
    return targets


async def all_sent(sent_to: list[tuple[str, int]], *hosts: str) -> None:
    """Wait until requests went to these hosts, and time enough for others to be sent, too."""
    await eventually(lambda: {(host, 5000) for host in hosts} <= set(sent_to))
    await asyncio.sleep(0.5)


@pytest.mark.parametrize("way", ["offer", "trickled", "early"])
async def test_addresses_that_are_no_clients_are_not_sent_to(
    way: str, sent_to: list[tuple[str, int]]
) -> None:
    stream = echo()
    client = Client(stream, audio="sendrecv", label=None)
    lines = [f"{target} typ host" for target in [*FORBIDDEN, "203.0.113.5 5000"]]
    trickled = [
        {
            "candidate": f"candidate:{k} 1 udp 1 {line}",
            "type": "ice-candidate",
            "webrtc_id": client.webrtc_id,
        }
        for k, line in enumerate(lines)
    ]
    if way == "early":
        assert [await client.post(body) for body in trickled] == [{"status": "success"}] * 20
    answer = await client.post(await offer_with(client, lines if way == "offer" else []))
    assert answer["type"] == "answer"
    if way == "trickled":
        assert [await client.post(body) for body in trickled] == [{"status": "success"}] * 20
    await all_sent(sent_to, "203.0.113.5")
    assert set(sent_to) == {("203.0.113.5", 5000)}
    await stream.close_sessions()
    await client.close()


@pytest.mark.parametrize("found", ["127.0.0.1", "224.0.0.251", "169.254.1.1", "203.0.113.5"])
async def test_names_that_lead_there_are_not_sent_to_either(
    found: str, sent_to: list[tuple[str, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def resolve(self: Any, name: str, *args: Any) -> str:
        return found

    monkeypatch.setattr(aioice.mdns.MDnsProtocol, "resolve", resolve)
    names = ["4b4c.local 5000 typ host", "203.0.113.6 5000 typ host"]
    async with offered(echo(), names):
        allowed = {"203.0.113.6", found} if found == "203.0.113.5" else {"203.0.113.6"}
        await all_sent(sent_to, *allowed)
        assert set(sent_to) == {(host, 5000) for host in allowed}


async def test_few_names_are_looked_up(
    sent_to: list[tuple[str, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    async def resolve(self: Any, name: str, *args: Any) -> str:
        asked.append(name)
        return "203.0.113.5"

    monkeypatch.setattr(aioice.mdns.MDnsProtocol, "resolve", resolve)
    async with offered(echo(), [f"{k}.local 5000 typ host" for k in range(100)]):
        await eventually(lambda: len(asked) >= MAX_NAMES)
        await asyncio.sleep(0.2)
        assert len(asked) == MAX_NAMES


@pytest.mark.parametrize(
    ("place", "allowed"),
    [
        ("elsewhere", set()),
        ("link", {"169.254.1.1"}),
        ("machine", {"127.0.0.1", "169.254.1.1"}),
    ],
)
async def test_clients_nearby_may_have_addresses_nearby(
    place: Place, allowed: set[str], sent_to: list[tuple[str, int]]
) -> None:
    targets = [f"{host} 5000 typ host" for host in ("127.0.0.1", "169.254.1.1", "203.0.113.5")]
    with client_at(place):
        async with offered(echo(), targets):
            await all_sent(sent_to, "203.0.113.5", *allowed)
    assert {host for host, _ in sent_to} == {"203.0.113.5", *allowed}


@pytest.mark.parametrize(
    ("source", "headers", "taken"),
    [
        ("127.0.0.1", {}, True),
        ("::1", {}, True),
        ("127.0.0.1", {"x-forwarded-for": "203.0.113.9"}, False),
        ("192.168.1.5", {}, False),
    ],
)
async def test_where_a_client_is_is_told_by_its_request(
    source: str, headers: dict[str, str], taken: bool, sent_to: list[tuple[str, int]]
) -> None:
    stream, app = echo(), FastAPI()
    stream.mount(app)
    client = Client(stream, audio="sendrecv", label=None)
    body = await offer_with(client, [f"{host} 5000 typ host" for host in ("127.0.0.1", "9.9.9.9")])
    transport = httpx.ASGITransport(app, client=(source, 1234))
    async with httpx.AsyncClient(transport=transport, base_url="http://here") as http:
        response = await http.post("/webrtc/offer", json=body, headers=headers)
    assert response.json()["type"] == "answer"
    expected = {"9.9.9.9", "127.0.0.1"} if taken else {"9.9.9.9"}
    await all_sent(sent_to, *expected)
    assert {host for host, _ in sent_to} == expected
    await stream.close_sessions()
    await client.close()


@pytest.mark.parametrize("private", [True, False])
async def test_private_addresses_are_an_option(
    private: bool, sent_to: list[tuple[str, int]]
) -> None:
    hosts = ["10.1.2.3", "192.168.1.5", "172.16.0.9", "100.64.0.1", "9.9.9.9"]
    stream = echo(limits=Limits(private_candidates=private))
    async with offered(stream, [f"{host} 5000 typ host" for host in hosts]):
        expected = hosts if private else hosts[-1:]
        await all_sent(sent_to, *expected)
    assert {host for host, _ in sent_to} == set(expected)


# The key of the certificate


async def test_media_go_only_to_the_client_with_the_key_of_the_offer() -> None:
    """Who knows an id, or all of an offer but its private key, and answers the checks."""
    stream = Stream(
        AsyncAudioEcho(), modality="audio", mode="send-receive", server_rtc_configuration=LOCAL
    )
    other = RTCCertificate.generateCertificate().getFingerprints()[0]
    with client_at("machine"):
        client = Client(stream, audio=AudioSource(tone(60)))
        body = await client.offer()
        lines = re.sub(r"a=fingerprint:(?!sha-256).*\r\n", "", body["sdp"])
        sdp = re.sub(r"a=fingerprint:.*", f"a=fingerprint:{other.algorithm} {other.value}", lines)
        await client.take(await client.post({**body, "sdp": sdp}))
        await eventually(client.session.closed.is_set)
    assert not client.packets
    assert "start_up" not in client.session.handler.calls
    await client.close()
