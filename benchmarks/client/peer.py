"""One aiortc peer that connects to the server and notes when packets come back.

It decodes nothing unless asked to, so that the server is what is measured. What is private to
aiortc (seen in 1.16) is used here and in `load.py` only.
"""

from __future__ import annotations

import asyncio
import random
import time
import uuid
from dataclasses import dataclass
from typing import Any

import aiortc.rtcrtpreceiver
from aiortc import (
    MediaStreamTrack,
    RTCConfiguration,
    RTCPeerConnection,
    RTCSessionDescription,
)
from aiortc.rtp import is_rtcp

from benchmarks.client.server import Server

#: Opus packets of digital silence are 3 bytes long, of anything else over 100.
AUDIBLE = 20
CONNECT_LIMIT = 30.0


class _NoDecoder:
    def decode(self, encoded_frame: object) -> list[object]:
        return []


def decode_nothing() -> None:
    """Makes the receivers of this process drop what arrives instead of decoding it."""
    aiortc.rtcrtpreceiver.get_decoder = lambda codec: _NoDecoder()


@dataclass(frozen=True)
class Arrival:
    """A packet from the server, as it came off the network."""

    moment: float
    size: int
    #: The last packet of a video frame.
    marker: bool


@dataclass(frozen=True)
class Timings:
    """Seconds since the offer was posted."""

    answered: float
    connected: float


class Peer:
    """A client of `server` that sends `track` and listens to what comes back."""

    def __init__(self, server: Server, track: MediaStreamTrack) -> None:
        self.id = uuid.uuid4().hex
        self.arrivals: list[Arrival] = []
        self.audible = asyncio.Event()
        self.remote: MediaStreamTrack | None = None
        self._server = server
        self._connected = asyncio.Event()
        self._failed = asyncio.Event()
        self._pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._pc.createDataChannel("text")
        self._pc.addTrack(track)
        self._pc.on("connectionstatechange", self._on_state)
        self._pc.on("track", self._on_track)

    async def connect(self) -> Timings:
        """Posts the offer and waits until the connection is up."""
        await self._pc.setLocalDescription(await self._pc.createOffer())
        local = self._pc.localDescription
        began = time.monotonic()
        answer = await self._server.offer(
            {"sdp": local.sdp, "type": local.type, "webrtc_id": self.id}
        )
        answered = time.monotonic()
        await self._pc.setRemoteDescription(RTCSessionDescription(answer["sdp"], answer["type"]))
        await asyncio.wait_for(self._connected.wait(), CONNECT_LIMIT)
        if self._failed.is_set():
            raise RuntimeError("the connection failed")
        return Timings(answered - began, time.monotonic() - began)

    def lose(self, share: float, seed: int) -> None:
        """Lose this share of the media packets on their way to the server, from now on."""
        rng = random.Random(seed)
        for transport in {sender.transport for sender in self._pc.getSenders()}:
            _lose(transport, share, rng)

    async def close(self) -> None:
        """Ends the session the polite way."""
        await self._pc.close()

    def arrived(self, since: float, until: float) -> list[Arrival]:
        """Packets that came in a window of monotonic time."""
        return [arrival for arrival in self.arrivals if since <= arrival.moment < until]

    def _on_state(self) -> None:
        state = self._pc.connectionState
        if state in ("failed", "closed"):
            self._failed.set()
        if state in ("connected", "failed", "closed"):
            self._connected.set()

    def _on_track(self, track: MediaStreamTrack) -> None:
        self.remote = track
        for transceiver in self._pc.getTransceivers():
            if transceiver.receiver.track is track:
                self._watch(transceiver.receiver)

    def _watch(self, receiver: Any) -> None:
        handle = receiver._handle_rtp_packet

        async def note(packet: Any, arrival_time_ms: int) -> None:
            size = len(packet.payload)
            self.arrivals.append(Arrival(time.monotonic(), size, bool(packet.marker)))
            if size > AUDIBLE:
                self.audible.set()
            await handle(packet, arrival_time_ms)

        receiver._handle_rtp_packet = note


def _lose(transport: Any, share: float, rng: random.Random) -> None:
    send = transport._send_rtp

    async def send_some(data: bytes) -> None:
        if is_rtcp(data) or rng.random() >= share:
            await send(data)

    transport._send_rtp = send_some
