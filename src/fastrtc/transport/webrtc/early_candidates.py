"""Candidates that come before their offer, or after their connection."""

from __future__ import annotations

import asyncio
from collections import OrderedDict

from ...core.errors import SessionRefused
from .candidates import Candidate

__all__ = ["EarlyCandidates"]

KEPT_S = 10.0
"""How long candidates wait for their offer, in seconds: a browser sends both at once, and
only the network changes their order."""

MAX_PER_ID = 64
"""Candidates of one id; a browser with several networks has a dozen."""

MAX_REFUSED = 1024
"""Ids that are remembered as ended, or as never begun."""


class EarlyCandidates:
    """Keeps candidates until the offer of their connection comes, for 10 s at most.

    There is room for so many ids; when one more comes, the oldest is forgotten: whoever makes
    ids up keeps nobody out, as a browser's offer follows at once.
    """

    def __init__(self) -> None:
        self._kept: dict[str, list[Candidate]] = {}
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._refused: OrderedDict[str, str] = OrderedDict()

    def keep(self, webrtc_id: str, candidate: Candidate, most_ids: int) -> None:
        """Keep a candidate.

        Args:
            webrtc_id: The id of its connection.
            candidate: What came.
            most_ids: For how many ids there is room.

        Raises:
            SessionRefused: If its connection has ended, if its offer did not come within
                10 s, or if too many of its own wait already.
        """
        if webrtc_id in self._refused:
            raise SessionRefused(self._refused[webrtc_id])
        kept = self._kept.get(webrtc_id)
        if kept is None:
            if len(self._kept) >= most_ids:
                self.take(next(iter(self._kept)))
            kept = self._kept[webrtc_id] = []
            self._timers[webrtc_id] = asyncio.get_running_loop().call_later(
                KEPT_S, self._expire, webrtc_id
            )
        if len(kept) >= MAX_PER_ID:
            raise SessionRefused("unknown_connection")
        kept.append(candidate)

    def take(self, webrtc_id: str) -> list[Candidate]:
        """Give the candidates of a connection whose offer has come, and forget them."""
        self._refused.pop(webrtc_id, None)
        timer = self._timers.pop(webrtc_id, None)
        if timer is not None:
            timer.cancel()
        return self._kept.pop(webrtc_id, [])

    def refuse_ended(self, webrtc_id: str) -> None:
        """Learn that a connection has ended: further candidates come too late."""
        self.take(webrtc_id)
        self._refuse(webrtc_id, "connection_closed")

    def clear(self) -> None:
        """Forget all."""
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
