"""The diagnoses of connections that have ended."""

from __future__ import annotations

from collections import OrderedDict

from ..core.diagnosis import Diagnosis

__all__ = ["PastConnections"]

MAX_KEPT = 32
"""Diagnoses that are kept of connections that failed, and as many of others."""


class PastConnections:
    """Keep the diagnoses of the last connections that have ended.

    Those that failed to connect are kept apart, so that others do not evict them.
    """

    def __init__(self) -> None:
        self._failed: OrderedDict[str, Diagnosis] = OrderedDict()
        self._ended: OrderedDict[str, Diagnosis] = OrderedDict()

    def add(self, diagnosis: Diagnosis) -> None:
        """Keep a diagnosis, in place of an earlier one with the same id."""
        id = diagnosis.webrtc_id
        self._failed.pop(id, None)
        self._ended.pop(id, None)
        kept = self._failed if diagnosis.state == "failed" else self._ended
        kept[id] = diagnosis
        if len(kept) > MAX_KEPT:
            kept.popitem(last=False)

    def get(self, id: str) -> Diagnosis | None:
        """Return the diagnosis of a connection, or None if it is not kept."""
        return self._failed.get(id) or self._ended.get(id)
