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
AGAIN_AT_A_TIME = 10  # that speak again, as they were not heard
HEARD_WITHIN_S = 10.0
EVERYBODY_WITHIN_S = 120.0  # of what is 3 s of work on an idle machine


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
    """Let all speak at once, and those who were not heard again, ten at a time.

    A machine that cannot encode and decode the speech of fifty in real time loses words.
    """
    now = asyncio.get_running_loop().time
    deadline = now() + EVERYBODY_WITHIN_S
    speaking = list(people)
    while not conversation.everybody.is_set():
        assert now() < deadline, "a session waited for another"
        for client in speaking:
            people[client].go.set()
        ids = {client.webrtc_id for client in speaking}
        for _ in range(round(HEARD_WITHIN_S / 0.1)):
            if not ids <= conversation.inside:
                await asyncio.sleep(0.1)
        left = [client for client in people if client.webrtc_id not in conversation.inside]
        speaking = left[:AGAIN_AT_A_TIME]


@pytest.mark.timeout(400)
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
