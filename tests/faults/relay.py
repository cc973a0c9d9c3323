"""A UDP relay between a client and the server that loses, delays and cuts: portable, and seeded.

Each side knows only the relay's address, for the candidates in the offer and the answer are
replaced by it. So everything goes through the relay: STUN, DTLS, media and messages.
"""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastrtc.transport.webrtc.audio_receiver import AudioReceiver
from tests.support.peers import Client

__all__ = ["Faults", "Relay", "RelayedClient", "relay"]

CANDIDATE = re.compile(r"a=candidate:\S+ 1 udp \d+ (?P<host>[\d.]+) (?P<port>\d+) typ host.*\r\n")
Address = tuple[str, int]


@dataclass
class Faults:
    """What becomes of datagrams, in both directions.

    Attributes:
        loss: Which part of them is lost.
        delay_s: How much later each arrives at least.
        jitter_s: Up to how much later still each arrives; so they overtake each other.
        swap: Which part of them is overtaken by those of the next 30 ms.
        cut: Whether the cable is pulled.
    """

    loss: float = 0.0
    delay_s: float = 0.0
    jitter_s: float = 0.0
    swap: float = 0.0
    cut: bool = False


class _Port(asyncio.DatagramProtocol):
    """The relay as one side sees it; it knows that side's address from the SDP."""

    def __init__(self, relay: Relay) -> None:
        self.relay = relay
        self.peer: Address | None = None
        self.other: _Port
        self.transport: asyncio.DatagramTransport

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, address: Any) -> None:
        if address == self.peer:
            self.relay.carry(data, self.other)

    def send(self, data: bytes) -> None:
        if not self.transport.is_closing():
            assert self.peer is not None
            self.transport.sendto(data, self.peer)

    def take_place(self, sdp: str) -> str:
        """Note the address of the side whose SDP it is, and put the relay's into it."""
        found = CANDIDATE.search(sdp)
        assert found is not None, "there is no candidate to stand in for"
        self.peer = (found["host"], int(found["port"]))
        host, port = self.other.transport.get_extra_info("sockname")
        mine = f"a=candidate:1 1 udp 2130706431 {host} {port} typ host\r\n"
        sections = re.split(r"(?=m=)", re.sub(r"a=(candidate|end-of-candidates).*\r\n", "", sdp))
        return sections[0] + "".join(section + mine for section in sections[1:])


class Relay:
    """Carries datagrams between two ports.

    Attributes:
        faults: What becomes of them from now on.
        on_carry: Called with each datagram and where it goes; whether it goes there.
        carried: How many arrived.
        lost: How many did not.
    """

    def __init__(self, seed: int) -> None:
        self.faults = Faults()
        self.on_carry: Callable[[bytes, _Port], bool] | None = None
        self.carried = self.lost = 0
        self.client = _Port(self)
        self.server = _Port(self)
        self.client.other, self.server.other = self.server, self.client
        self._random = random.Random(seed)

    async def rebind(self) -> Address:
        """Have the client's datagrams come from another port, and close the one before.

        As a NAT does that forgets a mapping. Gives the address before.
        """
        before = self.server.transport
        self.server.transport = await _open(self.server)
        before.close()
        address: Address = before.get_extra_info("sockname")
        return address

    def carry(self, data: bytes, to: _Port) -> None:
        faults = self.faults
        if faults.cut or self._random.random() < faults.loss:
            self.lost += 1
            return
        self.carried += 1
        if self.on_carry is not None and not self.on_carry(data, to):
            return
        later = faults.delay_s + self._random.uniform(0, faults.jitter_s)
        if self._random.random() < faults.swap:
            later += 0.03
        if later:
            asyncio.get_running_loop().call_later(later, to.send, data)
        else:
            to.send(data)


async def _open(port: _Port) -> asyncio.DatagramTransport:
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(lambda: port, local_addr=("127.0.0.1", 0))
    return transport


@asynccontextmanager
async def relay(seed: int = 7) -> AsyncIterator[Relay]:
    """Open a relay on 127.0.0.1."""
    made = Relay(seed)
    for port in (made.client, made.server):
        await _open(port)
    try:
        yield made
    finally:
        for port in (made.client, made.server):
            port.transport.close()


class RelayedClient(Client):
    """A client whose way to the server goes through a relay, and no other way.

    It hears through the server's own receiver, which waits for late packets as browsers do.
    aiortc's keeps everything 0.2 s back for good when it has missed a packet.
    """

    rate = 48000

    def __init__(self, stream: Any, through: Relay, **options: Any) -> None:
        super().__init__(stream, **options)
        self.relay = through

    async def offer(self, *, trickle: bool = False) -> dict[str, Any]:
        body = await super().offer(trickle=trickle)
        return {**body, "sdp": self.relay.client.take_place(body["sdp"])}

    async def take(self, answer: dict[str, Any]) -> None:
        await super().take({**answer, "sdp": self.relay.server.take_place(answer["sdp"])})
        self.receivers = [
            AudioReceiver(transceiver, self, 1, asyncio.ensure_future)
            for transceiver in self.pc.getTransceivers()
            if transceiver.kind == "audio"
        ]

    def push(self, rate: int, samples: NDArray[np.int16]) -> None:
        """Hear, as the receiver's `AudioInbound`."""
        at = asyncio.get_running_loop().time()
        self.audio_frames.append((at, samples.reshape(-1), rate))

    def skip(self, seconds: float) -> None:
        """Do nothing for what the server left out."""

    async def close(self) -> None:
        for receiver in self.receivers:
            receiver.close()
        await super().close()
