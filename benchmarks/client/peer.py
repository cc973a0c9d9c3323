"""One aiortc peer that connects to the server and notes when packets come back.

It decodes nothing unless asked to, so that the server is what is measured. What is private to
aiortc (seen in 1.16) is used here and in `load.py` only.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import re
import time
import uuid
from collections.abc import Callable, Coroutine
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
from fastrtc.transport.webrtc._aiortc.receiver_reports import watch_reports

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
        #: Whether the server decodes FEC, once connected.
        self.may_send_fec = False
        self._server = server
        self._connected = asyncio.Event()
        self._failed = asyncio.Event()
        self._pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._pc.createDataChannel("text")
        self._pc.addTrack(track)
        self._pc.on("connectionstatechange", self._on_state)
        self._pc.on("track", self._on_track)

    async def connect(self) -> Timings:
        """Posts the offer, as a browser's with FEC, and waits until the connection is up."""
        await self._pc.setLocalDescription(await self._pc.createOffer())
        local = self._pc.localDescription
        began = time.monotonic()
        answer = await self._server.offer(
            {"sdp": _with_fec(local.sdp), "type": local.type, "webrtc_id": self.id}
        )
        self.may_send_fec = "useinbandfec=1" in answer["sdp"]
        answered = time.monotonic()
        await self._pc.setRemoteDescription(RTCSessionDescription(answer["sdp"], answer["type"]))
        await asyncio.wait_for(self._connected.wait(), CONNECT_LIMIT)
        if self._failed.is_set():
            raise RuntimeError("the connection failed")
        return Timings(answered - began, time.monotonic() - began)

    def impair_sending(self, network: Network) -> None:
        """Lose and delay media packets on their way to the server, from now on."""
        for transport in {sender.transport for sender in self._pc.getSenders()}:
            _impair_sending(transport, network)

    def impair_receiving(self, network: Network) -> None:
        """Lose and delay media packets on their way from the server, from now on."""
        for receiver in self._pc.getReceivers():
            _impair_receiving(receiver, network)

    def on_loss(self, callback: Callable[[float], None]) -> None:
        """Call back with each share of packets that the server reports as lost."""
        for sender in self._pc.getSenders():
            watch_reports(sender, lambda report: callback(report.loss))

    def keep_payloads(self) -> dict[int, bytes]:
        """Keep what arrives from now on; payloads by sequence number, which do not wrap."""
        payloads: dict[int, bytes] = {}
        for receiver in self._pc.getReceivers():
            _keep_payloads(receiver, payloads)
        return payloads

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


class Network:
    """Loses and delays packets at random, with a fixed seed.

    Args:
        share: The share of packets that are lost.
        jitter: Up to how much each of the others is delayed, in seconds, so that they overtake
            each other.
        seed: The same seed loses the same packets.
    """

    def __init__(self, share: float, jitter: float, seed: int) -> None:
        self._share = share
        self._jitter = jitter
        self._random = random.Random(seed)
        self._tasks: set[asyncio.Task[None]] = set()

    async def carry(self, deliver: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Deliver a packet at once, later or never."""
        lost, delay = self._random.random() < self._share, self._random.uniform(0, self._jitter)
        if lost:
            return
        if not self._jitter:
            await deliver()
            return
        task = asyncio.create_task(_later(delay, deliver))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def _later(delay: float, deliver: Callable[[], Coroutine[Any, Any, None]]) -> None:
    await asyncio.sleep(delay)
    with contextlib.suppress(ConnectionError):
        await deliver()


def _impair_sending(transport: Any, network: Network) -> None:
    send = transport._send_rtp

    async def send_some(data: bytes) -> None:
        if is_rtcp(data):
            await send(data)
        else:
            await network.carry(lambda: send(data))

    transport._send_rtp = send_some


def _impair_receiving(receiver: Any, network: Network) -> None:
    handle = receiver._handle_rtp_packet

    async def handle_some(packet: Any, arrival_time_ms: int) -> None:
        await network.carry(lambda: handle(packet, arrival_time_ms))

    receiver._handle_rtp_packet = handle_some


def _keep_payloads(receiver: Any, payloads: dict[int, bytes]) -> None:
    handle = receiver._handle_rtp_packet
    first: int | None = None

    async def keep(packet: Any, arrival_time_ms: int) -> None:
        nonlocal first
        if first is None:
            first = packet.sequence_number - 1000  # delayed ones may have come before it
        payloads[(packet.sequence_number - first) % 65536] = packet.payload
        await handle(packet, arrival_time_ms)

    receiver._handle_rtp_packet = keep


def _with_fec(sdp: str) -> str:
    """The offer of a decoder that uses FEC of Opus, which aiortc does not say."""
    return re.sub(
        r"(a=rtpmap:(\d+) opus/48000/2\r\n)", r"\1a=fmtp:\2 minptime=10;useinbandfec=1\r\n", sdp
    )
