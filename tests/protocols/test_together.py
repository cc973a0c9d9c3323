"""One stream with all protocols at once: the same handler, and one limit."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any, TypeAlias

import httpx
import numpy as np
import pytest
from fastapi import FastAPI
from websockets.asyncio.client import connect

from fastrtc import Stream, Turn
from fastrtc.protocols.openai_realtime import realtime_session
from fastrtc.protocols.table import MODULES
from fastrtc.server.endpoint import endpoint_of
from tests.protocols.openai_realtime.program import RATE, beep, create_stream
from tests.protocols.openai_realtime.test_with_openai import client_of, talking
from tests.protocols.rtvi.peer import RTVIPeer
from tests.protocols.whip.publish import OFFER, HttpPeer
from tests.support.peers import AudioSource, eventually, tone
from tests.support.servers import serving
from tests.webrtc.handlers import frequency

WAIT_S = 20.0
LIMIT = 5
START = {
    "event": "start",
    "websocket_id": "mine",
    "audio": {"encoding": "pcm16", "input_sample_rate": RATE, "output_sample_rate": RATE},
}
REPLY = "You said: something."

Converse: TypeAlias = Callable[[], Awaitable[None]]
"""Says something on a connection, and returns when its reply was received."""


class Clients:
    """Connects a client of each protocol to a stream.

    Args:
        url: The address of the server.
        stream: The stream.
        http: An HTTP client.
        held: Closes the connections.
        turns: The turns of the stream.
    """

    def __init__(
        self,
        url: str,
        stream: Stream,
        http: httpx.AsyncClient,
        held: AsyncExitStack,
        turns: list[Turn],
    ) -> None:
        self.url, self.stream, self.http, self.held, self.turns = url, stream, http, held, turns

    async def fastrtc(self) -> Converse:
        """The WebSocket of this package; its captions have the text."""
        socket = await self.held.enter_async_context(connect(_socket_url(self.url)))
        await socket.send(json.dumps(START))
        assert json.loads(await socket.recv())["event"] == "started"

        async def converse() -> None:
            spoken = np.concatenate((beep(0.6), np.zeros(RATE, np.int16)))
            for start in range(0, len(spoken), RATE // 50):
                pcm = spoken[start : start + RATE // 50].astype("<i2").tobytes()
                media = {"payload": base64.b64encode(pcm).decode()}
                await socket.send(json.dumps({"event": "media", "media": media}))
                await asyncio.sleep(0.02)
            text, heard = "", np.zeros(0, np.int16)
            while text != REPLY or not _is_loud(heard):
                message = json.loads(await asyncio.wait_for(socket.recv(), WAIT_S))
                if message.get("event") == "media":
                    pcm = base64.b64decode(message["media"]["payload"])
                    heard = np.append(heard, np.frombuffer(pcm, "<i2"))[-RATE // 5 :]
                elif message.get("type") == "transcript" and message["data"]["who"] != "user":
                    text = message["data"]["text"]
            assert frequency(heard, RATE) == pytest.approx(440, abs=10)

        return converse

    async def openai(self) -> Converse:
        """OpenAI's client for Python."""
        talk = await self.held.enter_async_context(talking(self.url, "any"))
        await talk.until("session.created")

        async def converse() -> None:
            await talk.speak(0.6)
            await talk.speak(1.0, amplitude=0)
            await talk.until("response.done")
            assert talk.events[-1].response.output[0].content[0].transcript == REPLY
            audio = [e.delta for e in talk.events if e.type == "response.output_audio.delta"]
            heard = np.frombuffer(b"".join(map(base64.b64decode, audio)), "<i2")
            assert frequency(heard, RATE) == pytest.approx(440, abs=10)

        return converse

    async def rtvi(self) -> Converse:
        """A peer that speaks as pipecat's clients do."""
        source = AudioSource()
        peer = RTVIPeer(self.http, f"{self.url}/api/offer", source)
        self.held.push_async_callback(peer.close)
        assert (await peer.offer()).status_code == 200
        assert (await peer.ready())["type"] == "bot-ready"

        async def converse() -> None:
            _speak(source)
            loud = asyncio.create_task(_hear(peer.pc.getReceivers()[0].track))
            assert (await peer.message("user-transcription"))["data"]["text"].endswith(" s")
            assert (await peer.message("bot-transcription"))["data"]["text"] == REPLY
            assert frequency(await loud) == pytest.approx(440, abs=10)

        return converse

    async def whip(self) -> Converse:
        """A sender, which gets nothing: what the handler makes of it is in the turns."""
        peer = await self.held.enter_async_context(HttpPeer(self.http, f"{self.url}/whip"))
        source = AudioSource()
        peer.pc.addTrack(source)
        assert (await peer.post()).status_code == 201

        async def converse() -> None:
            _speak(source)
            await eventually(
                lambda: (
                    [
                        turn.text
                        for turn in self.turns
                        if turn.webrtc_id.startswith("whip-") and turn.kind == "reply"
                    ]
                    == [REPLY]
                )
            )

        return converse

    async def whep(self) -> Converse:
        """A player, which says nothing: it hears what the program says."""
        peer = await self.held.enter_async_context(HttpPeer(self.http, f"{self.url}/whep"))
        peer.pc.addTransceiver("audio", direction="recvonly")
        assert (await peer.post()).status_code == 201
        (id,) = (id for id in self.stream.handlers if id.startswith("whep-"))

        async def converse() -> None:
            await eventually(lambda: peer.pc.connectionState == "connected")
            self.stream.say(id, (RATE, beep(0.6, 880)))
            heard = await _hear(peer.pc.getReceivers()[0].track)
            assert frequency(heard) == pytest.approx(880, abs=10)

        return converse


def _socket_url(url: str) -> str:
    return f"{url.replace('http', 'ws')}/websocket/offer"


def _speak(source: AudioSource) -> None:
    """Let a microphone say a tone, followed by silence."""
    source.samples = np.concatenate((np.zeros(source.sent, np.int16), tone(0.6)))


async def _hear(track: Any) -> np.ndarray:
    """Receive until a fifth of a second is loud, and return it: mono at 48 kHz."""
    heard = np.zeros(0, np.int16)
    while not _is_loud(heard):
        frame = await asyncio.wait_for(track.recv(), WAIT_S)
        heard = np.append(heard, frame.to_ndarray().reshape(-1, 2)[:, 0])[-9600:]
    return heard


def _is_loud(samples: np.ndarray) -> bool:
    """Return whether there is a fifth of a second, each hundredth of which is loud."""
    if len(samples) < RATE // 5:
        return False
    return bool(np.abs(samples.astype(int)).reshape(20, -1).max(1).min() > 1000)


async def _assert_full(url: str, http: httpx.AsyncClient) -> str:
    """Assert that each protocol refuses one more client with its own error; return an offer."""
    full = "concurrency_limit_reached"
    async with talking(url, "any") as late:
        await late.until("error")
        assert late.events[-1].error.code == full
    async with connect(_socket_url(url)) as socket:
        await socket.send(json.dumps({**START, "websocket_id": "other"}))
        assert json.loads(await socket.recv())["meta"] == {"error": full, "limit": LIMIT}
    for face, direction in (("whip", "sendonly"), ("whep", "recvonly")):
        async with HttpPeer(http, f"{url}/{face}") as other:
            other.pc.addTransceiver("audio", direction=direction)
            refused = await other.post()
            assert (refused.status_code, refused.json()["code"]) == (503, full)
            assert refused.headers["Content-Type"] == "application/problem+json"
            assert refused.headers["Retry-After"]
    async with HttpPeer(http, f"{url}/whip") as other:
        other.pc.addTrack(AudioSource())
        await other.post()
        offer: str = other.pc.localDescription.sdp
    refused = await http.post(f"{url}/v1/realtime/calls", content=offer, headers=OFFER)
    assert (refused.status_code, refused.json()["error"]["code"]) == (503, full)
    body = {"sdp": offer, "type": "offer", "webrtc_id": "other"}
    refused = await http.post(f"{url}/webrtc/offer", json=body)
    assert refused.json()["meta"] == {"error": full, "limit": LIMIT}
    refused = await http.post(f"{url}/api/offer", json={"sdp": offer, "type": "offer"})
    assert (refused.status_code, refused.json()["error"]) == (503, full)
    return offer


async def test_all_protocols_converse_with_a_handler_and_share_a_limit() -> None:
    turns: list[Turn] = []
    stream = create_stream(concurrency_limit=LIMIT, captions=True, on_turn=turns.append)
    app = FastAPI()
    stream.mount(app, protocols=["fastrtc", *MODULES])
    places = endpoint_of(stream).places
    with serving(app) as url:
        async with httpx.AsyncClient() as http, AsyncExitStack() as held:
            clients = Clients(url, stream, http, held, turns)
            faces = (clients.fastrtc, clients.openai, clients.rtvi, clients.whip, clients.whep)
            conversations = [await face() for face in faces]
            await eventually(lambda: len(places) == LIMIT)
            assert len({type(one.session.handler) for one in places}) == 1
            *_, offer = await asyncio.gather(
                *(converse() for converse in conversations), _assert_full(url, http)
            )
            assert len(places) == LIMIT
        await eventually(lambda: len(places) < LIMIT)

        async with client_of(url, "any") as openai:
            session: Any = {"type": "realtime", "model": "some", "instructions": "Be kind."}
            call = await openai.realtime.calls.create(sdp=offer, session=session)
            assert call.response.status_code == 201 and "a=fingerprint" in call.text
            id = call.response.headers["Location"].rpartition("/")[2]
            connection = places.get(id)
            assert connection is not None
            known = realtime_session(connection.session.user_context)
            assert known is not None
            assert (known.model, known.instructions) == ("some", "Be kind.")
            await openai.realtime.calls.hangup(id)
        await eventually(lambda: places.get(id) is None)
