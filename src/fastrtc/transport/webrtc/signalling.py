"""Offers and candidates as clients send them, checked before anything is built."""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from aiortc import RTCIceCandidate
from aiortc.sdp import MediaDescription, SessionDescription, candidate_from_sdp

from ...core.errors import InvalidCandidate, InvalidOffer
from ...core.limits import Limits
from ...core.tasks import run_in_thread
from ...core.types import Modality, Mode
from ._aiortc.codecs import describe_codecs, keep_common_codecs, supported_codecs
from .ice_targets import check_ice_credentials

__all__ = [
    "END_OF_CANDIDATES",
    "Candidate",
    "Offer",
    "parse_candidate",
    "parse_offer",
    "read_offer",
]

DEFAULT_LIMITS = Limits()

_CONTROL = re.compile(r"[^\t\n\r -~\xa0-\u2027\u202f-\U0010ffff]")

LONGEST_CANDIDATE = 1024
"""Characters of a candidate; browsers' have some 150."""

MAX_LINE = 4096
"""Characters of a line of an offer. Chromium's longest has some 200."""

MAX_SECTIONS = 32
"""Media sections of an offer; browsers send one for each track, and one for data."""

MAX_LINES = {
    "rtpmap": 128,  # payload types are 7 bits (RFC 3550 section 5.1)
    "fmtp": 128,
    "rtcp-fb": 256,
    "rtcp-fb:*": 8,  # each counts for every codec
    "extmap": 64,
    "ssrc": 64,
    "ssrc-group": 32,
    "fingerprint": 8,
    "group": 8,
    "msid-semantic": 2,
}
"""Lines of a kind in one section of an offer, or before the first: aiortc's parser compares
each of them with others. Chromium 156, measured with audio, video and data, has 34 ``rtpmap``,
31 ``fmtp``, 77 ``rtcp-fb``, 11 ``extmap`` and 4 ``ssrc`` in its largest section."""

LARGE_OFFER = 4 * 1024
"""Characters of an offer that is parsed in a thread: a shorter one takes less than 5 ms, whatever
is in it, and 64 KiB some 60 ms. Chromium's have 3 thousand for audio, 4 to 8 with video."""

_large_offer = threading.Lock()  # one at a time: memory, too, is bounded


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


@dataclass(frozen=True)
class Candidate:
    """What a trickle message says.

    Attributes:
        candidate: A candidate; None says that no more will come.
    """

    candidate: RTCIceCandidate | None


END_OF_CANDIDATES = Candidate(None)


async def read_offer(
    sdp: Any, modality: Modality, mode: Mode, *, extra_tracks: bool, limits: Limits = DEFAULT_LIMITS
) -> Offer:
    """Check an offer as ``parse_offer`` does, a large one in a thread.

    Raises:
        InvalidOffer: As ``parse_offer`` raises it.
    """
    parse = partial(parse_offer, sdp, modality, mode, extra_tracks=extra_tracks, limits=limits)
    if not isinstance(sdp, str) or not LARGE_OFFER < len(sdp) <= limits.offer_bytes:
        return parse()

    def parse_large_offer() -> Offer:
        with _large_offer:
            return parse()

    return await run_in_thread(parse_large_offer)


def parse_offer(
    sdp: Any,
    modality: Modality,
    mode: Mode,
    *,
    extra_tracks: bool,
    limits: Limits = DEFAULT_LIMITS,
) -> Offer:
    """Check an offer.

    Sections that the stream has no use for are no reason to refuse it, unless the client sends
    on them: those that are not to send, such as of a camera that is off, become inactive or are
    rejected. An offer may have a data channel only.

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
    offered = [line for line in sdp.splitlines() if line]
    _check_lines(offered)
    check_ice_credentials(offered)
    lines, later = _set_aside_mdns(offered)
    try:
        description = SessionDescription.parse("\r\n".join(lines) + "\r\n")
    except Exception as error:  # the parser raises whatever a malformed line leads to
        raise InvalidOffer(f"The offer is malformed SDP: {_shown(error)}") from error
    if not description.media:
        raise InvalidOffer("The offer is malformed SDP: it has no media")
    try:
        return _Sections(description, lines).offer(modality, mode, extra_tracks, later, count)
    except InvalidOffer:
        raise
    except Exception as error:  # values that are no such thing, which the parser lets pass
        raise InvalidOffer(f"The offer is malformed SDP: {_shown(error)}") from error


def _shown(error: Exception) -> str:
    return str(error)[:200] or type(error).__name__


def _check_lines(lines: list[str]) -> None:
    """Bound what aiortc's parser has to compare with each other.

    Raises:
        InvalidOffer: If there are too many lines of a kind.
    """
    sections = 0
    counts: Counter[str] = Counter()
    for line in lines:
        if len(line) > MAX_LINE:
            raise InvalidOffer(f"The offer has a line of more than {MAX_LINE} characters")
        if line.startswith("m="):
            sections += 1
            counts.clear()
            if sections > MAX_SECTIONS:
                raise InvalidOffer(f"The offer has more than {MAX_SECTIONS} media sections")
        elif line.startswith("a="):
            attribute, _, value = line[2:].partition(":")
            kinds = [attribute]
            if attribute == "rtcp-fb" and value.startswith("*"):
                kinds.append("rtcp-fb:*")
            for kind in kinds:
                counts[kind] += 1
                if counts[kind] > MAX_LINES.get(kind, MAX_LINE):
                    raise InvalidOffer(
                        f"The offer has more than {MAX_LINES[kind]} lines a={kind} in one section"
                        if kind in MAX_LINES
                        else "The offer has too many lines"
                    )


class _Sections:
    """The media sections of an offer: which are used, unused but answered, and rejected.

    Args:
        description: The offer; it is changed to what aiortc is to answer.
        lines: Its lines.

    Raises:
        InvalidOffer: If two have the same mid.
    """

    def __init__(self, description: SessionDescription, lines: list[str]) -> None:
        self.description = description
        self.media: list[MediaDescription] = list(description.media)
        self.m_lines = [line for line in lines if line.startswith("m=")]
        self.by_mid = {media.rtp.muxId: media for media in self.media if media.rtp.muxId}
        if len(self.by_mid) < sum(bool(media.rtp.muxId) for media in self.media):
            raise InvalidOffer("The offer is malformed SDP: two sections have the same mid")
        self.bundle = next((g for g in description.group if g.semantic == "BUNDLE"), None)
        mids = [] if self.bundle is None else dict.fromkeys(self.bundle.items)
        self.bundled = [self.by_mid[mid] for mid in mids if mid in self.by_mid]
        bundle_only = _bundle_only(lines)
        self.refused = [  # by the client itself (RFC 3264 section 6)
            media.port == 0 and index not in bundle_only for index, media in enumerate(self.media)
        ]

    def offer(
        self,
        modality: Modality,
        mode: Mode,
        extra_tracks: bool,
        later: tuple[RTCIceCandidate, ...],
        count: int,
    ) -> Offer:
        """Decide what becomes of each section.

        Raises:
            InvalidOffer: If a track does not fit the stream, or a section lacks something.
        """
        if not extra_tracks:
            self._check_kinds(modality)
        sources: dict[str, MediaDescription] = {}
        sinks: dict[str, MediaDescription] = {}
        receives = set()
        for kind in modality.split("-"):
            sending, receiving = self._of_kind(kind, "send"), self._of_kind(kind, "recv")
            if receiving:
                receives.add(kind)
            if mode != "receive" and sending:
                sources[kind] = sending[0]
            if mode != "send" and receiving:
                both = sources.get(kind)
                sinks[kind] = both if both is not None and both in receiving else receiving[0]
        self._share_transport()
        kept = self._keep([*sources.values(), *sinks.values()])
        places = self._places(kept)
        later = tuple(c for c in later if places[c.sdpMLineIndex or 0] is not None)
        for candidate in later:
            candidate.sdpMLineIndex = places[candidate.sdpMLineIndex or 0]
        rejected = [index for index, media in enumerate(self.media) if media not in kept]
        return Offer(
            self._write(kept),
            later,
            frozenset(receives),
            count,
            {kind: media.rtp.muxId for kind, media in sources.items()},
            {kind: media.rtp.muxId for kind, media in sinks.items()},
            places,
            tuple((index, self._rejection(index)) for index in rejected),
        )

    def _of_kind(self, kind: str, way: str) -> list[MediaDescription]:
        """Return the sections on which the client sends (``"send"``), or receives (``"recv"``)."""
        return [
            media
            for media, refused in zip(self.media, self.refused, strict=True)
            if media.kind == kind
            and not refused
            and (media.direction or "sendrecv") in ("sendrecv", f"{way}only")
        ]

    def _check_kinds(self, modality: Modality) -> None:
        for kind in ("audio", "video"):
            sending = len(self._of_kind(kind, "send"))
            if sending and kind not in modality.split("-"):
                raise InvalidOffer(
                    f"Unsupported track kind {kind}: the stream's modality is {modality}"
                )
            if sending > 1:
                raise InvalidOffer(f"Unsupported track kind {kind}: more than one {kind} track")

    def _share_transport(self) -> None:
        """Give all sections of a bundle the transport of its tagged one (RFC 9143 section 7.2).

        Those that are bundle-only have no attributes of their own (RFC 8829 section 5.2.1), and
        those of others are not used once they are bundled.
        """
        tagged = next((m for m in self.bundled if _has_ice(m) and _has_dtls(m)), None)
        if tagged is None:
            return
        for media in self.bundled:
            media.ice, media.ice_options, media.dtls = tagged.ice, tagged.ice_options, tagged.dtls
            media.rtcp_mux = True

    def _keep(self, used: list[MediaDescription]) -> list[MediaDescription]:
        """Return the sections that aiortc answers: an unused one must cost no transport.

        Raises:
            InvalidOffer: If one that is used cannot be answered.
        """
        kept: list[MediaDescription] = []
        for media, refused in zip(self.media, self.refused, strict=True):
            if media in used:
                _check_codecs(media)
            elif media.kind in ("audio", "video"):
                bundled = media in self.bundled or len(self.media) == 1
                if not bundled or not keep_common_codecs(media):
                    continue
            elif refused or media.kind != "application" or _has_data(kept):
                continue
            if not _has_ice(media):
                raise InvalidOffer("The offer has no ICE credentials (RFC 8839 section 5.4)")
            if not _has_dtls(media):
                raise InvalidOffer("The offer has no DTLS fingerprint (RFC 8122 section 5)")
            kept.append(media)
        if not kept:
            raise InvalidOffer("The offer has no section that can be answered")
        return kept

    def _places(self, kept: list[MediaDescription]) -> dict[str | int, int | None]:
        """Return where candidates belong, and have aiortc find those of the bundle.

        It takes those of the last section of a transport, and gives sections of one kind the same
        transport. The tagged section, which has them, may have been rejected.
        """
        places: dict[str | int, int | None] = {
            index: kept.index(media) if media in kept else None
            for index, media in enumerate(self.media)
        }
        bundled = [media for media in self.bundled if media in kept]
        if bundled:
            tagged, first = self.bundled[0], bundled[0]
            places[self.media.index(tagged)] = kept.index(first)
            last = [m for m in kept if m.kind == first.kind and m in bundled][-1]
            if last is not tagged:
                last.ice_candidates, tagged.ice_candidates = tagged.ice_candidates, []
                last.ice_candidates_complete = tagged.ice_candidates_complete
        for mid, media in self.by_mid.items():
            places[mid] = places[self.media.index(media)]
        return places

    def _write(self, kept: list[MediaDescription]) -> str:
        self.description.media = kept
        self.description.host = None
        for media in kept:
            media.host = media.rtcp_host = None  # names, which aiortc reads but cannot write
            if media.kind != "application":
                media.rtcp_port = 9  # without, aiortc does not write ``rtcp-mux``
                media.direction = media.direction or "sendrecv"
        if self.bundle is not None:
            self.bundle.items = [m.rtp.muxId for m in self.bundled if m in kept]
        return str(self.description)

    def _rejection(self, index: int) -> str:
        """Return the section of the answer that rejects an offered one."""
        kind, _, rest = self.m_lines[index].split(" ", 2)
        media = self.media[index]
        lines = [f"{kind} 0 {rest}", "c=IN IP4 0.0.0.0"]
        lines += ["a=inactive"] if media.kind in ("audio", "video") else []
        lines += [f"a=mid:{media.rtp.muxId}"] if media.rtp.muxId else []
        return "".join(f"{line}\r\n" for line in lines)


def _check_codecs(media: MediaDescription) -> None:
    offered = describe_codecs(media.rtp.codecs)
    if not keep_common_codecs(media):
        raise InvalidOffer(
            f"No common {media.kind} codec: the offer has {offered}, "
            f"the server supports {supported_codecs(media.kind)}"
        )


def _has_data(kept: list[MediaDescription]) -> bool:
    return any(media.kind == "application" for media in kept)


def _bundle_only(lines: list[str]) -> set[int]:
    """Return the indices of the sections that are bundle-only (RFC 9143 section 6)."""
    index, found = -1, set()
    for line in lines:
        if line.startswith("m="):
            index += 1
        elif line.strip() == "a=bundle-only":
            found.add(index)
    return found


def _has_ice(media: MediaDescription) -> bool:
    return bool(media.ice and media.ice.usernameFragment and media.ice.password)


def _has_dtls(media: MediaDescription) -> bool:
    return bool(media.dtls and media.dtls.fingerprints)


def _set_aside_mdns(offered: list[str]) -> tuple[list[str], tuple[RTCIceCandidate, ...]]:
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
