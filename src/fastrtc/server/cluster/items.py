"""What nodes leave in the directory for the future owner of a connection, as JSON."""

from __future__ import annotations

import json
from typing import Any

from ...core.errors import InvalidCandidate

__all__ = ["candidate_item", "reader_item"]

CANDIDATE_FIELDS = ("candidate", "sdpMid", "sdpMLineIndex")

MAX_CANDIDATE_BYTES = 4096
"""Maximum size of a candidate that waits in the directory, in bytes; those of browsers have 200."""


def candidate_item(value: Any) -> bytes:
    """Return a candidate that the owner adds.

    Args:
        value: The candidate as the client sent it; None for the end of candidates.

    Raises:
        InvalidCandidate: If it is too large.
    """
    if isinstance(value, dict):  # other fields are ignored anyway
        value = {name: value[name] for name in CANDIDATE_FIELDS if name in value}
    item = json.dumps({"candidate": value}).encode()
    if len(item) > MAX_CANDIDATE_BYTES:
        raise InvalidCandidate("A candidate is too large")
    return item


def reader_item(node_id: str) -> bytes:
    """Return the node of a reader of outputs, which the owner notifies."""
    return json.dumps({"reader": node_id}).encode()
