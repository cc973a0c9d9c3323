"""One socket for each address family."""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable
from typing import Protocol, TypeVar

from .errors import PortUnavailable

__all__ = ["open_both"]

logger = logging.getLogger(__name__)


class _Closable(Protocol):
    def close(self) -> object: ...


T = TypeVar("T", bound=_Closable)


def open_both(open_port: Callable[[socket.AddressFamily], T]) -> list[T]:
    """Open a port for IPv4, and for IPv6 unless this machine has it switched off.

    Args:
        open_port: Opens the port for an address family.

    Raises:
        PortUnavailable: If the port of either family cannot be opened; none is open then.
    """
    ports = [open_port(socket.AF_INET)]
    if socket.has_ipv6:
        try:
            ports.append(open_port(socket.AF_INET6))
        except PortUnavailable as error:
            if not _lacks_ipv6():
                ports[0].close()
                raise
            logger.debug("Without IPv6: %s", error)
    return ports


def _lacks_ipv6() -> bool:
    """Return whether this machine has IPv6 switched off."""
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return True
    return False
