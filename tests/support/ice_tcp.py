"""A peer of aiortc that connects over ICE-TCP (RFC 6544): it opens the connection.

aiortc itself only has UDP. Datagrams have their length in front (RFC 4571).
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

import aioice
from aioice.candidate import candidate_foundation, candidate_priority
from aioice.ice import StunProtocol
from aiortc import RTCPeerConnection

__all__ = ["connect_over_tcp"]

ACTIVE_PORT = 9  # "discard", RFC 6544 section 4.5


def connect_over_tcp(pc: RTCPeerConnection, address: str) -> None:
    """Let a peer have one candidate, which opens TCP connections from an address.

    To be called once its tracks and channels are added, before its offer is created.
    """
    found = [t.receiver.transport for t in pc.getTransceivers()]
    found += [] if pc.sctp is None else [pc.sctp.transport]
    for connection in {t.transport._connection for t in found}:
        _replace_gathering(connection, address)


def _replace_gathering(connection: Any, address: str) -> None:
    async def gather(*args: Any, **kwargs: Any) -> list[aioice.Candidate]:
        protocol = StunProtocol(connection)
        protocol.connection_made(_ActiveTransport(protocol))  # type: ignore[arg-type]
        protocol.local_candidate = aioice.Candidate(
            foundation=candidate_foundation("host", "tcp", address),
            component=1,
            transport="tcp",
            priority=candidate_priority(1, "host") - (36 << 24),
            host=address,
            port=ACTIVE_PORT,
            type="host",
            tcptype="active",
        )
        connection._protocols.append(protocol)
        return [protocol.local_candidate]

    connection.get_component_candidates = gather


class _ActiveTransport:
    """Opens a TCP connection to each address that datagrams are sent to."""

    def __init__(self, protocol: StunProtocol) -> None:
        self._protocol = protocol
        self._queues: dict[Any, asyncio.Queue[bytes]] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._closing = False

    def sendto(self, data: bytes, address: Any) -> None:
        if self._closing:
            return
        if address not in self._queues:
            self._queues[address] = asyncio.Queue()
            self._tasks.append(asyncio.ensure_future(self._talk(address)))
        self._queues[address].put_nowait(data)

    async def _talk(self, address: Any) -> None:
        with suppress(OSError):
            reader, writer = await asyncio.open_connection(*address)
            reading = asyncio.ensure_future(self._read(reader, address))
            try:
                while True:
                    data = await self._queues[address].get()
                    writer.write(len(data).to_bytes(2, "big") + data)
            finally:
                reading.cancel()
                writer.close()

    async def _read(self, reader: asyncio.StreamReader, address: Any) -> None:
        with suppress(asyncio.IncompleteReadError, OSError):
            while True:
                size = int.from_bytes(await reader.readexactly(2), "big")
                self._protocol.datagram_received(await reader.readexactly(size), address)

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return default

    def is_closing(self) -> bool:
        return self._closing

    def close(self) -> None:
        self._closing = True
        for task in self._tasks:
            task.cancel()
        asyncio.get_running_loop().call_soon(self._protocol.connection_lost, None)

    abort = close
