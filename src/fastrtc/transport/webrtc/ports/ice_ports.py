"""The ports and addresses of the connections of a stream."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

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

    def hold(self) -> Callable[[], None]:
        """Open the ports before there is a connection, so that a server finds out at its start.

        Returns:
            The function that closes them again, if no connection uses them.

        Raises:
            PortUnavailable: If a port cannot be opened.
        """
        keys: list[tuple[str, int]] = []

        def release() -> None:
            held, keys[:] = list(keys), []
            for protocol, port in held:
                self._ports.release(protocol, port)

        try:
            if self.ice.udp_port is not None:
                self._ports.acquire_udp(self.ice.udp_port)
                keys.append(("udp", self.ice.udp_port))
            if self.ice.tcp_port is not None:
                self._ports.acquire_tcp(self.ice.tcp_port)
                keys.append(("tcp", self.ice.tcp_port))
        except PortUnavailable:
            release()
            raise
        return release

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the ports within a block; see ``hold``."""
        release = self.hold()
        try:
            yield
        finally:
            release()

    def lease(self) -> Lease:
        """Lease ports to a connection; on its event loop.

        Raises:
            SessionRefused: If a port cannot be opened, or all ports of ``udp_ports`` are in use.
        """
        keys: list[tuple[str, int]] = []
        try:
            udp = self._lease_udp(keys)
            tcp = self._lease_tcp(keys)
        except PortUnavailable as error:
            for protocol, port in keys:
                self._ports.release(protocol, port)
            _unavailable.log(logger.error, "An offer is refused: %s", error)
            raise SessionRefused("port_unavailable", reason=str(error)) from error
        return Lease(udp, tcp, keys, self._ports)

    def _lease_udp(self, keys: list[tuple[str, int]]) -> list[UdpPort]:
        if self.ice.udp_port is not None:
            found = self._ports.acquire_udp(self.ice.udp_port)
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
        keys.append(("udp", found[0].port))
        return list(found)

    def _lease_tcp(self, keys: list[tuple[str, int]]) -> TcpPort | None:
        if self.ice.tcp_port is None:
            return None
        tcp = self._ports.acquire_tcp(self.ice.tcp_port)
        keys.append(("tcp", self.ice.tcp_port))
        return tcp
