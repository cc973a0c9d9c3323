"""The ports of this process, each opened once for all streams."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from .errors import PortUnavailable
from .families import open_both
from .shared_port import SharedPort
from .tcp_port import TcpPort
from .udp_port import UdpPort

__all__ = ["OPEN_PORTS", "OpenPorts"]

logger = logging.getLogger(__name__)

Key = tuple[str, int]
"""``"udp"`` or ``"tcp"``, and the port."""


@dataclass
class _Open:
    """An open port, and how many hold it."""

    ports: list[SharedPort]
    holders: int = 0


@dataclass
class OpenPorts:
    """Open ports on first use, and close them after the last. Thread-safe."""

    _lock: threading.Lock = field(default_factory=threading.Lock)
    _open: dict[Key, _Open] = field(default_factory=dict)

    def acquire_udp(self, port: int) -> Sequence[UdpPort]:
        """Return the sockets of a UDP port: one for each address family.

        Raises:
            PortUnavailable: If it cannot be opened.
        """
        with self._lock:
            held = self._open.get(("udp", port)) or _Open(list(_open_udp(port)))
            return self._hold(("udp", port), held)  # type: ignore[return-value]

    def acquire_first_udp(self, ports: range) -> Sequence[UdpPort]:
        """Return the sockets of a UDP port of this process, or else of the first that is free.

        Raises:
            PortUnavailable: If none of them can be opened.
        """
        with self._lock:
            for port in ports:
                if ("udp", port) in self._open:
                    return self._hold(("udp", port), self._open["udp", port])  # type: ignore[return-value]
            try:
                return self._open_first(ports)
            except PortUnavailable as error:
                raise PortUnavailable(
                    f"none of the UDP ports {ports[0]} to {ports[-1]} can be opened, one for each "
                    f"process: {error}"
                ) from error

    def acquire_tcp(self, port: int) -> TcpPort:
        """Return a TCP port.

        Raises:
            PortUnavailable: If it cannot be opened.
        """
        with self._lock:
            held = self._open.get(("tcp", port)) or _Open([TcpPort(port)])
            return self._hold(("tcp", port), held)[0]  # type: ignore[return-value]

    def acquire_free_udp(self, ports: range) -> Sequence[UdpPort] | None:
        """Return the sockets of a UDP port that is not in use, or None if there is none."""
        with self._lock:
            try:
                return self._open_first(port for port in ports if ("udp", port) not in self._open)
            except PortUnavailable:
                return None

    def release(self, protocol: str, port: int) -> None:
        """Release a port; it is closed when no holder is left."""
        with self._lock:
            held = self._open[protocol, port]
            held.holders -= 1
            if held.holders == 0:
                del self._open[protocol, port]
                for one in held.ports:
                    one.close()

    def _open_first(self, ports: Iterable[int]) -> Sequence[UdpPort]:
        failure = PortUnavailable("all of them are in use")
        for port in ports:
            try:
                held = _Open(list(_open_udp(port)))
            except PortUnavailable as error:
                logger.debug("%s", error)
                failure = error
                continue
            return self._hold(("udp", port), held)  # type: ignore[return-value]
        raise failure

    def _hold(self, key: Key, held: _Open) -> list[SharedPort]:
        self._open[key] = held
        held.holders += 1
        return held.ports


OPEN_PORTS = OpenPorts()
"""Those of this process."""


def _open_udp(port: int) -> list[UdpPort]:
    return open_both(lambda family: UdpPort(family, port))
