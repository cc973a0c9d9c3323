"""A UDP port that connections share."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from ....core.log_throttle import LogThrottle
from .errors import PortUnavailable
from .packet_info import ANCILLARY_BYTES, from_address, local_address, request_addresses
from .routes import Address
from .shared_port import Member, SharedPort

__all__ = ["UdpPort"]

logger = logging.getLogger(__name__)

MAX_READS = 64
"""Datagrams that are read before the event loop does other work. At 50 packets a second, 64
sessions have one packet each in 20 ms."""

MAX_DATAGRAM = 65536
"""The largest UDP datagram, in bytes."""

BUFFER_BYTES = 4 << 20
"""Requested size of the kernel's buffers: all connections share them, and each datagram takes at
least 768 bytes. Without the capability NET_ADMIN, Linux grants up to ``net.core.rmem_max``."""

SO_SNDBUFFORCE = 32
SO_RCVBUFFORCE = 33

_failures = LogThrottle()


class UdpPort(SharedPort):
    """One UDP socket on all addresses of a family.

    Args:
        family: ``AF_INET`` or ``AF_INET6``.
        port: The port; 0 lets the kernel choose one.

    Attributes:
        family: The address family.
        port: The port.

    Raises:
        PortUnavailable: If it cannot be opened.
    """

    def __init__(self, family: socket.AddressFamily, port: int) -> None:
        super().__init__()
        self.family = family
        self._socket = _bind(family, port)
        self.port: int = self._socket.getsockname()[1]
        self._tells_addresses = request_addresses(self._socket)
        self._transport: asyncio.DatagramTransport | None = None
        self._starting: asyncio.Task[None] | None = None  # a loop keeps no reference to its tasks

    def sender(self, member: Member, local: str) -> Callable[[bytes, Address], None]:
        """Return a function that sends a datagram from a local address to another.

        A datagram that cannot be sent is lost, as any may be in the network.
        """
        udp = self._socket
        if not self._tells_addresses:

            def send(data: bytes, address: Address) -> None:
                try:
                    udp.sendto(data, address)
                except OSError:
                    pass

            return send
        ancillary = from_address(local)

        def send_from(data: bytes, address: Address) -> None:
            try:
                udp.sendmsg((data,), ancillary, 0, address)
            except OSError:
                pass

        return send_from

    def _start_reading(self, loop: asyncio.AbstractEventLoop) -> None:
        try:
            loop.add_reader(self._socket.fileno(), self._read)
        except NotImplementedError:  # the ProactorEventLoop of Windows
            self._starting = loop.create_task(self._read_as_transport(loop))

    def _stop_reading(self, loop: asyncio.AbstractEventLoop) -> None:
        transport, self._transport = self._transport, None
        if transport is not None:
            transport.abort()
        elif not loop.is_closed():
            with suppress(NotImplementedError):
                loop.remove_reader(self._socket.fileno())

    def _close_sockets(self) -> None:
        self._socket.close()

    def _read(self) -> None:
        receive = self._socket.recvmsg
        try:
            for _ in range(MAX_READS):
                data, ancillary, _flags, source = receive(MAX_DATAGRAM, ANCILLARY_BYTES)
                self._dispatch(data, source, local_address(ancillary))
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            _failures.log(logger.warning, "UDP port %s cannot be read: %s", self.port, error)

    def _dispatch(self, data: bytes, source: Any, local: bytes) -> None:
        address = source if len(source) == 2 else source[:2]  # of IPv6: without flow and scope
        member = self.routes.find(data, address)
        if member is not None:
            self.pass_on(member, data, address, local)

    async def _read_as_transport(self, loop: asyncio.AbstractEventLoop) -> None:
        dispatch = self._dispatch

        class Protocol(asyncio.DatagramProtocol):
            def datagram_received(self, data: bytes, source: Any) -> None:
                dispatch(data, source, b"")

        # A duplicate of the socket, as the transport closes it
        transport, _ = await loop.create_datagram_endpoint(Protocol, sock=self._socket.dup())
        with self._lock:
            if self._reader is loop:
                self._transport = transport
            else:
                transport.abort()


def _bind(family: socket.AddressFamily, port: int) -> socket.socket:
    udp = socket.socket(family, socket.SOCK_DGRAM)
    try:
        udp.setblocking(False)
        if family == socket.AF_INET6:
            udp.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        _enlarge(udp, SO_RCVBUFFORCE, socket.SO_RCVBUF)
        _enlarge(udp, SO_SNDBUFFORCE, socket.SO_SNDBUF)
        udp.bind(("::" if family == socket.AF_INET6 else "0.0.0.0", port))
    except OSError as error:
        udp.close()
        raise PortUnavailable(f"UDP port {port} cannot be opened: {error.strerror}") from error
    return udp


def _enlarge(udp: socket.socket, force: int, plain: int) -> None:
    try:
        udp.setsockopt(socket.SOL_SOCKET, force, BUFFER_BYTES)
    except OSError:  # not permitted, or not Linux
        with suppress(OSError):
            udp.setsockopt(socket.SOL_SOCKET, plain, BUFFER_BYTES)
