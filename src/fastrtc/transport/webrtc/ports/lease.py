"""The ports of one connection."""

from __future__ import annotations

import random
import string
from collections.abc import Callable, Sequence

from .shared_port import Member, Receive, SharedPort
from .tcp_port import TcpPort
from .udp_port import UdpPort

__all__ = ["Lease"]

UFRAG_LENGTH = 8
"""Characters of a username fragment on a shared port; RFC 8839 section 5.4 wants 4 at least. Its
48 bits distinguish the connections of a port, besides keeping strangers out."""

_ICE_CHARACTERS = string.ascii_letters + string.digits + "+/"


class Lease:
    """The shared ports of one connection, until it is closed. On one event loop.

    Args:
        udp: The sockets of its UDP port; empty if it opens its own.
        tcp: Its TCP port, or None.
        release: Releases the ports.

    Attributes:
        udp: The sockets of its UDP port.
        tcp: Its TCP port, or None.
        ufrag: Its username fragment, unique on these ports.
    """

    def __init__(
        self,
        udp: Sequence[UdpPort] = (),
        tcp: TcpPort | None = None,
        release: Callable[[], None] = lambda: None,
    ) -> None:
        self.udp = udp
        self.tcp = tcp
        self.ufrag = self._choose_ufrag()
        self._release = release
        self._members: list[tuple[SharedPort, Member]] = []

    def join(self, port: SharedPort, receive: Receive) -> Member:
        """Receive the datagrams of the connection on a port."""
        member = Member(self.ufrag, receive)
        port.join(member)
        self._members.append((port, member))
        return member

    def close(self) -> None:
        """Release the ports; a further call has no effect."""
        release, self._release = self._release, lambda: None
        members, self._members = self._members, []
        for port, member in members:
            port.leave(member)
        release()

    def _choose_ufrag(self) -> str:
        choose = random.SystemRandom().choice
        used: list[SharedPort] = [*self.udp, *([self.tcp] if self.tcp else [])]
        while True:
            ufrag = "".join(choose(_ICE_CHARACTERS) for _ in range(UFRAG_LENGTH))
            if not any(ufrag in port.routes for port in used):
                return ufrag
