"""Verification of STUN's MESSAGE-INTEGRITY (RFC 8489 section 14.5). No I/O."""

from __future__ import annotations

import hashlib
import hmac
from struct import pack, unpack_from

__all__ = ["is_signed"]

HEADER = 20
MESSAGE_INTEGRITY = 0x0008
SIZE = 20
"""Size of an HMAC-SHA1 in bytes."""


def is_signed(message: bytes, key: bytes) -> bool:
    """Return whether a STUN message has a MESSAGE-INTEGRITY attribute that was made with a key.

    Args:
        message: The message; it may be malformed.
        key: The password, as UTF-8.
    """
    pos = HEADER
    while pos <= len(message) - 4:
        type, length = unpack_from("!HH", message, pos)
        if type == MESSAGE_INTEGRITY:
            given = message[pos + 4 : pos + 4 + length]
            covered = pack("!H", pos + 4 + SIZE - HEADER)
            signed = message[:2] + covered + message[4:pos]
            return hmac.compare_digest(given, hmac.new(key, signed, hashlib.sha1).digest())
        pos += 4 + length + -length % 4
    return False
