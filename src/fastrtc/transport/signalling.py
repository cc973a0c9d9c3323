"""Offers and candidates as clients send them, checked before anything is built."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aiortc import RTCIceCandidate
from aiortc.sdp import SessionDescription, candidate_from_sdp

from ..core.errors import InvalidCandidate, InvalidOffer
from ..core.limits import Limits
from ..core.types import Modality, Mode

__all__ = ["END_OF_CANDIDATES", "Candidate", "Offer", "parse_candidate", "parse_offer"]

DEFAULT_LIMITS = Limits()

_CONTROL = re.compile(r"[^\t\n\r -~\xa0-\u2027\u202f-\U0010ffff]")

LONGEST_CANDIDATE = 1024
"""Characters of a candidate; browsers' have some 150."""

_DIRECTIONS = {
    "send-receive": ("sendrecv", "sendonly", "recvonly"),
    "send": ("sendrecv", "sendonly"),
    "receive": ("sendrecv", "recvonly"),
}
"""Which directions of the client's tracks serve which mode."""


@dataclass(frozen=True)
class Offer:
    """An offer that can be answered.

    Attributes:
        sdp: Its text, without candidates that have to be looked up by multicast DNS.
        later_candidates: Those: looking them up takes seconds where nothing answers.
        receives: The kinds of tracks that the client wants to receive.
        candidates: How many candidates it had.
    """

    sdp: str
    later_candidates: tuple[RTCIceCandidate, ...]
    receives: frozenset[str]
    candidates: int


@dataclass(frozen=True)
class Candidate:
    """What a trickle message says.

    Attributes:
        candidate: A candidate; None says that no more will come.
    """

    candidate: RTCIceCandidate | None


END_OF_CANDIDATES = Candidate(None)


def parse_offer(
    sdp: Any,
    modality: Modality,
    mode: Mode,
    *,
    extra_tracks: bool,
    limits: Limits = DEFAULT_LIMITS,
) -> Offer:
    """Check an offer.

    Args:
        sdp: Its text.
        modality: What the stream carries.
        mode: In which direction.
        extra_tracks: Whether tracks that the stream has no use for are let pass.
        limits: How long it may be, and how many candidates it may have.

    Raises:
        InvalidOffer: If it is malformed, or its tracks do not fit the stream.
    """
    if not isinstance(sdp, str) or not sdp.strip():
        raise InvalidOffer("The offer has no sdp")
    if len(sdp) > limits.offer_bytes:
        raise InvalidOffer(f"The offer is longer than {limits.offer_bytes} characters")
    if _CONTROL.search(sdp):  # parts of it are logged
        raise InvalidOffer("The offer is malformed SDP: it has control characters")
    count = sdp.count("a=candidate:")
    if count > limits.candidates:
        raise InvalidOffer(f"The offer has more than {limits.candidates} candidates")
    lines, later = _set_aside_mdns(sdp)
    sdp = "\r\n".join(lines) + "\r\n"
    try:
        description = SessionDescription.parse(sdp)
    except Exception as error:  # the parser raises whatever a malformed line leads to
        raise InvalidOffer(f"The offer is malformed SDP: {error}") from error
    if not description.media:
        raise InvalidOffer("The offer is malformed SDP: it has no media")
    for media in description.media:
        if media.ice is None or not media.ice.usernameFragment or not media.ice.password:
            raise InvalidOffer("The offer has no ICE credentials (RFC 8839 section 5.4)")
        if media.dtls is None or not media.dtls.fingerprints:
            raise InvalidOffer("The offer has no DTLS fingerprint (RFC 8122 section 5)")
    _check_tracks(description, modality, mode, extra_tracks)
    receives = (m.kind for m in description.media if m.direction in (None, "sendrecv", "recvonly"))
    return Offer(sdp, later, frozenset(receives), count)


def _check_tracks(
    description: SessionDescription, modality: Modality, mode: Mode, extra_tracks: bool
) -> None:
    wanted = set(modality.split("-"))
    offered = [media for media in description.media if media.kind in ("audio", "video")]
    if not extra_tracks:
        for media in offered:
            if media.kind not in wanted:
                raise InvalidOffer(
                    f"Unsupported track kind {media.kind}: the stream's modality is {modality}"
                )
        for kind in wanted:
            if sum(media.kind == kind for media in offered) > 1:
                raise InvalidOffer(f"Unsupported track kind {kind}: more than one {kind} track")
    directions = _DIRECTIONS[mode]
    for kind in sorted(wanted):
        mine = [media for media in offered if media.kind == kind]
        if not any((media.direction or "sendrecv") in directions for media in mine):
            raise InvalidOffer(
                f"Modality must be {modality} in mode {mode}: the offer "
                + (f"has {kind} only as {mine[0].direction}" if mine else f"has no {kind} track")
            )


def _set_aside_mdns(sdp: str) -> tuple[list[str], tuple[RTCIceCandidate, ...]]:
    lines: list[str] = []
    later: list[RTCIceCandidate] = []
    index = -1
    for line in sdp.splitlines():
        if line.startswith("m="):
            index += 1
        if line.startswith("a=candidate:") and ".local" in line:
            try:
                candidate = candidate_from_sdp(line[len("a=candidate:") :])
            except (ValueError, AssertionError, IndexError):
                continue
            candidate.sdpMLineIndex = max(0, index)
            later.append(candidate)
        elif line:
            lines.append(line)
    return lines, tuple(later)


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
    if len(text) > LONGEST_CANDIDATE or not text.strip().isprintable():  # its parts are logged
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
