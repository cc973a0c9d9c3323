"""Trickled and offered candidates, on their way to a connection."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterator, Sequence
from typing import Any

from aiortc import RTCIceCandidate, RTCPeerConnection

from ...core.errors import SessionRefused
from .candidates import Candidate, candidates_in
from .ice_targets import CANDIDATE_BYTES, SendAllowance, TargetPolicy
from .offer import Offer

__all__ = ["CandidateIntake"]

logger = logging.getLogger(__name__)


class CandidateIntake:
    """Count the candidates of a client, and add them to its connection.

    Candidates with multicast DNS names are added once they are resolved.

    aiortc is not told of the end of candidates, at which ICE fails if there is nothing to check: a
    client that hides its addresses behind such names, or opens TCP connections, reaches the server
    all the same, as long as it is waited for (RFC 8863). What a client signals may also be the end
    of one section, as in Firefox, before the candidates of another one of the same transport.

    Args:
        pc: The connection.
        limit: How many candidates the client may offer.
        targets: The policy for the names that it may offer.
        allowance: The budget of bytes to unverified addresses; each candidate earns some.
        run: Starts a task that ends with the connection.
    """

    def __init__(
        self,
        pc: RTCPeerConnection,
        limit: int,
        targets: TargetPolicy,
        allowance: SendAllowance,
        run: Callable[[Coroutine[Any, Any, None]], asyncio.Task[Any]],
    ) -> None:
        self._pc = pc
        self._limit = limit
        self._targets = targets
        self._allowance = allowance
        self._run = run
        self._count = 0
        self._trickled: list[RTCIceCandidate] = []
        self._offer: Offer | None = None
        self._lookups: set[asyncio.Task[Any]] = set()

    def begin(self, offer: Offer) -> None:
        """Count the candidates of an offer."""
        self._offer = offer
        self._count = offer.candidates

    @property
    def is_resolving(self) -> bool:
        """Whether a multicast DNS name is being resolved."""
        return bool(self._lookups)

    def offered(self) -> Iterator[RTCIceCandidate]:
        """Yield the candidates that the client has offered, including those that are not used."""
        if self._offer is not None:
            yield from candidates_in(self._offer.sdp)
            yield from self._offer.later_candidates
        yield from self._trickled

    async def add(self, candidate: Candidate) -> None:
        """Add a trickled candidate; the end of candidates is ignored.

        Raises:
            SessionRefused: If the client has offered too many candidates.
            InvalidStateError: If the connection is closed.
            ValueError: If it names no section.
        """
        found = candidate.candidate
        if found is None:
            return
        if self._count >= self._limit:
            raise SessionRefused("too_many_candidates", limit=self._limit)
        self._count += 1
        self._trickled.append(found)
        self._allowance.earn(CANDIDATE_BYTES)
        placed = found if self._offer is None else self._offer.place(found)
        if placed is None:
            logger.debug("A candidate is for a section that was rejected")
        elif placed.ip.endswith(".local"):
            self.look_up((placed,))
        else:
            await self._pc.addIceCandidate(placed)

    def look_up(self, candidates: Sequence[RTCIceCandidate]) -> None:
        """Resolve candidates by multicast DNS, and add those that are found."""
        task = self._run(self._look_up(candidates))
        self._lookups.add(task)
        task.add_done_callback(self._lookups.discard)

    async def _look_up(self, candidates: Sequence[RTCIceCandidate]) -> None:
        for candidate in candidates:
            if not self._targets.admits_name(candidate.ip):
                continue
            try:
                await self._pc.addIceCandidate(candidate)
            except Exception:
                logger.debug("A candidate could not be added", exc_info=True)
