"""The local address of datagrams on a socket that is bound to all addresses (RFC 3542 section 6).

A reply has to come from the address that the request was sent to, or the client's ICE agent
rejects it (RFC 8445 section 7.2.5.2.1). The kernel tells that address in ancillary data, and sends
from the one it is given.
"""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterable

__all__ = ["ANCILLARY_BYTES", "Ancillary", "from_address", "local_address", "request_addresses"]

Ancillary = list[tuple[int, int, bytes]]

IP_PKTINFO = 8
"""From ``<linux/in.h>``; the ``socket`` module has it from Python 3.14 on."""

ANCILLARY_BYTES = 64
"""Enough for one ``in6_pktinfo``, with its header."""

_SUPPORTED = sys.platform == "linux"


def request_addresses(udp: socket.socket) -> bool:
    """Let the kernel tell the local address of each datagram; return whether it does."""
    if not _SUPPORTED:
        return False
    if udp.family == socket.AF_INET6:
        udp.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
    else:
        udp.setsockopt(socket.IPPROTO_IP, IP_PKTINFO, 1)
    return True


def local_address(ancillary: Iterable[tuple[int, int, bytes]]) -> bytes:
    """Return the packed local address of a received datagram; empty if it is not told."""
    for level, kind, data in ancillary:
        if level == socket.IPPROTO_IP and kind == IP_PKTINFO:
            return data[8:12]  # struct in_pktinfo: the index, the local address, the destination
        if level == socket.IPPROTO_IPV6 and kind == socket.IPV6_PKTINFO:
            return data[:16]
    return b""


def from_address(address: str) -> Ancillary:
    """Return the ancillary data for sending from a local address."""
    if ":" in address:
        packed = socket.inet_pton(socket.AF_INET6, address)
        return [(socket.IPPROTO_IPV6, socket.IPV6_PKTINFO, packed + bytes(4))]
    packed = socket.inet_pton(socket.AF_INET, address)
    return [(socket.IPPROTO_IP, IP_PKTINFO, bytes(4) + packed + bytes(4))]
