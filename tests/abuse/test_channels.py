"""What a connected peer does with its data channels: it ends itself, and disturbs nobody."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiortc.rtcsctptransport import (
    SCTP_DATA_FIRST_FRAG,
    SCTP_DATA_LAST_FRAG,
    DataChunk,
    tsn_plus_one,
)

from fastrtc import Limits, Stream
from fastrtc.transport.webrtc._aiortc import sctp_messages
from tests.support.bystander import Bystander, assert_little, bystander
from tests.support.connections import connections_of
from tests.support.peers import LOCAL, AudioSource, Client, eventually
from tests.webrtc.handlers import AsyncAudioEcho

BINARY, TEXT, DCEP = 53, 51, 50
WHOLE = SCTP_DATA_FIRST_FRAG | SCTP_DATA_LAST_FRAG


class Attacker:
    """Writes SCTP chunks as no browser would (RFC 9260, RFC 8832)."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.sctp: Any = client.pc.sctp
        self.tsn = self.sctp._local_tsn
        self.sctp._data_channel_receive = _take  # the answers to what it never asked for

    async def send(
        self,
        data: bytes = b"x",
        *,
        stream: int = 1,
        sequence: int = 0,
        protocol: int = BINARY,
        flags: int = WHOLE,
        skip: int = 0,
    ) -> None:
        if self.client.session.ended:  # what is made then costs, and ends nothing
            await asyncio.Event().wait()
        for _ in range(skip):
            self.tsn = tsn_plus_one(self.tsn)
        chunk = DataChunk()
        chunk.flags, chunk.tsn, chunk.stream_id, chunk.stream_seq = (
            flags,
            self.tsn,
            stream,
            sequence,
        )
        chunk.protocol, chunk.user_data = protocol, data
        self.tsn = tsn_plus_one(self.tsn)
        await self.sctp._send_chunk(chunk)
        await asyncio.sleep(0)  # the server, in this very loop, reads meanwhile


async def _take(*message: Any) -> None: ...


async def flood(attacker: Attacker, client: Client) -> None:
    for k in range(2000):
        await attacker.send(b"{}", stream=901, sequence=k % 65536, protocol=TEXT)


async def never_finished(attacker: Attacker, client: Client) -> None:
    await attacker.send(b"x", flags=SCTP_DATA_FIRST_FRAG)
    for _ in range(500):
        await attacker.send(b"x", flags=0)


async def beyond_the_window(attacker: Attacker, client: Client) -> None:
    await attacker.send(b"x", flags=SCTP_DATA_FIRST_FRAG)
    for _ in range(200):
        await attacker.send(bytes(1100), flags=0)


async def out_of_order(attacker: Attacker, client: Client) -> None:
    for _ in range(500):
        await attacker.send(stream=901, skip=1)


async def many_channels(attacker: Attacker, client: Client) -> None:
    opening = bytes([3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])
    for stream in range(100, 300):
        await attacker.send(opening, stream=stream, protocol=DCEP)


async def guessed_ack(attacker: Attacker, client: Client) -> None:
    await attacker.send(b"\x02", stream=777, protocol=DCEP)


async def opened_twice(attacker: Attacker, client: Client) -> None:
    opening = bytes([3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])
    for sequence in range(2):
        await attacker.send(opening, stream=777, sequence=sequence, protocol=DCEP)


async def no_text(attacker: Attacker, client: Client) -> None:
    opening = bytes([3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])
    await attacker.send(opening, stream=777, protocol=DCEP)
    await attacker.send(b"\xff\xfe", stream=777, sequence=1, protocol=TEXT)


ATTACKS: dict[Callable[[Attacker, Client], Awaitable[None]], str] = {
    flood: "too many messages",
    never_finished: "does not finish",
    beyond_the_window: "does not finish",
    out_of_order: "does not finish",
    many_channels: "does not finish",
    guessed_ack: "data channel failed",
    opened_twice: "data channel failed",
    no_text: "data channel failed",
}


@asynccontextmanager
async def attacked(**options: Any) -> AsyncIterator[tuple[Client, Bystander]]:
    """A client that sends nothing yet, and another one that hears its echo all the while."""
    stream = Stream(AsyncAudioEcho(), modality="audio", server_rtc_configuration=LOCAL, **options)
    silence = AudioSource(then_nothing=True)  # so that no media of its own count
    async with bystander() as other, Client(stream, audio=silence) as client:
        assert client.channel is not None
        await eventually(lambda: client.channel.readyState == "open")
        yield client, other
    assert len(connections_of(stream).registry) == 0


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.__name__)
async def test_only_the_client_that_does_it_is_disconnected(
    attack: Any, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    patched = {  # less than there is, so that it is reached soon
        never_finished: ("MAX_FRAGMENTS", 100),
        out_of_order: ("MAX_OUT_OF_ORDER", 100),
        beyond_the_window: ("WINDOW_SLACK", 100_000 - (1 << 20)),
    }
    if attack in patched:
        monkeypatch.setattr(sctp_messages, *patched[attack])
    limits = Limits(messages_per_s=20) if attack is flood else Limits()
    async with attacked(limits=limits) as (client, other):
        session = client.session
        async with other.undisturbed() as cost:
            attacking = asyncio.ensure_future(attack(Attacker(client), client))
            await eventually(session.closed.is_set)
            attacking.cancel()
            await asyncio.wait([attacking])
        assert_little(cost)
        assert ATTACKS[attack] in session.reason.text
    warned = [r for r in caplog.records if r.levelno >= logging.WARNING]
    assert 1 <= len(warned) <= 2, [r.getMessage() for r in warned]
    assert all(r.name.startswith("fastrtc") for r in warned)


async def test_a_program_that_sends_a_lot_but_no_more_than_it_may_goes_on() -> None:
    limits = Limits(messages_per_s=200)
    async with attacked(limits=limits) as (client, other):
        assert client.channel is not None
        async with other.undisturbed():
            for k in range(1000):
                client.channel.send(f"{k}")
            await client.message("log", "Server received: 999")
        assert len(client.of_type("log")) == 1000
        assert not client.session.ended
