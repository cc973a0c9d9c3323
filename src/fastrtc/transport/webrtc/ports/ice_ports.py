"""The ports and addresses of the connections of a stream."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager

from ....core.errors import SessionRefused
from ....core.ice import Ice
from ....core.log_throttle import LogThrottle
from .errors import PortUnavailable
from .lease import Lease
from .open_ports import OPEN_PORTS, OpenPorts
from .public_address import PublicAddresses
from .tcp_port import TcpPort
from .udp_port import UdpPort

__all__ = ["IcePorts"]

logger = logging.getLogger(__name__)

PUBLIC_ADDRESS_S = 2.0
"""How long the start of a server may wait for the STUN server of ``public_ip``, in seconds."""

_unavailable = LogThrottle()
_exhausted = LogThrottle()


class IcePorts:
    """Open the ports of ``Ice``, and lease them to connections.

    Args:
        ice: The options.
        ports: The open ports.

    Attributes:
        ice: The options.
        public: The announced addresses.
    """

    def __init__(self, ice: Ice, ports: OpenPorts = OPEN_PORTS) -> None:
        self.ice = ice
        self.public = PublicAddresses(ice.public_addresses)
        self._ports = ports

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """Hold the ports while a server runs, and ask for the public address at its start."""
        with self.held():
            await self.public.get(PUBLIC_ADDRESS_S)
            yield

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep the ports open within a block, so that a server opens them at its start.

        Raises:
            PortUnavailable: If a port cannot be opened.
        """
        with ExitStack() as stack:
            if self.ice.udp_port is not None:
                udp = self._acquire_shared_udp(self.ice.udp_port)
                stack.callback(self._ports.release, "udp", udp[0].port)
            if self.ice.tcp_port is not None:
                self._ports.acquire_tcp(self.ice.tcp_port)
                stack.callback(self._ports.release, "tcp", self.ice.tcp_port)
            yield

    def lease(self) -> Lease:
        """Lease ports to a connection; on its event loop.

        Raises:
            SessionRefused: If a port cannot be opened, or all ports of ``udp_ports`` are in use.
        """
        with ExitStack() as leased:
            try:
                udp = self._lease_udp(leased)
                tcp = self._lease_tcp(leased)
            except PortUnavailable as error:
                _unavailable.log(logger.error, "An offer is refused: %s", error)
                raise SessionRefused("port_unavailable", reason=str(error)) from error
            return Lease(udp, tcp, leased.pop_all().close)

    def _lease_udp(self, leased: ExitStack) -> list[UdpPort]:
        if self.ice.udp_port is not None:
            found = self._acquire_shared_udp(self.ice.udp_port)
        elif self.ice.udp_ports is not None:
            first, last = self.ice.udp_ports
            free = self._ports.acquire_free_udp(range(first, last + 1))
            if free is None:
                count = last - first + 1
                _exhausted.log(
                    logger.warning,
                    "An offer is refused: all %d ports of udp_ports=(%d, %d) are in use",
                    count,
                    first,
                    last,
                )
                raise SessionRefused("udp_ports_in_use", limit=count)
            found = free
        else:
            return []
        leased.callback(self._ports.release, "udp", found[0].port)
        return list(found)

    def _acquire_shared_udp(self, port: int | range) -> Sequence[UdpPort]:
        if isinstance(port, range):
            return self._ports.acquire_first_udp(port)
        return self._ports.acquire_udp(port)

    def _lease_tcp(self, leased: ExitStack) -> TcpPort | None:
        if self.ice.tcp_port is None:
            return None
        tcp = self._ports.acquire_tcp(self.ice.tcp_port)
        leased.callback(self._ports.release, "tcp", self.ice.tcp_port)
        return tcp
