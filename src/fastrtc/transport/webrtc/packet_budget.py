"""How many packets, and how much work for them, a peer may send. No I/O; time is an argument."""

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
"""For how many seconds' worth of packets a peer may be ahead: what a network held back."""

MAX_DATAGRAM = 2048
"""Bytes. Peers keep to the MTU, 1500 at most: WebRTC's packets have up to 1200."""

STUN_PER_S, STUN_OF_OTHERS_PER_S = 200.0, 100.0
"""STUN messages per second of the addresses of the peer, and of all others. Browsers send
50 a second while they connect (Ta of RFC 8445 section 14.2 is 50 ms; 20 ms in some), and one in
2.5 s then; checking one costs the server some 0.1 ms."""

RTCP_BYTES_PER_S = 64_000.0
"""Bytes of RTCP per second. Video of 4 Mbit/s of which 30% are lost causes some 8 kB of NACKs."""

MAX_SSRCS = 31
"""RTP streams of a connection: browsers have two for each track. Each costs the server some 1 kB,
and a report each second, of which an RTCP packet holds 31 (RFC 3550 section 6.4)."""

ABUSE_S = 5.0
"""A peer whose packets were dropped without a pause for so long is disconnected."""

PAUSE_S = 1.0
"""A pause, as meant there."""

Kind = Literal["stun", "dtls", "rtp", "rtcp", "other"]


def kind_of(data: bytes) -> Kind:
    """Return what a datagram is (RFC 7983 section 7, RFC 5761 section 4)."""
    first = data[0] if data else 255
    if first < 4:
        return "stun"
    if 19 < first < 64:
        return "dtls"
    if 127 < first < 192 and len(data) > 1:
        return "rtcp" if 191 < data[1] < 224 else "rtp"
    return "other"


def _ssrc_of(data: bytes) -> int | None:
    kind = kind_of(data)
    at = {"rtp": 8, "rtcp": 4}.get(kind)
    if at is None or len(data) < at + 4:
        return None
    ssrc: int = unpack_from("!L", data, at)[0]
    return ssrc


class Persistence:
    """Tells a peer that does something again and again from one that did it for a moment."""

    def __init__(self) -> None:
        self._since = self._last = float("-inf")

    def goes_on(self, now: float) -> bool:
        """Note that it did it, and return whether it has for ``ABUSE_S``."""
        if now - self._last > PAUSE_S:
            self._since = now
        self._last = now
        return now - self._since > ABUSE_S


class PacketBudget:
    """Counts the datagrams that come to a connection.

    Those of the peer's own addresses and those of all others are counted apart: who is no peer
    cannot keep its packets out, unless by forging its address.

    Args:
        per_s: How many of all kinds may come per second.

    Attributes:
        dropped: How many were refused.
        ssrcs: RTP streams whose packets were authentic.
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
        """Count a datagram, and return whether it is to be looked at.

        Args:
            data: Its bytes.
            known: Whether it came from an address of the peer.
            now: The time, in seconds.
        """
        admitted = self._admits(data, known, now)
        if not admitted:
            self.dropped += 1
        return admitted

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
        """Return whether a datagram is none of an RTP stream that is one too many.

        To be asked right before its authenticity is checked: libsrtp keeps each authentic stream.
        """
        if len(self.ssrcs) < MAX_SSRCS:
            return True
        ssrc = _ssrc_of(data)
        return ssrc is None or ssrc in self.ssrcs

    def note_stream(self, data: bytes) -> None:
        """Note the RTP stream of a packet, RTP or RTCP, that was authentic."""
        ssrc = _ssrc_of(data)
        if ssrc is not None:
            self.ssrcs.add(ssrc)

    def goes_on(self, now: float) -> bool:
        """Note that a packet of the peer was dropped; return whether that goes on too long."""
        return self._persistence.goes_on(now)


# SCTP (RFC 9260)

DATA, INIT, INIT_ACK, SACK, HEARTBEAT, HEARTBEAT_ACK, ABORT = 0, 1, 2, 3, 4, 5, 6
ERROR, RECONFIG, FORWARD_TSN = 9, 130, 192

_PARAMS_AT = {  # where the parameters of a chunk begin, in its body
    INIT: 16,
    INIT_ACK: 16,
    HEARTBEAT: 0,
    HEARTBEAT_ACK: 0,
    ABORT: 0,
    ERROR: 0,
    RECONFIG: 0,
}

MAX_RECONFIG_PARAMS = 2
"""As many has a RE-CONFIG chunk (RFC 6525 section 3.1); each is answered by a packet."""


class MalformedPacket(ValueError):
    """An SCTP packet that contradicts its format."""


class SctpChunk:
    """A chunk of an SCTP packet, as far as its cost goes.

    Attributes:
        type: Its number (RFC 9260 section 3.2).
        items: How many entries it has: gap blocks and duplicates, parameters, streams.
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
        MalformedPacket: If lengths in it cannot be: aiortc would walk through it without end.
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
        if length < 4:  # aiortc goes on by so many bytes, and for 0 never ends
            raise MalformedPacket(f"A parameter of {length} bytes")
        pos += length + -length % 4
        count += 1
    return count


def clip_gaps(gaps: list[tuple[int, int]], most: int) -> list[tuple[int, int]]:
    """Return the gap blocks of a SACK that can be true (RFC 9260 section 3.3.4).

    They follow each other without overlap, and end with the last packet that was sent: so
    going through all their positions costs no more than going through what was sent.

    Args:
        gaps: Beginnings and ends, as offsets from the cumulative TSN.
        most: Offset of the last packet that was sent.
    """
    clipped: list[tuple[int, int]] = []
    last = 0
    for begin, end in gaps:
        if begin > most:
            break
        if begin <= last or end < begin:
            continue
        last = min(end, most)
        clipped.append((begin, last))
    return clipped
