"""A TCP port that connections share: passive ICE candidates (RFC 6544).

Clients connect to it; each sends the datagrams of one connection, with their length in front (RFC
4571).
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Any, cast

from ....core.tasks import runs_on
from .errors import PortUnavailable
from .families import open_both
from .routes import Address
from .shared_port import Member, SharedPort
from .stun_header import is_request, is_stun

__all__ = ["TcpPort"]

logger = logging.getLogger(__name__)

BACKLOG = 128

MAX_STRANGERS = 256
"""TCP connections that have not named their session yet. Beyond it, the oldest is closed."""

INTRODUCTION_S = 10.0
"""How long a client may take to send its first STUN request, in seconds."""

MAX_UNSENT_BYTES = 256 << 10
"""Bytes that wait for a client that reads too slowly; more are dropped, as a network would drop
them. It is half a second of video of 4 Mbit/s."""


class TcpPort(SharedPort):
    """A TCP socket of each address family.

    Args:
        port: The port.

    Attributes:
        port: The port.

    Raises:
        PortUnavailable: If it cannot be opened.
    """

    def __init__(self, port: int) -> None:
        super().__init__()
        self.port = port
        self._sockets = _listen(port)
        self._servers: list[asyncio.AbstractServer] = []
        self._serving: asyncio.Task[None] | None = None  # a loop keeps no reference to its tasks
        self._strangers: dict[_Client, None] = {}
        self._clients: dict[tuple[Member, Address], _Client] = {}

    def sender(self, member: Member, local: str) -> Callable[[bytes, Address], None]:
        """Return a function that sends a datagram of a connection to a client of it.

        A datagram to a client that is not connected is lost.
        """
        clients = self._clients

        def send(data: bytes, address: Address) -> None:
            client = clients.get((member, address))
            if client is not None:
                client.send(data)

        return send

    def leave(self, member: Member) -> None:
        """Remove a connection, and close its TCP connections."""
        super().leave(member)
        for key in [key for key in self._clients if key[0] is member]:
            self._clients.pop(key).close()

    def _start_reading(self, loop: asyncio.AbstractEventLoop) -> None:
        self._serving = loop.create_task(self._serve(loop))

    def _stop_reading(self, loop: asyncio.AbstractEventLoop) -> None:
        servers, self._servers = self._servers, []
        clients = [*self._strangers, *self._clients.values()]
        self._strangers.clear()
        self._clients.clear()
        if loop.is_closed():
            return
        for server in servers:
            server.close()
        for client in clients:
            client.close()

    def _close_sockets(self) -> None:
        for listening in self._sockets:
            listening.close()

    async def _serve(self, loop: asyncio.AbstractEventLoop) -> None:
        for listening in self._sockets:
            with suppress(OSError):  # it was closed meanwhile
                # A duplicate of the socket, as the server closes it
                server = await loop.create_server(lambda: _Client(self, loop), sock=listening.dup())
                if self._reader is loop:
                    self._servers.append(server)
                else:
                    server.close()

    # Clients; on the event loop that reads

    def _add(self, client: _Client) -> None:
        self._strangers[client] = None
        if len(self._strangers) > MAX_STRANGERS:
            oldest = next(iter(self._strangers))
            del self._strangers[oldest]
            oldest.close()

    def _introduce(self, client: _Client, data: bytes) -> Member | None:
        """Return the connection that the first datagram of a client names."""
        if not (is_stun(data) and is_request(data)):
            return None
        member = self.routes.find(data, client.address)
        if member is not None:
            self._strangers.pop(client, None)
            self._clients[member, client.address] = client
        return member

    def _remove(self, client: _Client, member: Member | None) -> None:
        self._strangers.pop(client, None)
        if member is not None and self._clients.get((member, client.address)) is client:
            del self._clients[member, client.address]


class _Client(asyncio.Protocol):
    """A TCP connection of a client."""

    def __init__(self, port: TcpPort, loop: asyncio.AbstractEventLoop) -> None:
        self._port = port
        self._loop = loop
        self._received = bytearray()
        self._member: Member | None = None
        self._transport: asyncio.Transport | None = None
        self._deadline: asyncio.TimerHandle | None = None
        self.address: Address = ("", 0)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for its first STUN request."""
        self._transport = cast(asyncio.Transport, transport)
        peer: Any = transport.get_extra_info("peername") or self.address
        self.address = (peer[0], peer[1])
        self._deadline = self._loop.call_later(INTRODUCTION_S, self.close)
        self._port._add(self)

    def data_received(self, data: bytes) -> None:
        """Split the stream into datagrams, and pass them on."""
        received = self._received
        received += data
        start = 0
        while len(received) - start >= 2:
            end = start + 2 + int.from_bytes(received[start : start + 2], "big")
            if len(received) < end:
                break
            if not self._pass_on(bytes(received[start + 2 : end])):
                self.close()
                return
            start = end
        del received[:start]

    def _pass_on(self, data: bytes) -> bool:
        if not data:
            return True
        if self._member is None:
            self._member = self._port._introduce(self, data)
            if self._member is None:
                return False
            if self._deadline is not None:
                self._deadline.cancel()
        self._port.pass_on(self._member, data, self.address, b"")
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the client."""
        if self._deadline is not None:
            self._deadline.cancel()
        self._port._remove(self, self._member)

    def send(self, data: bytes) -> None:
        """Send a datagram; from any event loop."""
        self._on_loop(self._write, data)

    def close(self) -> None:
        """Close the connection; from any event loop."""
        self._on_loop(self._close)

    def _on_loop(self, function: Any, *args: Any) -> None:
        if runs_on(self._loop):
            function(*args)
            return
        with suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(function, *args)

    def _write(self, data: bytes) -> None:
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        if transport.get_write_buffer_size() + len(data) <= MAX_UNSENT_BYTES:
            transport.write(len(data).to_bytes(2, "big") + data)

    def _close(self) -> None:
        if self._transport is not None:
            self._transport.abort()


def _listen(port: int) -> list[socket.socket]:
    return open_both(lambda family: _listen_on(family, port))


def _listen_on(family: socket.AddressFamily, port: int) -> socket.socket:
    tcp: socket.socket | None = None
    try:
        tcp = socket.socket(family, socket.SOCK_STREAM)
        tcp.setblocking(False)
        tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            tcp.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        tcp.bind(("::" if family == socket.AF_INET6 else "0.0.0.0", port))
        tcp.listen(BACKLOG)
    except OSError as error:
        if tcp is not None:
            tcp.close()
        raise PortUnavailable(f"TCP port {port} cannot be opened: {error.strerror}") from error
    return tcp
