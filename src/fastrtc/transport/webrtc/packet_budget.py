"""Limits on a peer's packets and on the work that they cause. No I/O; time is an argument."""

from __future__ import annotations

from collections.abc import Iterator
from struct import error as StructError
from struct import unpack_from
from typing import Literal

from ...core.limits import RateLimit

__all__ = [
    "MalformedPacket",
    "PacketBudget",
    "Persistence",
    "SctpChunk",
    "clip_gaps",
    "kind_of",
    "sctp_chunks",
]

BURST_S = 2.0
"""How many seconds' worth of packets a peer may send at once: what a network delayed."""

MAX_DATAGRAM = 2048
"""Maximum size of a datagram in bytes. Peers respect the MTU of up to 1500: WebRTC's packets have
up to 1200."""

STUN_PER_S, STUN_OF_OTHERS_PER_S = 200.0, 100.0
"""STUN messages per second from the addresses of the peer, and from all others. Browsers send 50 a
second while they connect (Ta of RFC 8445 section 14.2 is 50 ms; 20 ms in some), and one in 2.5 s
afterwards; checking one costs the server some 0.1 ms."""

RTCP_BYTES_PER_S = 64_000.0
"""Bytes of RTCP per second. Video of 4 Mbit/s with 30% loss causes some 8 kB of NACKs."""

MAX_SSRCS = 31
"""RTP streams of a connection: browsers have two for each track. Each costs the server some 1 kB,
and a report each second; an RTCP packet holds 31 reports (RFC 3550 section 6.4)."""

ABUSE_S = 5.0
"""A peer whose packets were dropped for so long without a pause is disconnected."""

PAUSE_S = 1.0
"""The length of such a pause, in seconds."""

Kind = Literal["stun", "dtls", "rtp", "rtcp", "other"]


def kind_of(data: bytes) -> Kind:
    """Return the kind of a datagram (RFC 7983 section 7, RFC 5761 section 4)."""
    first = data[0] if data else 255
    if first < 4:
        return "stun"
    if 19 < first < 64:
        return "dtls"
    if 127 < first < 192 and len(data) > 1:
        return "rtcp" if 191 < data[1] < 224 else "rtp"
    return "other"


def ssrc_of(data: bytes) -> int | None:
    """Return the SSRC of the sender of RTP or RTCP, or None (RFC 3550 sections 5.1, 6.4.1)."""
    kind = kind_of(data)
    at = {"rtp": 8, "rtcp": 4}.get(kind)
    if at is None or len(data) < at + 4:
        return None
    ssrc: int = unpack_from("!L", data, at)[0]
    return ssrc


class Persistence:
    """Distinguish persistent behavior of a peer from a short burst."""

    def __init__(self) -> None:
        self._since = self._last = float("-inf")

    def persists(self, now: float) -> bool:
        """Record the behavior; return whether it has lasted for ``ABUSE_S``."""
        if now - self._last > PAUSE_S:
            self._since = now
        self._last = now
        return now - self._since > ABUSE_S


class PacketBudget:
    """Count the datagrams of a connection.

    Datagrams from the peer's own addresses and from all others are counted separately: an attacker
    cannot crowd out the peer's packets, except by forging its address.

    Args:
        per_s: Datagrams of all kinds per second.

    Attributes:
        dropped: The number of dropped datagrams.
        ssrcs: The RTP streams with authentic packets.
    """

    def __init__(self, per_s: float) -> None:
        self.dropped = 0
        self.ssrcs: set[int] = set()
        self._all = {known: RateLimit(per_s, BURST_S) for known in (True, False)}
        self._stun = {
            True: RateLimit(STUN_PER_S, BURST_S),
            False: RateLimit(STUN_OF_OTHERS_PER_S, BURST_S),
        }
        self._rtcp = RateLimit(RTCP_BYTES_PER_S, BURST_S)
        self._persistence = Persistence()

    def admits(self, data: bytes, known: bool, now: float) -> bool:
        """Count a datagram, and return whether to process it.

        Args:
            data: The datagram.
            known: Whether it is from an address of the peer.
            now: The time, in seconds.
        """
        admitted = self._admits(data, known, now)
        if not admitted:
            self.dropped += 1
        return admitted

    def admits_media(self, data: bytes, now: float) -> bool:
        """Count an RTP packet from an address of the peer, as ``admits`` does."""
        if len(data) <= MAX_DATAGRAM and self._all[True].allows(now):
            return True
        self.dropped += 1
        return False

    def _admits(self, data: bytes, known: bool, now: float) -> bool:
        if not 0 < len(data) <= MAX_DATAGRAM:
            return False
        kind = kind_of(data)
        if kind == "other" or (kind == "dtls" and not known):
            return False
        if kind == "stun" and not self._stun[known].allows(now):
            return False
        if kind == "rtcp" and not self._rtcp.allows(now, len(data)):
            return False
        return self._all[known].allows(now)

    def has_room_for(self, data: bytes) -> bool:
        """Return False for a datagram of a new RTP stream beyond the limit.

        To be called right before its authentication: libsrtp keeps each authentic stream.
        """
        if len(self.ssrcs) < MAX_SSRCS:
            return True
        ssrc = ssrc_of(data)
        return ssrc is None or ssrc in self.ssrcs

    def note_stream(self, data: bytes) -> None:
        """Record the RTP stream of an authentic RTP or RTCP packet."""
        ssrc = ssrc_of(data)
        if ssrc is not None:
            self.ssrcs.add(ssrc)

    def persists(self, now: float) -> bool:
        """Record a dropped packet of the peer; return whether drops have lasted for ``ABUSE_S``."""
        return self._persistence.persists(now)


# SCTP (RFC 9260)

DATA, INIT, INIT_ACK, SACK, HEARTBEAT, HEARTBEAT_ACK, ABORT = 0, 1, 2, 3, 4, 5, 6
ERROR, RECONFIG, FORWARD_TSN = 9, 130, 192

_PARAMS_AT = {  # offset of the parameters in the body of a chunk
    INIT: 16,
    INIT_ACK: 16,
    HEARTBEAT: 0,
    HEARTBEAT_ACK: 0,
    ABORT: 0,
    ERROR: 0,
    RECONFIG: 0,
}

MAX_RECONFIG_PARAMS = 2
"""The maximum in a RE-CONFIG chunk (RFC 6525 section 3.1); each is answered with a packet."""


class MalformedPacket(ValueError):
    """A malformed SCTP packet."""


class SctpChunk:
    """The properties of an SCTP chunk that determine its cost.

    Attributes:
        type: The type number (RFC 9260 section 3.2).
        items: The number of entries: gap blocks and duplicates, parameters, streams.
        stream: The stream of a DATA chunk.
    """

    __slots__ = ("items", "stream", "type")

    def __init__(self, type: int, items: int, stream: int) -> None:
        self.type = type
        self.items = items
        self.stream = stream


def sctp_chunks(packet: bytes) -> Iterator[SctpChunk]:
    """Yield the chunks of an SCTP packet.

    Raises:
        MalformedPacket: If a length is invalid: aiortc could loop forever on it.
    """
    pos = 12
    while pos <= len(packet) - 4:
        type, _, length = unpack_from("!BBH", packet, pos)
        if length < 4 or pos + length > len(packet):
            raise MalformedPacket(f"A chunk of {length} bytes")
        body = packet[pos + 4 : pos + length]
        try:
            yield _chunk(type, body)
        except StructError as error:
            raise MalformedPacket(f"A chunk of type {type} is too short") from error
        pos += length + -length % 4


def _chunk(type: int, body: bytes) -> SctpChunk:
    if type == DATA:
        return SctpChunk(type, 0, unpack_from("!LHHL", body)[1])
    if type == SACK:
        gaps, duplicates = unpack_from("!LLHH", body)[2:]
        if 12 + 4 * (gaps + duplicates) > len(body):
            raise MalformedPacket(f"A SACK without the {gaps} gaps that it announces")
        return SctpChunk(type, gaps + duplicates, 0)
    if type == FORWARD_TSN:
        unpack_from("!L", body)
        if len(body) % 4:
            raise MalformedPacket("A FORWARD TSN with half a stream")
        return SctpChunk(type, len(body) // 4 - 1, 0)
    if type in _PARAMS_AT:
        items = _count_params(body[_PARAMS_AT[type] :])
        if type == RECONFIG and items > MAX_RECONFIG_PARAMS:
            raise MalformedPacket(f"A RE-CONFIG with {items} parameters")
        return SctpChunk(type, items, 0)
    return SctpChunk(type, 0, 0)


def _count_params(body: bytes) -> int:
    count = pos = 0
    while pos <= len(body) - 4:
        length = unpack_from("!HH", body, pos)[1]
        if length < 4:  # aiortc would advance by it, and loop forever for 0
            raise MalformedPacket(f"A parameter of {length} bytes")
        pos += length + -length % 4
        count += 1
    return count


def clip_gaps(gaps: list[tuple[int, int]], max_offset: int) -> list[tuple[int, int]]:
    """Return the gap blocks of a SACK that are valid (RFC 9260 section 3.3.4).

    They are ascending, do not overlap, and end at the last sent packet, so iterating over all
    their positions costs no more than iterating over the sent packets.

    Args:
        gaps: Beginnings and ends, as offsets from the cumulative TSN.
        max_offset: Offset of the last sent packet.
    """
    clipped: list[tuple[int, int]] = []
    last = 0
    for begin, end in gaps:
        if begin > max_offset:
            break
        if begin <= last or end < begin:
            continue
        last = min(end, max_offset)
        clipped.append((begin, last))
    return clipped
