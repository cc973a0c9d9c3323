"""Which connection a datagram on a shared port belongs to. No I/O."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Generic, TypeVar

from ..packet_budget import kind_of, ssrc_of
from .stun_header import is_request, is_stun, local_ufrag, transaction_id

__all__ = ["MAX_ADDRESSES", "Address", "Routes"]

Address = tuple[str, int]

MAX_ADDRESSES = 64
"""Addresses from which a peer has proved that it knows the password. The oldest is evicted: a phone
that changes networks has a new one each time."""

MAX_SSRCS = 16
"""SSRCs of a connection: microphone, camera and screen have two each, with retransmission."""

M = TypeVar("M", bound=Hashable)


class Routes(Generic[M]):
    """Find the connection of a datagram.

    A STUN request names the username fragment of the connection (RFC 8445 section 7.3), a STUN
    response the transaction of the request. Everything else (DTLS, RTP, RTCP) belongs to the
    connection that has verified its source address. RTP from an unknown address may be that of a
    client whose address has changed: it belongs to the connection that its SSRC is known from,
    which decrypts it, and then checks the address.
    """

    def __init__(self) -> None:
        self._by_ufrag: dict[bytes, M] = {}
        self._by_address: dict[Address, M] = {}
        self._by_transaction: dict[bytes, M] = {}
        self._by_ssrc: dict[int, M] = {}
        self._addresses: dict[M, dict[Address, None]] = {}
        self._ssrcs: dict[M, dict[int, None]] = {}

    def __contains__(self, ufrag: str) -> bool:
        """Return whether a username fragment is taken."""
        return ufrag.encode() in self._by_ufrag

    def add(self, member: M, ufrag: str) -> None:
        """Add a connection."""
        self._by_ufrag[ufrag.encode()] = member
        self._addresses[member] = {}
        self._ssrcs[member] = {}

    def remove(self, member: M, ufrag: str) -> None:
        """Remove a connection, its addresses and its SSRCs."""
        self._by_ufrag.pop(ufrag.encode(), None)
        for address in self._addresses.pop(member, {}):
            if self._by_address.get(address) is member:
                del self._by_address[address]
        for ssrc in self._ssrcs.pop(member, {}):
            del self._by_ssrc[ssrc]

    def verify(self, member: M, source: Address) -> None:
        """Record that a connection's client has proved to be at an address.

        An address belongs to the last client that has: a NAT may reuse it.
        """
        if self._by_address.get(source) is member:
            return
        addresses = self._addresses.get(member)
        if addresses is None:  # it has closed
            return
        self._by_address[source] = member
        addresses[source] = None
        if len(addresses) > MAX_ADDRESSES:
            oldest = next(iter(addresses))
            del addresses[oldest]
            if self._by_address.get(oldest) is member:
                del self._by_address[oldest]

    def learn(self, member: M, data: bytes) -> None:
        """Record the SSRC of a packet of RTP from a verified address (RFC 3550 section 5.1)."""
        ssrc, ssrcs = ssrc_of(data), self._ssrcs.get(member)
        if ssrc is None or ssrcs is None:
            return
        if len(ssrcs) < MAX_SSRCS and ssrc not in self._by_ssrc:
            self._by_ssrc[ssrc] = member
            ssrcs[ssrc] = None

    def ask(self, member: M, transaction: bytes) -> None:
        """Record a request whose response belongs to a connection."""
        self._by_transaction[transaction] = member

    def answered(self, transaction: bytes) -> None:
        """Forget a request that was answered or given up."""
        self._by_transaction.pop(transaction, None)

    def find(self, data: bytes, source: Address) -> M | None:
        """Return the connection of a datagram, or None for no connection.

        Args:
            data: The datagram.
            source: Where it came from.
        """
        if not is_stun(data):
            member = self._by_address.get(source)
            if member is None and kind_of(data) == "rtp":
                ssrc = ssrc_of(data)
                return None if ssrc is None else self._by_ssrc.get(ssrc)
            return member
        if not is_request(data):
            return self._by_transaction.get(transaction_id(data))
        ufrag = local_ufrag(data)
        return None if ufrag is None else self._by_ufrag.get(ufrag)
