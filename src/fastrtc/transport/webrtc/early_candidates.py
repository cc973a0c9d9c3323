"""Trickled candidates that arrive before their offer, or after the end of their connection."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Sequence

from ...core.errors import SessionRefused
from .candidates import Candidate

__all__ = ["EarlyCandidates"]

KEPT_S = 10.0
"""How long candidates are kept until their offer arrives, in seconds: a browser sends both at once,
and only the network reorders them."""

MAX_PER_ID = 64
"""Candidates per id; a browser with several networks has a dozen."""

MAX_REFUSED = 1024
"""Ids that are remembered as ended or unknown."""


class EarlyCandidates:
    """Keep candidates until the offer of their connection arrives, for up to 10 s.

    The number of ids is bounded; a new one evicts the oldest. So a client that makes up ids does
    not keep out others, as a browser's offer follows at once.
    """

    def __init__(self) -> None:
        self._kept: dict[str, list[Candidate]] = {}
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._refused: OrderedDict[str, str] = OrderedDict()

    def keep(self, webrtc_id: str, candidate: Candidate, max_ids: int) -> None:
        """Keep a candidate.

        Args:
            webrtc_id: The id of its connection.
            candidate: The candidate.
            max_ids: Maximum number of ids.

        Raises:
            SessionRefused: If its connection has ended, if its offer did not arrive within
                10 s, or if the id has too many candidates already.
        """
        if webrtc_id in self._refused:
            raise SessionRefused(self._refused[webrtc_id])
        kept = self._kept.get(webrtc_id)
        if kept is None:
            if len(self._kept) >= max_ids:
                self.take(next(iter(self._kept)))
            kept = self._kept[webrtc_id] = []
            self._timers[webrtc_id] = asyncio.get_running_loop().call_later(
                KEPT_S, self._expire, webrtc_id
            )
        if len(kept) >= MAX_PER_ID:
            raise SessionRefused("unknown_connection")
        kept.append(candidate)

    def take(self, webrtc_id: str) -> list[Candidate]:
        """Remove and return the candidates of a connection whose offer has arrived."""
        self._refused.pop(webrtc_id, None)
        timer = self._timers.pop(webrtc_id, None)
        if timer is not None:
            timer.cancel()
        return self._kept.pop(webrtc_id, [])

    def put_back(self, webrtc_id: str, candidates: Sequence[Candidate], max_ids: int) -> None:
        """Keep candidates again, as another process may take their offer."""
        self.allow(webrtc_id)
        for candidate in candidates[:MAX_PER_ID]:
            self.keep(webrtc_id, candidate, max_ids)

    def refusal(self, webrtc_id: str) -> str | None:
        """Return the code with which candidates for an id are refused, or None."""
        return self._refused.get(webrtc_id)

    def allow(self, webrtc_id: str) -> None:
        """Accept candidates for an id again, as its offer has arrived."""
        self._refused.pop(webrtc_id, None)

    def refuse_ended(self, webrtc_id: str) -> None:
        """Record the end of a connection, to refuse further candidates."""
        self.take(webrtc_id)
        self._refuse(webrtc_id, "connection_closed")

    def clear(self) -> None:
        """Remove everything."""
        for webrtc_id in list(self._kept):
            self.take(webrtc_id)
        self._refused.clear()

    def _expire(self, webrtc_id: str) -> None:
        self.take(webrtc_id)
        self._refuse(webrtc_id, "unknown_connection")

    def _refuse(self, webrtc_id: str, code: str) -> None:
        self._refused[webrtc_id] = code
        while len(self._refused) > MAX_REFUSED:
            self._refused.popitem(last=False)
