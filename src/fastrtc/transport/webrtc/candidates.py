"""Validation of ICE candidates of clients."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from aiortc import RTCIceCandidate
from aiortc.sdp import candidate_from_sdp, candidate_to_sdp

from ...core.diagnosis import CandidateInfo
from ...core.errors import InvalidCandidate

__all__ = [
    "END_OF_CANDIDATES",
    "Candidate",
    "candidates_in",
    "describe_candidates",
    "parse_candidate",
    "set_aside_mdns",
]

BROWSERS_ONLY = "used by browsers"
"""The note of a server's TCP candidate: aiortc has no ICE-TCP."""

_LINE = "a=candidate:"

MAX_CANDIDATE = 1024
"""Maximum length of a candidate in characters; those of browsers have some 150."""


@dataclass(frozen=True)
class Candidate:
    """The content of a trickle message.

    Attributes:
        candidate: A candidate; None for the end of candidates.
    """

    candidate: RTCIceCandidate | None

    def to_json(self) -> dict[str, Any] | None:
        """Return what ``parse_candidate`` parses to this."""
        one = self.candidate
        if one is None:
            return None
        text = f"candidate:{candidate_to_sdp(one)}"
        return {"candidate": text, "sdpMid": one.sdpMid, "sdpMLineIndex": one.sdpMLineIndex}


END_OF_CANDIDATES = Candidate(None)


def parse_candidate(value: Any) -> Candidate:
    """Parse a trickled candidate in any form that browsers send.

    Args:
        value: The result of ``RTCIceCandidate.toJSON()`` (Chrome and Safari with
            ``usernameFragment``, Firefox without; ``sdpMid`` or ``sdpMLineIndex`` may be
            missing), or only its ``candidate`` string. None, an empty string or
            ``end-of-candidates`` is the end of candidates (RFC 8838 section 13, RFC 8840
            section 4.1).

    Raises:
        InvalidCandidate: If it is malformed.
    """
    if value is None:
        return END_OF_CANDIDATES
    fields: Mapping[str, Any] = {"candidate": value} if isinstance(value, str) else value
    if not isinstance(fields, Mapping):
        raise InvalidCandidate(f"A candidate must be an object, not {type(value).__name__}")
    text = fields.get("candidate")
    if text is None:
        return END_OF_CANDIDATES
    if not isinstance(text, str):
        raise InvalidCandidate("A candidate's text must be a string")
    if len(text) > MAX_CANDIDATE or not text.strip().isprintable():  # parts of it are logged
        raise InvalidCandidate("A candidate's text must be one line of printable characters")
    text = text.strip().removeprefix("a=").removeprefix("candidate:")
    if text in ("", "end-of-candidates"):
        return END_OF_CANDIDATES
    try:
        candidate = candidate_from_sdp(text)
    except (ValueError, AssertionError, IndexError) as error:
        raise InvalidCandidate(f"Malformed candidate: {text[:200]!r}") from error
    if not 0 <= candidate.port <= 65535:  # asyncio would close the socket that sends there
        raise InvalidCandidate(f"A candidate's port must be 0 to 65535, not {candidate.port}")
    mid, index = fields.get("sdpMid"), fields.get("sdpMLineIndex")
    if mid is not None and not isinstance(mid, str):
        raise InvalidCandidate("sdpMid must be a string")
    if index is not None and (not isinstance(index, int) or isinstance(index, bool)):
        raise InvalidCandidate("sdpMLineIndex must be an integer")
    if not mid and index is None:  # everything is bundled on the first section (RFC 8843)
        mid, index = None, 0
    candidate.sdpMid, candidate.sdpMLineIndex = mid or None, index
    return Candidate(candidate)


def candidates_in(sdp: str) -> Iterator[RTCIceCandidate]:
    """Yield the candidates of a session description, except malformed ones."""
    for line in sdp.splitlines():
        if line.startswith(_LINE):
            candidate = _read(line)
            if candidate is not None:
                yield candidate


def describe_candidates(sdp: str) -> tuple[CandidateInfo, ...]:
    """Return the candidates of a server's answer, without duplicates."""
    found = []
    for one in candidates_in(sdp):
        transport = one.protocol.lower()
        note = BROWSERS_ONLY if transport == "tcp" else ""
        found.append(CandidateInfo(one.type, transport, one.ip, one.port, note))
    return tuple(dict.fromkeys(found))


def _read(line: str) -> RTCIceCandidate | None:
    try:
        return candidate_from_sdp(line[len(_LINE) :])
    except (ValueError, AssertionError, IndexError):
        return None


def set_aside_mdns(offered: list[str]) -> tuple[list[str], tuple[RTCIceCandidate, ...]]:
    """Remove the candidates with multicast DNS names from an offer.

    Args:
        offered: The lines of its SDP.

    Returns:
        The other lines, and the removed candidates.
    """
    lines: list[str] = []
    later: list[RTCIceCandidate] = []
    index = -1
    for line in offered:
        if line.startswith("m="):
            index += 1
        if line.startswith(_LINE) and ".local" in line:
            candidate = _read(line)
            if candidate is not None:
                candidate.sdpMLineIndex = max(0, index)
                later.append(candidate)
        else:
            lines.append(line)
    return lines, tuple(later)
