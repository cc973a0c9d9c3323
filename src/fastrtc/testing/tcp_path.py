"""What the faults of a network do to a TCP connection: nothing is lost, all waits."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from .impairments import Network

__all__ = ["TcpPath"]

RETRANSMISSION_S = 0.2
"""How much later a lost segment arrives, in seconds: the minimal retransmission timeout of Linux.
All that is sent after it waits for it."""


class TcpPath:
    """Deliver messages in order, with the delays of a network.

    Args:
        network: The faults of the network.
        name: The direction.
        opened_at: When the line was opened, on the clock of the event loop.
    """

    def __init__(self, network: Network, name: str, opened_at: float) -> None:
        self._network = network
        self._path = network.path(name)
        self._opened_at = opened_at
        self._loop = asyncio.get_running_loop()
        self._last_s = 0.0
        self._waiting: deque[Callable[[], None]] = deque()

    def carry(self, deliver: Callable[[], None]) -> None:
        """Call a function when a message that is sent now arrives."""
        if self._network.perfect:
            deliver()
            return
        now_s = self._loop.time() - self._opened_at
        arrival_s = self._path.arrival_s(now_s)
        if arrival_s is None:
            arrival_s = now_s + RETRANSMISSION_S
            if self._network.outage is not None:
                start_s, length_s = self._network.outage
                if start_s <= now_s < start_s + length_s:
                    arrival_s = start_s + length_s + RETRANSMISSION_S
        self._last_s = max(self._last_s, arrival_s)
        self._waiting.append(deliver)
        self._loop.call_at(self._opened_at + self._last_s, self._deliver_first)

    def _deliver_first(self) -> None:
        self._waiting.popleft()()  # timers of the same time do not keep their order
