"""The use of a shared port by a connection of aioice.

The private names are in ``gathering.PATCH``.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Any

from aioice import stun

from ..packet_budget import kind_of
from ..ports.lease import Lease
from ..ports.routes import Address
from ..ports.tcp_port import TcpPort
from ..ports.udp_port import UdpPort

__all__ = ["PortUse"]

LEARNED_PACKETS = 4
"""Packets of RTP after each check of the client whose SSRC is recorded."""


class PortUse:
    """A connection's use of a shared port, with a protocol for each local address.

    Args:
        lease: The ports of the connection.
        port: One of them.
    """

    def __init__(self, lease: Lease, port: UdpPort | TcpPort) -> None:
        self._port = port
        self._protocols: dict[bytes, Any] = {}
        self._member = lease.join(port, self._receive)
        self._unlearned = 0  # packets of RTP whose SSRC is to be recorded

    def add(self, protocol: Any, address: str) -> None:
        """Let a protocol send from an address, and receive what is sent there."""
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self._protocols[socket.inet_pton(family, address)] = protocol
        send = self._port.sender(self._member, address)
        protocol.connection_made(_SharedTransport(send, (address, self._port.port), protocol))
        self._route_responses(protocol)
        self._route_addresses(protocol)

    def _receive(self, data: bytes, source: Address, local: bytes) -> None:
        protocol = self._protocols.get(local)
        if protocol is None:
            if local:  # an address that is not to be used
                return
            protocol = next(iter(self._protocols.values()))
        if self._unlearned and kind_of(data) == "rtp":
            self._unlearned -= 1
            self._port.routes.learn(self._member, data)
        protocol.datagram_received(data, source)

    def _route_responses(self, protocol: Any) -> None:
        routes, member, ask = self._port.routes, self._member, protocol.request

        async def request(message: Any, *args: Any, **kwargs: Any) -> Any:
            routes.ask(member, message.transaction_id)
            try:
                answer = await ask(message, *args, **kwargs)
            finally:
                routes.answered(message.transaction_id)
            if kwargs.get("integrity_key") is not None:  # the response had the password
                routes.verify(member, answer[1])
            return answer

        protocol.request = request

    def _route_addresses(self, protocol: Any) -> None:
        routes, member, send = self._port.routes, self._member, protocol.send_stun

        def send_stun(message: Any, address: Address) -> None:
            if message.message_class == stun.Class.RESPONSE:  # the request had the password
                routes.verify(member, address)
                self._unlearned = LEARNED_PACKETS
            send(message, address)

        protocol.send_stun = send_stun


class _SharedTransport:
    """What a protocol of aioice needs of an ``asyncio.DatagramTransport``."""

    def __init__(
        self, send: Callable[[bytes, Address], None], address: Address, protocol: Any
    ) -> None:
        self.sendto = send
        self._address = address
        self._protocol = protocol
        self._closing = False

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Return the local address for ``"sockname"``."""
        return self._address if name == "sockname" else default

    def is_closing(self) -> bool:
        """Return whether it is closed."""
        return self._closing

    def close(self) -> None:
        """Close the protocol; the port stays open for other connections."""
        if not self._closing:
            self._closing = True
            asyncio.get_running_loop().call_soon(self._protocol.connection_lost, None)

    abort = close
