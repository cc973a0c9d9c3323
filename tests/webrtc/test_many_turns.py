"""Fifty people take turns in one process at once, over fifty connections of real peers."""

import asyncio
import fractions
import threading
from collections.abc import Iterator
from typing import Any

import av
import pytest
from aiortc import MediaStreamTrack

from benchmarks.client.media import encode_opus
from fastrtc import ReplyOnPause, Stream, get_current_context
from tests.support.peers import LOCAL, Client, eventually, tone
from tests.support.speech import recorded_prompt, spaced, trimmed

pytestmark = pytest.mark.external("recorded-voices")

SESSIONS = 50
TURNS = 2
AT_A_TIME = 5  # that connect
EVERYBODY_WITHIN_S = 90.0  # of what is 3 s of work on an idle machine


class Packets(MediaStreamTrack):
    """Sends the same encoded packets, in real time, each time that it is told to."""

    kind = "audio"

    def __init__(self, packets: list[bytes]) -> None:
        super().__init__()
        self.packets = packets
        self.sent = 0
        self.due = 0.0
        self.go = asyncio.Event()

    async def recv(self) -> av.Packet:
        now = asyncio.get_running_loop().time
        if self.sent % len(self.packets) == 0:
            await self.go.wait()
            self.go.clear()
            self.due = now()
        await asyncio.sleep(self.due - now())
        packet = av.Packet(self.packets[self.sent % len(self.packets)])
        packet.pts, packet.time_base = self.sent * 960, fractions.Fraction(1, 48_000)
        self.sent += 1
        self.due = max(self.due + 0.02, now())  # a machine that was late sends no burst
        return packet


class Conversation:
    """Blocks in each reply until all sessions are in theirs: none may wait for another."""

    def __init__(self) -> None:
        self.inside: set[str] = set()
        self.everybody = threading.Event()

    def reply(self, audio: Any) -> Iterator[Any]:
        self.inside.add(get_current_context().webrtc_id)
        if len(self.inside) == SESSIONS:
            self.everybody.set()
        assert self.everybody.wait(EVERYBODY_WITHIN_S), "a reply function waited for another"
        yield 48_000, tone(0.5)


async def everybody_speaks(conversation: Conversation, people: dict[Client, Packets]) -> None:
    """On a machine that is far too busy words get lost: who was not heard says it again."""
    deadline = asyncio.get_running_loop().time() + EVERYBODY_WITHIN_S
    while not conversation.everybody.is_set():
        assert asyncio.get_running_loop().time() < deadline, "a session waited for another"
        for client, one in people.items():
            if client.webrtc_id not in conversation.inside:
                one.go.set()
        for _ in range(100):
            if not conversation.everybody.is_set():
                await asyncio.sleep(0.1)


@pytest.mark.timeout(300)
async def test_no_session_waits_for_the_reply_function_of_another() -> None:
    conversation = Conversation()
    stream = Stream(
        ReplyOnPause(lambda audio: conversation.reply(audio)),
        modality="audio",
        concurrency_limit=SESSIONS,
        server_rtc_configuration=LOCAL,
    )
    utterance = encode_opus(spaced(0.2, trimmed(recorded_prompt("hello")), 0.8))
    people = [Packets(utterance) for _ in range(SESSIONS)]
    clients = [Client(stream, audio=one) for one in people]
    left = iter(clients)

    async def connect_some() -> None:
        for client in left:
            await client.connect()

    await asyncio.gather(*(connect_some() for _ in range(AT_A_TIME)))
    for _ in range(TURNS):
        conversation = Conversation()
        heard = [len(client.loud()) for client in clients]
        await everybody_speaks(conversation, dict(zip(clients, people, strict=True)))
        for client, before in zip(clients, heard, strict=True):
            await eventually(lambda c=client, n=before: len(c.loud()) > n, EVERYBODY_WITHIN_S)
            assert not client.of_type("error")
    await asyncio.gather(*(client.close() for client in clients))
    await asyncio.gather(*(client.over() for client in clients))
