"""A client whose address changes in a call, as behind a NAT that forgets a mapping."""

import asyncio
import logging
import os
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
import pytest
from aioice import stun

from fastrtc import Ice, Stream
from fastrtc.transport.webrtc._aiortc import consent
from fastrtc.transport.webrtc._aiortc.transports import ice_connections
from tests.faults.relay import Address, Relay, RelayedClient, relay
from tests.support.bystander import assert_little, bystander
from tests.support.connections import connections_of
from tests.support.peers import LOCAL, AudioSource, eventually, tone
from tests.support.ports import free_port
from tests.webrtc.handlers import AsyncAudioEcho

BACK_S = 10.0
"""How soon all is well again, in seconds: 0.1 s, and room for a busy machine."""


class Call:
    """A client behind a relay, and what the server knows of it."""

    def __init__(self, stream: Stream, client: RelayedClient) -> None:
        self.client = client
        self.relay: Relay = client.relay
        self.session = client.session
        self.handler: Any = stream.handlers[client.webrtc_id]
        (ice,) = ice_connections(stream.pcs[client.webrtc_id])
        self.ice: Any = ice

    @property
    def sent_to(self) -> Address:
        """Where the server sends."""
        (pair,) = self.ice._nominated.values()
        return pair.remote_addr

    @property
    def heard(self) -> int:
        """How many loud frames came back to the client."""
        return len(self.client.loud())

    async def goes_on(self) -> None:
        """Wait until both have heard another half second."""
        samples, heard = len(self.handler.samples()), self.heard
        await eventually(lambda: self.heard >= heard + 25)
        await eventually(lambda: len(self.handler.samples()) > samples + 12000)
        assert self.client.states == ["connecting", "connected"]
        assert not self.session.ended


@asynccontextmanager
async def calling(
    mode: Any = "send-receive", audio: Any = None, ice: Ice | None = None
) -> AsyncIterator[Call]:
    handler = AsyncAudioEcho()
    stream = Stream(handler, modality="audio", mode=mode, server_rtc_configuration=LOCAL, ice=ice)
    source = audio or AudioSource(np.tile(tone(1.0), 60))
    async with relay() as through, RelayedClient(stream, through, audio=source) as client:
        await eventually(lambda: len(client.loud()) >= 10)
        yield Call(stream, client)
        await client.close()  # while the relay is there
        await client.over()
    assert len(connections_of(stream).registry) == 0


@pytest.fixture
def short_consent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consent, "CONSENT_INTERVAL_S", 0.5)
    monkeypatch.setattr(consent, "CONSENT_EXPIRES_S", 4.0)


@pytest.fixture
def late_consent(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no check of consent tell of a new address, for a long time."""
    monkeypatch.setattr(consent, "CONSENT_INTERVAL_S", 60.0)


async def test_media_alone_tell_of_a_new_address_of_a_shared_port(late_consent: None) -> None:
    async with calling(ice=Ice(udp_port=free_port())) as call:
        for _ in range(2):
            await call.relay.rebind()
            heard, samples = call.heard, len(call.handler.samples())
            await eventually(lambda: call.heard >= heard + 10, BACK_S)  # noqa: B023
            await eventually(lambda: len(call.handler.samples()) >= samples + 4800)  # noqa: B023


@pytest.mark.parametrize("shared", [False, True], ids=["own port", "shared port"])
async def test_the_call_goes_on(short_consent: None, shared: bool) -> None:
    """Three times, for longer than the server would send without the client's consent."""
    loop = asyncio.get_running_loop()
    async with calling(ice=Ice(udp_port=free_port()) if shared else None) as call:
        for _ in range(3):
            before = await call.relay.rebind()
            assert call.sent_to == before
            began, heard, samples = loop.time(), call.heard, len(call.handler.samples())
            await eventually(lambda: call.heard >= heard + 10, BACK_S)  # noqa: B023
            await eventually(lambda: len(call.handler.samples()) >= samples + 4800)  # noqa: B023
            assert call.sent_to == call.relay.server.transport.get_extra_info("sockname")
            await asyncio.sleep(max(0.0, began + 2.5 - loop.time()))
        await call.goes_on()
        call.client.channel.send("hello")
        await call.client.message("log", "Server received: hello")


async def test_twice_before_the_first_was_noticed(late_consent: None) -> None:
    async with calling() as call:
        await call.relay.rebind()
        await asyncio.sleep(0.05)
        await call.relay.rebind()
        heard = call.heard
        await eventually(lambda: call.heard >= heard + 10, BACK_S)
        await call.goes_on()


async def test_again_before_the_new_address_has_answered(late_consent: None) -> None:
    """The check of an address that is gone already gives way to that of the next."""
    async with bystander() as third, calling() as call, third.undisturbed() as cost:
        call.relay.on_carry = lambda data, to: to is call.relay.server  # so no check is answered
        for _ in range(3):
            await call.relay.rebind()
            await asyncio.sleep(0.4)
        call.relay.on_carry = None
        await call.relay.rebind()
        heard = call.heard
        await eventually(lambda: call.heard >= heard + 10, BACK_S)
        await call.goes_on()
    assert_little(cost)


class Stranger(asyncio.DatagramProtocol):
    """Another address, which sends to the server and keeps what it gets."""

    def __init__(self) -> None:
        self.got: list[bytes] = []

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, address: Any) -> None:
        self.got.append(data)

    def media(self) -> list[bytes]:
        return [data for data in self.got if data[0] >= 128]


@asynccontextmanager
async def stranger() -> AsyncIterator[Stranger]:
    loop = asyncio.get_running_loop()
    transport, made = await loop.create_datagram_endpoint(Stranger, local_addr=("127.0.0.1", 0))
    try:
        yield made
    finally:
        transport.close()


def _request(call: Call, password: bytes | None) -> bytes:
    """A check of ICE, as far as somebody can make one who does not know the password."""
    message = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
    message.attributes["USERNAME"] = f"{call.ice.local_username}:{call.ice.remote_username}"
    message.attributes["PRIORITY"] = 1845501695
    message.attributes["ICE-CONTROLLING"] = 1 << 63
    message.attributes["USE-CANDIDATE"] = None
    if password is not None:
        message.add_message_integrity(password)
    return bytes(message)


async def test_no_other_client_gets_the_stream() -> None:
    """Not with made-up media, media of the client sent again, or checks without the password."""
    seen: list[bytes] = []
    async with bystander() as third, calling() as call, stranger() as other:
        server, right = call.relay.server.peer, call.sent_to
        call.relay.on_carry = lambda data, to: (
            (to is call.relay.server and 127 < data[0] < 192 and seen.append(data)) or True
        )
        await eventually(lambda: len(seen) >= 25)
        datagrams = [
            data
            for k in range(100)
            for data in (
                b"\x80\x6f" + os.urandom(60),
                seen[k % 25],
                _request(call, None),
                _request(call, b"not the password of the client"),
                b"\x01\x01\x00\x08\x21\x12\xa4\x42" + bytes(12),
            )
        ]
        async with third.undisturbed() as cost:
            for k, data in enumerate(datagrams):
                other.transport.sendto(data, server)
                if k % 5 == 0:
                    await asyncio.sleep(0.01)
                assert call.sent_to == right
        assert_little(cost)
        await call.goes_on()
        assert call.sent_to == right
        assert not other.media()
        assert all(stun.parse_message(d).message_class is stun.Class.ERROR for d in other.got)


async def test_datagrams_that_cannot_be_read_are_dropped(caplog: pytest.LogCaptureFixture) -> None:
    """aioice fails on STUN attributes that are too short; uvloop closes no socket for it."""
    attribute = b"\x00\x24\x00\x01" + bytes(4)  # a PRIORITY of one byte
    unreadable = b"\x00\x01\x00\x08\x21\x12\xa4\x42" + bytes(12) + attribute
    with pytest.raises(struct.error):
        stun.parse_message(unreadable)
    async with bystander() as third, calling() as call, stranger() as other:
        async with third.undisturbed() as cost:
            for _ in range(100):
                other.transport.sendto(unreadable, call.relay.server.peer)
            await call.goes_on()
        assert_little(cost)
    assert len([r for r in caplog.records if r.levelno >= logging.WARNING]) <= 1
    assert not [r for r in caplog.records if r.levelno >= logging.ERROR]


async def test_media_that_somebody_else_passes_on_first_lead_to_a_check_and_no_further() -> None:
    """They are the client's own, so the other address is asked; it does not know the answer."""
    async with calling() as call, stranger() as other:
        server, right = call.relay.server.peer, call.sent_to
        turned = 0

        def turn_aside(data: bytes, to: Any) -> bool:
            nonlocal turned
            if to is not call.relay.server or not 127 < data[0] < 192 or turned >= 50:
                return True
            turned += 1
            other.transport.sendto(data, server)
            return False

        call.relay.on_carry = turn_aside
        await eventually(lambda: other.got)
        asked = stun.parse_message(other.got[0])
        assert asked.message_class is stun.Class.REQUEST
        for password in (b"a guess", call.ice.local_password.encode()):  # which it might see, too
            answer = stun.Message(
                stun.Method.BINDING, stun.Class.RESPONSE, transaction_id=asked.transaction_id
            )
            answer.attributes["XOR-MAPPED-ADDRESS"] = ("127.0.0.1", 9)
            answer.add_message_integrity(password)
            other.transport.sendto(bytes(answer), server)
        await eventually(lambda: turned == 50)
        await call.goes_on()
        assert call.sent_to == right
        assert not other.media()
        assert len(other.got) <= 10


async def test_a_client_that_sends_no_audio(short_consent: None) -> None:
    """Its RTCP reports tell, once a second or so."""

    def endless() -> Any:
        while True:
            yield 24000, (8000 * np.sin(np.arange(2400) / 5)).astype(np.int16)[None]

    stream = Stream(endless, modality="audio", mode="receive", server_rtc_configuration=LOCAL)
    async with relay() as through, RelayedClient(stream, through, audio="recvonly") as client:
        await eventually(lambda: len(client.loud()) >= 10)
        await through.rebind()
        heard = len(client.loud())
        await eventually(lambda: len(client.loud()) >= heard + 100)
        assert client.states == ["connecting", "connected"]
        await client.close()
        await client.over()
