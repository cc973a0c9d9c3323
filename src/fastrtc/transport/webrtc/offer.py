"""An offer that can be answered."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from aiortc import RTCIceCandidate

__all__ = ["Offer"]


@dataclass(frozen=True)
class Offer:
    """An offer that can be answered.

    Attributes:
        sdp: The sections that aiortc answers, with the codecs that it has, and without
            candidates that have to be looked up by multicast DNS.
        later_candidates: Those: looking them up takes seconds where nothing answers.
        receives: The kinds of tracks that the client wants to receive.
        candidates: How many candidates it had.
        sources: By kind, the mid of the section whose media the handler gets.
        sinks: By kind, the mid of the section that the handler's media are sent on.
        places: For the mid and for the index of each offered section, the index in ``sdp`` of
            the section whose transport its candidates are for; None if it is rejected.
        rejected: For each section that is rejected, its index and its text in the answer.
    """

    sdp: str
    later_candidates: tuple[RTCIceCandidate, ...]
    receives: frozenset[str]
    candidates: int
    sources: Mapping[str, str]
    sinks: Mapping[str, str]
    places: Mapping[str | int, int | None]
    rejected: tuple[tuple[int, str], ...]

    def complete_answer(self, sdp: str) -> str:
        """Add the rejected sections to an answer (RFC 8829 section 5.3.1).

        Args:
            sdp: The answer to ``self.sdp``.
        """
        head, *sections = re.split(r"^(?=m=)", sdp, flags=re.MULTILINE)
        for index, text in self.rejected:
            sections.insert(index, text)
        return head + "".join(sections)

    def place(self, candidate: RTCIceCandidate) -> RTCIceCandidate | None:
        """Return a candidate for the section of ``sdp``; None if the client's is rejected.

        Args:
            candidate: With the mid, the index, or both, of an offered section.
        """
        key = candidate.sdpMLineIndex if candidate.sdpMid is None else candidate.sdpMid
        if key is None or key not in self.places:
            return candidate
        candidate.sdpMid, candidate.sdpMLineIndex = None, self.places[key]
        return None if candidate.sdpMLineIndex is None else candidate
