"""A validated offer."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from aiortc import RTCIceCandidate

__all__ = ["Offer"]

_FINGERPRINT = re.compile(r"^a=fingerprint:(\S+).*(?:\r?\n|\Z)", re.MULTILINE)


@dataclass(frozen=True)
class Offer:
    """A validated offer, which can be answered.

    Attributes:
        sdp: The sections that aiortc answers, reduced to codecs that it supports, and without
            candidates that have multicast DNS names, and without the end of candidates.
        later_candidates: The candidates with such names: resolving one takes seconds if there is
            no response.
        receives: The kinds of tracks that the client wants to receive.
        candidates: The number of candidates of the offer.
        sources: By kind, the mid of the section whose media the handler receives.
        sinks: By kind, the mid of the section that carries the handler's media.
        places: For the mid and for the index of each offered section, the index in ``sdp`` of
            the section whose transport its candidates are for; None if it is rejected.
        fec: Whether the client uses FEC of the Opus audio that it receives (``useinbandfec``,
            RFC 7587).
        dtx: Whether the client prefers not to receive silence (``usedtx``).
        second_video: The mid of the second section on which the client sends video; None if there
            is none.
        rejected: For each rejected section, its index and its text in the answer.
        one_clock: Whether the audio and the video of the client are of one sender, so that its
            sender reports are of one clock: they have the same CNAME (RFC 3550 section 6.5.1), or
            do not say theirs.
    """

    sdp: str
    later_candidates: tuple[RTCIceCandidate, ...]
    receives: frozenset[str]
    candidates: int
    sources: Mapping[str, str]
    sinks: Mapping[str, str]
    places: Mapping[str | int, int | None]
    rejected: tuple[tuple[int, str], ...]
    fec: bool = False
    dtx: bool = False
    second_video: str | None = None
    one_clock: bool = True

    def complete_answer(self, sdp: str) -> str:
        """Add the rejected sections to an answer (RFC 8829 section 5.3.1).

        The answer keeps the fingerprints of the hash functions that the client has used. aiortc
        gives three, as RFC 8122 allows; libdatachannel, which OBS uses, knows one only, and expects
        SHA-256 if it is connected before it has read the answer.

        Args:
            sdp: The answer to ``self.sdp``.
        """
        sdp = self._with_known_fingerprints(sdp)
        head, *sections = re.split(r"^(?=m=)", sdp, flags=re.MULTILINE)
        for index, text in self.rejected:
            sections.insert(index, text)
        return head + "".join(sections)

    def _with_known_fingerprints(self, sdp: str) -> str:
        offered = {found[1].lower() for found in _FINGERPRINT.finditer(self.sdp)}
        known = offered & {found[1].lower() for found in _FINGERPRINT.finditer(sdp)}
        return _FINGERPRINT.sub(lambda found: found[0] if found[1].lower() in known else "", sdp)

    def place(self, candidate: RTCIceCandidate) -> RTCIceCandidate | None:
        """Return a candidate with the index of its section in ``sdp``; None if that is rejected.

        Args:
            candidate: A candidate with the mid, the index, or both, of an offered section.
        """
        key = candidate.sdpMLineIndex if candidate.sdpMid is None else candidate.sdpMid
        if key is None or key not in self.places:
            return candidate
        candidate.sdpMid, candidate.sdpMLineIndex = None, self.places[key]
        return None if candidate.sdpMLineIndex is None else candidate
