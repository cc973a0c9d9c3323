"""ICE candidates as clients send them, checked before anything is done with them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aiortc import RTCIceCandidate
from aiortc.sdp import candidate_from_sdp

from ...core.errors import InvalidCandidate

__all__ = ["END_OF_CANDIDATES", "Candidate", "parse_candidate", "set_aside_mdns"]

MAX_CANDIDATE = 1024
"""Characters of a candidate; browsers' have some 150."""


@dataclass(frozen=True)
class Candidate:
    """What a trickle message says.

    Attributes:
        candidate: A candidate; None says that no more will come.
    """

    candidate: RTCIceCandidate | None


END_OF_CANDIDATES = Candidate(None)


def parse_candidate(value: Any) -> Candidate:
    """Read a trickled candidate, in whatever form a browser gives it.

    Args:
        value: What ``RTCIceCandidate.toJSON()`` gives (Chrome and Safari with
            ``usernameFragment``, Firefox without; ``sdpMid`` or ``sdpMLineIndex`` may be
            missing), or its text alone. None, an empty text or ``end-of-candidates``
            ends the candidates (RFC 8838 section 13, RFC 8840 section 4.1).

    Raises:
        InvalidCandidate: If it cannot be read.
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
    if len(text) > MAX_CANDIDATE or not text.strip().isprintable():  # its parts are logged
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


def set_aside_mdns(offered: list[str]) -> tuple[list[str], tuple[RTCIceCandidate, ...]]:
    """Separate the candidates that have to be looked up by multicast DNS from an offer.

    Args:
        offered: The lines of its SDP.

    Returns:
        The other lines, and the candidates.
    """
    lines: list[str] = []
    later: list[RTCIceCandidate] = []
    index = -1
    for line in offered:
        if line.startswith("m="):
            index += 1
        if line.startswith("a=candidate:") and ".local" in line:
            try:
                candidate = candidate_from_sdp(line[len("a=candidate:") :])
            except (ValueError, AssertionError, IndexError):
                continue
            candidate.sdpMLineIndex = max(0, index)
            later.append(candidate)
        else:
            lines.append(line)
    return lines, tuple(later)
