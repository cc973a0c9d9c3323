"""Limits on the addresses that a client can make the server send STUN requests to, and on how much.

No I/O.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from typing import Any, Literal

from ...core.errors import InvalidOffer

__all__ = [
    "CANDIDATE_BYTES",
    "Place",
    "SendAllowance",
    "TargetPolicy",
    "check_ice_credentials",
    "client_place",
    "place_of_client",
]

Place = Literal["elsewhere", "link", "machine"]
"""Where a client is, relative to the server: on the same machine, on a directly connected network,
or anywhere else."""

MAX_UFRAG = 64
"""Maximum length of an ICE username fragment in characters. RFC 8839 section 5.4 allows 256;
browsers use 4 or 8, other implementations up to 32. It is part of each request that the server
sends."""

MAX_CANDIDATES_PER_HOST = 16
"""Ports of one host that a connection may offer. A browser on a machine with 3 networks behind one
NAT has up to 9, one for each network and media section."""

MIN_PORT = 1024
"""Lower ports belong to other services: DNS, NTP, SNMP. libwebrtc rejects such candidates, too,
except for TURN servers at 80 and 443, on public addresses."""

TURN_PORTS = (80, 443)

MAX_NAMES = 16
"""Multicast DNS names that a connection may offer. A browser has one for each of its addresses;
each is queried on the server's network."""

CHECKS_BYTES = 2000.0
"""Bytes of STUN that a client's media earn: its address may change, and is checked then."""

CANDIDATE_BYTES = 80
"""Minimum size of a request with a candidate, in bytes."""

SEND_FACTOR = 2.5
"""Bytes that the server may send to addresses that have not answered, for each byte from the
client. The limit of RFC 9000 section 8.1 for QUIC is 3."""

_UFRAG = re.compile(rf"[A-Za-z0-9+/]{{4,{MAX_UFRAG}}}")
_PASSWORD = re.compile(r"[A-Za-z0-9+/]{22,256}")

_IP = ipaddress.IPv4Address | ipaddress.IPv6Address

_NAT64 = ipaddress.ip_network("64:ff9b::/96")

client_place: ContextVar[Place] = ContextVar("client_place", default="elsewhere")
"""The place of the client whose offer is being answered."""

_FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip", "cf-connecting-ip", "via")


def place_of_client(host: str | None, headers: Mapping[str, str]) -> Place:
    """Return the place of the client of a request.

    Args:
        host: The source address of the request; None if it is unknown.
        headers: The headers. One that a proxy or a tunnel adds means that the client is elsewhere.
    """
    if any(name in headers for name in _FORWARDED):
        return "elsewhere"
    address = _address(host or "")
    if address is None:
        return "elsewhere"
    if address.is_loopback:
        return "machine"
    return "link" if address.is_link_local else "elsewhere"


def check_ice_credentials(lines: Iterable[str]) -> None:
    """Validate the ICE credentials of an offer (RFC 8839 section 5.4).

    Args:
        lines: The lines of its SDP.

    Raises:
        InvalidOffer: If one is too short, too long, or has invalid characters.
    """
    for line in lines:
        name, _, value = line.partition(":")
        if name == "a=ice-ufrag" and not _UFRAG.fullmatch(value.strip()):
            raise InvalidOffer(
                f"The offer's ice-ufrag must have 4 to {MAX_UFRAG} letters, digits, + or /"
            )
        if name == "a=ice-pwd" and not _PASSWORD.fullmatch(value.strip()):
            raise InvalidOffer("The offer's ice-pwd must have 22 to 256 letters, digits, + or /")


class TargetPolicy:
    """Decide which addresses of a client the server may send to.

    Args:
        private: Whether to allow addresses of private networks.
        place: The place of the client: loopback addresses are for clients on this machine,
            link-local ones (RFC 3927, RFC 4291) for clients on the link or on this machine.
    """

    def __init__(self, private: bool = True, place: Place = "elsewhere") -> None:
        self._private = private
        self._place = place
        self._ports: dict[str, set[int]] = {}
        self._names: set[str] = set()

    @property
    def allows_private(self) -> bool:
        """Whether addresses of private networks are allowed."""
        return self._private

    def allows(self, host: str, port: int) -> bool:
        """Return whether the server may send STUN requests to an address.

        Args:
            host: An IP address; names are never allowed.
            port: The port.
        """
        address = _address(host)
        if address is None or not self._allows_network(address):
            return False
        return port >= MIN_PORT or (port in TURN_PORTS and address.is_global)

    def admits_name(self, name: str) -> bool:
        """Return whether a client may offer a multicast DNS name; their number is limited."""
        if name not in self._names and len(self._names) >= MAX_NAMES:
            return False
        self._names.add(name)
        return True

    def _allows_network(self, address: _IP) -> bool:
        if address.is_multicast or address.is_unspecified:
            return False
        if address.is_loopback:
            return self._place == "machine"
        if address.is_link_local:
            return self._place != "elsewhere"
        if address.is_reserved or int(address) == 0xFFFFFFFF:
            return False
        if _this_network(address):
            return False
        return self._private or address.is_global

    def allows_source(self, host: str) -> bool:
        """Return whether to answer STUN requests from an address.

        Loopback and link-local addresses are allowed: packets with such a source are not routed.
        """
        address = _address(host)
        return address is not None and (
            self._private or address.is_global or address.is_loopback or address.is_link_local
        )

    def admits(self, host: str, port: int) -> bool:
        """Return whether a client may offer an address: an allowed one, with few ports per host.

        Args:
            host: An IP address.
            port: The port.
        """
        if not self.allows(host, port):
            return False
        ports = self._ports.setdefault(str(_address(host)), set())
        if port not in ports and len(ports) >= MAX_CANDIDATES_PER_HOST:
            return False
        ports.add(port)
        return True


def _address(host: str) -> _IP | None:
    try:
        address: Any = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address):
        if address in _NAT64:
            return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        return address.ipv4_mapped or address.sixtofour or address
    return address if isinstance(address, ipaddress.IPv4Address) else None


def _this_network(address: _IP) -> bool:
    """Return whether an address is in 0.0.0.0/8, which Linux treats as this machine."""
    return address.version == 4 and int(address) >> 24 == 0


class SendAllowance:
    """Limit the bytes that are sent to addresses that have not consented.

    Args:
        received: Bytes that the client has sent so far: its offer.
    """

    def __init__(self, received: int = 0) -> None:
        self._left = SEND_FACTOR * received

    def earn(self, received: int) -> None:
        """Count bytes received from the client."""
        self._left += SEND_FACTOR * received

    def earn_for_checks(self, received: int) -> None:
        """Count bytes of media received from the client, up to the cost of a few checks."""
        if self._left < CHECKS_BYTES:
            self._left = min(CHECKS_BYTES, self._left + SEND_FACTOR * received)

    def spend(self, size: int) -> bool:
        """Return whether a number of bytes may be sent, and count them if so."""
        if size > self._left:
            return False
        self._left -= size
        return True
