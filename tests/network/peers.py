"""The clients of a machine, steered over stdin; each request is answered by a line of JSON.

    {"do": "call", "url": "http://10.0.0.1:8000/one", "count": 3}    connects, and describes each
    {"do": "listen"}    lets each talk until it hears its echo, and returns how many do
    {"do": "states"}    returns the state of each connection
    {"do": "hang_up"}   closes them
    {"do": "flood", "address": ["10.0.0.1", 40000], "datagrams": ["00ff"], "count": 1000}
                        sends datagrams, and returns how many come back

Their packets are encoded beforehand, and only a few at a time talk, so that a busy machine can bear
50 of them.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import logging
import os
import socket
import urllib.request
import uuid
from contextlib import suppress
from typing import Any

import aioice.ice
import av
import numpy as np
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription

from fastrtc.transport.webrtc._aiortc.closing import close_while_connecting
from fastrtc.transport.webrtc._aiortc.consent import watch_consent
from tests.support.commands import a_few_at_a_time, answer_requests
from tests.support.encoded_tone import EncodedTone
from tests.support.ice_tcp import connect_over_tcp

__all__ = ["Peer"]

LOUD = 1500
LOUD_PACKETS = 5
CONNECT_WITHIN_S = 40.0
ANSWER_WITHIN_S = 0.3


class Peer:
    """A client that talks and listens to a server."""

    def __init__(self, url: str, tcp_from: str | None, within: float) -> None:
        self.url = url
        self.within = within
        self.described: dict[str, Any] = {"state": "new"}
        self.pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        close_while_connecting(self.pc)
        self._talks = asyncio.Event()
        self.pc.addTrack(EncodedTone(self._talks))
        self.pc.createDataChannel("text")
        if tcp_from is not None:
            connect_over_tcp(self.pc, tcp_from)
        self._connected = asyncio.Event()
        self._decoder = av.CodecContext.create("opus", "r")
        self._loud = 0
        self._heard = asyncio.Event()
        self.pc.on("connectionstatechange", self._changed)

    async def connect(self) -> dict[str, Any]:
        """Connect, and describe the connection."""
        loop = asyncio.get_running_loop()
        await self.pc.setLocalDescription(await self.pc.createOffer())
        watch_consent(self.pc, lambda: None)
        body = {
            "sdp": self.pc.localDescription.sdp,
            "type": "offer",
            "webrtc_id": uuid.uuid4().hex,
        }
        began = loop.time()
        answer = await asyncio.to_thread(self._post, body)
        self.described["answered_s"] = loop.time() - began
        if "sdp" not in answer:
            self.described["refused"] = answer
            return self.described
        lines = answer["sdp"].splitlines()
        self.described["candidates"] = [x[12:] for x in lines if x.startswith("a=candidate:")]
        ufrag = next(x[12:] for x in lines if x.startswith("a=ice-ufrag:"))
        self.described["username"] = f"{ufrag}:{self._ice.local_username}"
        self.described["password"] = next(x[10:] for x in lines if x.startswith("a=ice-pwd:"))
        for transceiver in self.pc.getTransceivers():
            transceiver.receiver._handle_rtp_packet = self._hear  # type: ignore[method-assign]
        await self.pc.setRemoteDescription(RTCSessionDescription(answer["sdp"], "answer"))
        try:
            await asyncio.wait_for(self._connected.wait(), self.within)
        except asyncio.TimeoutError:
            return self.described
        self.described["connected_s"] = loop.time() - began
        pair = self._ice._nominated.get(1)
        self.described["remote"] = None if pair is None else list(pair.remote_addr)
        return self.described

    async def listen(self, within: float) -> bool:
        """Talk until the echo is heard; return whether it is."""
        self._loud = 0
        self._heard.clear()
        self._talks.set()
        try:
            await asyncio.wait_for(self._heard.wait(), within)
        except asyncio.TimeoutError:
            return False
        finally:
            self._talks.clear()
        return True

    async def close(self) -> None:
        await self.pc.close()

    @property
    def _ice(self) -> Any:
        return self.pc.getTransceivers()[0].receiver.transport.transport._connection

    def _post(self, body: dict[str, Any]) -> Any:
        request = urllib.request.Request(
            f"{self.url}/webrtc/offer",
            json.dumps(body).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30) as response:
            return json.load(response)

    def _changed(self) -> None:
        self.described["state"] = self.pc.connectionState
        if self.pc.connectionState in ("connected", "failed", "closed"):
            self._connected.set()

    async def _hear(self, packet: Any, arrival_time_ms: int) -> None:
        if self._heard.is_set():
            return
        for frame in self._decoder.decode(av.Packet(packet.payload)):
            samples: np.ndarray = frame.to_ndarray()
            loudest = np.abs(samples).max() * (32768 if samples.dtype.kind == "f" else 1)
            self._loud += bool(loudest > LOUD)
        if self._loud >= LOUD_PACKETS:
            self._heard.set()


class _Peers:
    """The peers of this process."""

    def __init__(self) -> None:
        self._peers: list[Peer] = []

    async def call(
        self,
        url: str,
        count: int = 1,
        tcp_from: str | None = None,
        within: float = CONNECT_WITHIN_S,
        loopback: str | None = None,
    ) -> Any:
        if loopback is not None:  # aioice leaves such addresses out
            aioice.ice.get_host_addresses = lambda **_: [loopback]
        peers = [Peer(url, tcp_from, within) for _ in range(count)]
        self._peers += peers
        return await a_few_at_a_time(peer.connect() for peer in peers)

    async def listen(self, within: float = 30.0) -> int:
        return sum(await a_few_at_a_time(peer.listen(within) for peer in self._peers))

    async def states(self) -> list[str]:
        return [peer.pc.connectionState for peer in self._peers]

    async def hang_up(self) -> str:
        peers, self._peers = self._peers, []
        await asyncio.gather(*(peer.close() for peer in peers))
        return "closed"

    async def flood(self, address: list[Any], datagrams: list[str], count: int) -> int:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            udp.setblocking(False)
            sent = itertools.cycle(map(bytes.fromhex, datagrams))
            for number in range(count):
                udp.sendto(next(sent), tuple(address))
                if number % 50 == 49:
                    await asyncio.sleep(0.001)  # no faster than the server reads
            await asyncio.sleep(ANSWER_WITHIN_S)
            answers = 0
            with suppress(BlockingIOError):
                while udp.recv(2048):
                    answers += 1
            return answers


if __name__ == "__main__":
    logging.basicConfig(level=os.environ.get("LOG_LEVEL", "WARNING"))
    asyncio.run(answer_requests(_Peers()))
