"""Entity tags of WHIP and WHEP sessions, and what a ``PATCH`` requires of them. No I/O."""

from __future__ import annotations

import hashlib
import re

__all__ = ["entity_tag", "failed_precondition"]

_TAG = re.compile(r'(W/)?"[\x21\x23-\x7e\x80-\xff]*"')


def entity_tag(id: str) -> str:
    """Return the strong entity tag of the ICE session of a connection (RFC 9110 section 8.8.3).

    A connection has one ICE session, as it does not restart ICE; so each process of a cluster can
    derive the tag from the id of the connection, which does not follow from the tag.
    """
    return f'"{hashlib.sha256(id.encode()).hexdigest()[:16]}"'


def failed_precondition(if_match: str | None, tag: str) -> int | None:
    """Return the status with which to refuse a ``PATCH`` because of its ``If-Match``, or None.

    RFC 9725 section 4.3.1: 428 without an entity tag, 412 for another one. ``*`` matches any
    (RFC 9110 section 13.1.1).

    Args:
        if_match: The value of the header; None if it is missing.
        tag: The entity tag of the session.
    """
    if if_match is None or not if_match.strip():
        return 428
    value = if_match.strip()
    if value in ("*", '"*"'):  # drafts of WHIP had it in quotes
        return None
    tags = {found[0] for found in _TAG.finditer(value)}
    return None if tag in tags else 412  # a weak tag, W/"...", does not match
