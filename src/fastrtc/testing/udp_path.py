"""The faults of a network for the packets of one direction."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from .impairments import Network

__all__ = ["UdpPath"]


class UdpPath:
    """Lose, delay and reorder packets.

    Args:
        network: The faults of the network.
        name: The direction.
    """

    def __init__(self, network: Network, name: str) -> None:
        self._path = network.path(name)
        self._loop = asyncio.get_running_loop()
        self._opened_at = self._loop.time()

    def carry(self, deliver: Callable[[], None]) -> None:
        """Call a function when a packet that is sent now arrives, if it does."""
        arrival_s = self._path.arrival_s(self._loop.time() - self._opened_at)
        if arrival_s is not None:
            self._loop.call_at(self._opened_at + arrival_s, deliver)
