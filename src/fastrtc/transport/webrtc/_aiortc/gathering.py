"""Gather the candidates of a connection: on the ports of the server, without waiting for STUN.

aioice opens a socket on a random port for each address of each connection, and waits up to 5 s for
all answers of the STUN server.
"""

from __future__ import annotations

import asyncio
import copy
import importlib
import ipaddress
import logging
import socket
from collections.abc import Callable
from typing import Any

from aioice import Candidate, stun
from aioice.candidate import candidate_foundation, candidate_priority
from aiortc import RTCPeerConnection

from ....core.errors import SessionRefused
from ....core.ice import Ice
from ..ports.addresses import announced_addresses, local_addresses
from ..ports.ice_ports import IcePorts
from ..ports.lease import Lease
from ..ports.routes import Address
from ..ports.stun_query import collect, resolve
from ..ports.tcp_port import TcpPort
from ..ports.udp_port import UdpPort
from .patch import Patch
from .port_use import PortUse
from .transports import ICE_CONNECTION, ice_connections

__all__ = ["PATCH", "gather_on"]

logger = logging.getLogger(__name__)

PATCH = Patch(
    name="gathering",
    target="aioice.Connection.get_component_candidates",
    seen="aiortc 1.15 and 1.16, aioice 0.10 to 0.13",
    needs=(
        ICE_CONNECTION,
        "Connection().get_component_candidates",
        "Connection().stun_server",
        "Connection()._local_username",
        "Connection()._protocols",
        "aioice.ice.StunProtocol.request",
        "aioice.ice.StunProtocol.send_stun",
        "aioice.ice.StunProtocol.connection_made",
        "aioice.ice.StunProtocol.connection_lost",
        "aioice.candidate.candidate_foundation",
        "aioice.candidate.candidate_priority",
        "aioice.stun.Method.BINDING",
        "aioice.stun.Class.REQUEST",
        "aioice.stun.Class.RESPONSE",
    ),
    lost="the options of Ice are not available: connections open UDP sockets on random ports, and "
    "an answer waits up to 5 s for a STUN server",
    upstream="upstream.md#the-sockets-of-a-connection",
    delete_when="aioice.Connection has a parameter for the sockets that it gathers on",
)

RECEIVE_BUFFER_BYTES = 2 << 20
"""Requested size of the kernel's receive buffer of a socket of one connection."""

TCP_TYPE_PREFERENCE = 90
"""Below that of UDP (126): over TCP, one lost packet delays all that follow (RFC 6544 section
4.2)."""

TCP_LOCAL_PREFERENCE = (4 << 13) | 8191
"""For passive candidates (RFC 6544 section 4.2)."""

LOCAL_PREFERENCE = 1 << 8
"""One local preference in a priority (RFC 8445 section 5.1.2.1)."""


def gather_on(pc: RTCPeerConnection, ports: IcePorts, *, relay_only: bool) -> Callable[[], None]:
    """Let a connection gather its candidates on the ports of the server.

    To be called once the offer is set, before the answer is created.

    Args:
        pc: The connection.
        ports: The ports.
        relay_only: Whether only the candidates of a TURN server are used.

    Returns:
        The function that releases the ports, once the connection is closed.

    Raises:
        SessionRefused: If no port is free or one cannot be opened, or if the installed aioice does
            not fit and the options of ``Ice`` cannot be respected.
    """
    if not PATCH.fits:
        if ports.ice != Ice():
            reason = f"The options of Ice cannot be used: {PATCH.lost}"
            raise SessionRefused("unsupported_aiortc", reason=reason)
        return lambda: None
    leases: list[Lease] = []
    for connection in ice_connections(pc):
        lease = Lease() if relay_only else ports.lease()
        leases.append(lease)
        connection._local_username = lease.ufrag
        _Gatherer(connection, ports, lease, relay_only)

    def close() -> None:
        for lease in leases:
            lease.close()

    return close


class _Gatherer:
    """Gather the candidates of an ``aioice.Connection``."""

    def __init__(self, connection: Any, ports: IcePorts, lease: Lease, relay_only: bool) -> None:
        self._connection = connection
        self._ports = ports
        self._lease = lease
        self._relay_only = relay_only
        self._uses: dict[UdpPort | TcpPort, PortUse] = {}
        self._relay = connection.get_component_candidates
        connection.get_component_candidates = self.gather

    async def gather(
        self, component: int, addresses: list[str], timeout: float = 5
    ) -> list[Candidate]:
        """Return the candidates: of hosts, server-reflexive ones, and of the TURN server."""
        relays = asyncio.ensure_future(self._relay(component=component, addresses=[]))
        try:
            hosts = [] if self._relay_only else await self._gather_hosts(component)
            return [*hosts, *await relays]
        finally:
            relays.cancel()

    async def _gather_hosts(self, component: int) -> list[Candidate]:
        ice, loop = self._ports.ice, asyncio.get_running_loop()
        deadline = loop.time() + ice.gather_timeout_s
        public = await self._ports.public.get(ice.gather_timeout_s)
        opened: list[tuple[Any, list[str]]] = []
        for address in local_addresses(ice):
            announced = announced_addresses(address, public)
            opened += [(one, announced) for one in await self._open(component, address)]
        private = [
            protocol
            for protocol, announced in opened
            if announced == [protocol.local_candidate.host]
            and protocol.local_candidate.transport == "udp"
        ]
        reflexive = await self._ask_stun_server(private, deadline - loop.time())
        _put_last(private, reflexive)
        candidates: dict[tuple[str, str, int], Candidate] = {}
        for protocol, announced in opened:
            local = protocol.local_candidate
            for outer in reversed(announced):  # the first one is that of the protocol
                protocol.local_candidate = candidate = _announced(local, outer)
                candidates.setdefault((candidate.transport, outer, candidate.port), candidate)
        found = sorted(candidates.values(), key=lambda c: -c.priority)
        # Without a NAT they are the same (RFC 8445 section 5.1.3)
        return [*found, *(c for c in reflexive if ("udp", c.host, c.port) not in candidates)]

    # Sockets

    async def _open(self, component: int, address: str) -> list[Any]:
        """Return the protocols of an address: UDP, and TCP if there is a port for it."""
        protocols = []
        version = ipaddress.ip_address(address).version
        if not self._lease.udp:
            own = await self._open_own(component, address)
            protocols += [] if own is None else [own]
        for udp in self._lease.udp:
            if (udp.family == socket.AF_INET) == (version == 4):
                protocols.append(self._share(udp, component, address))
        if self._lease.tcp is not None:
            protocols.append(self._share(self._lease.tcp, component, address))
        return protocols

    async def _open_own(self, component: int, address: str) -> Any:
        """Open a socket of the connection's own."""
        ice: Any = importlib.import_module("aioice.ice")
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        udp = socket.socket(family, socket.SOCK_DGRAM)
        try:
            udp.setblocking(False)
            udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
            udp.bind((address, 0))
        except OSError as error:
            udp.close()
            logger.debug("No socket on %s: %s", address, error)
            return None
        # Complete before it receives: an earlier connection on the port may have a peer that sends
        protocol = ice.StunProtocol(self._connection)
        protocol.local_candidate = _host_candidate(component, "udp", address, udp.getsockname()[1])
        loop = asyncio.get_running_loop()
        try:
            await loop.create_datagram_endpoint(lambda: protocol, sock=udp)
        except BaseException:
            udp.close()
            raise
        self._connection._protocols.append(protocol)
        return protocol

    def _share(self, port: UdpPort | TcpPort, component: int, address: str) -> Any:
        """Use a shared port from one of its addresses."""
        ice: Any = importlib.import_module("aioice.ice")
        use = self._uses.get(port)
        if use is None:
            use = self._uses[port] = PortUse(self._lease, port)
        protocol = ice.StunProtocol(self._connection)
        use.add(protocol, address)
        transport = "udp" if isinstance(port, UdpPort) else "tcp"
        protocol.local_candidate = _host_candidate(component, transport, address, port.port)
        self._connection._protocols.append(protocol)
        return protocol

    # STUN

    async def _ask_stun_server(self, protocols: list[Any], timeout_s: float) -> list[Candidate]:
        """Return the server-reflexive candidates of IPv4 sockets."""
        server = self._connection.stun_server
        asked = [p for p in protocols if ":" not in p.local_candidate.host]
        if not server or not asked:
            return []
        resolved = asyncio.ensure_future(resolve(*server))
        queries = [_reflexive(protocol, resolved) for protocol in asked]
        try:
            return await collect(queries, timeout_s)
        finally:
            resolved.cancel()


async def _reflexive(protocol: Any, resolved: asyncio.Future[Address]) -> Candidate:
    """Ask a STUN server for the address of a socket."""
    server = await asyncio.shield(resolved)
    request = stun.Message(message_method=stun.Method.BINDING, message_class=stun.Class.REQUEST)
    response, _ = await protocol.request(request, server)
    host, port = response.attributes["XOR-MAPPED-ADDRESS"]
    base = protocol.local_candidate
    return Candidate(
        foundation=candidate_foundation("srflx", "udp", base.host),
        component=base.component,
        transport="udp",
        priority=candidate_priority(base.component, "srflx"),
        host=host,
        port=port,
        type="srflx",
        related_address=base.host,
        related_port=base.port,
    )


def _host_candidate(component: int, transport: str, host: str, port: int) -> Candidate:
    priority = candidate_priority(component, "host")
    if transport == "tcp":
        priority = (TCP_TYPE_PREFERENCE << 24) + (TCP_LOCAL_PREFERENCE << 8) + 256 - component
    return Candidate(
        foundation=candidate_foundation("host", transport, host),
        component=component,
        transport=transport,
        priority=priority,
        host=host,
        port=port,
        type="host",
        tcptype="passive" if transport == "tcp" else None,
    )


def _put_last(asked: list[Any], answered: list[Candidate]) -> None:
    """Give addresses that do not reach the STUN server a lower priority than those that do.

    They may reach nothing, and each pair that is checked before others costs the client 20 ms.
    """
    reach = {candidate.related_address for candidate in answered}
    for protocol in asked:
        local = protocol.local_candidate
        if reach and ":" not in local.host and local.host not in reach:
            local.priority -= LOCAL_PREFERENCE


def _announced(candidate: Candidate, host: str) -> Candidate:
    """Return a copy with the address that is announced."""
    announced = copy.copy(candidate)
    announced.host = host
    return announced
