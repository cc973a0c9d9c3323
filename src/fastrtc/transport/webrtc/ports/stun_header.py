"""The parts of a STUN message (RFC 8489) that identify its connection. No I/O.

Read from the bytes, as every datagram on a shared port passes here before anyone has proved
anything.
"""

from __future__ import annotations

__all__ = ["is_request", "is_stun", "local_ufrag", "transaction_id"]

HEADER_BYTES = 20
MAGIC_COOKIE = b"\x21\x12\xa4\x42"
BINDING_REQUEST = b"\x00\x01"
USERNAME = b"\x00\x06"

MAX_ATTRIBUTES = 16
"""Attributes before the username that are skipped. Senders have it first, or after a few."""


def is_stun(data: bytes) -> bool:
    """Return whether a datagram is a STUN message (RFC 7983 section 7)."""
    return data[4:8] == MAGIC_COOKIE and data[0] < 4 and len(data) >= HEADER_BYTES


def is_request(data: bytes) -> bool:
    """Return whether a STUN message is a Binding request."""
    return data[:2] == BINDING_REQUEST


def transaction_id(data: bytes) -> bytes:
    """Return the transaction id of a STUN message."""
    return data[8:HEADER_BYTES]


def local_ufrag(data: bytes) -> bytes | None:
    """Return the receiver's username fragment in a STUN request: the username up to the colon.

    None if there is no username, or the message is malformed.
    """
    position = HEADER_BYTES
    for _ in range(MAX_ATTRIBUTES):
        header = data[position : position + 4]
        if len(header) < 4:
            return None
        length = int.from_bytes(header[2:], "big")
        position += 4
        if header[:2] == USERNAME:
            ufrag, colon, _ = data[position : position + length].partition(b":")
            return ufrag if colon else None
        position += length + (-length % 4)
    return None
