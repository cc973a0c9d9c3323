"""Selection of the media sections of an offer."""

from __future__ import annotations

from collections.abc import Iterable

from aiortc import RTCIceCandidate
from aiortc.sdp import MediaDescription, SessionDescription

from ...core.errors import InvalidOffer
from ...core.types import Modality, Mode
from ._aiortc.codecs import describe_codecs, keep_common_codecs, supported_codecs
from .offer import Offer

__all__ = ["OfferSections"]

HASHES = ("sha-256", "sha-384", "sha-512")
"""Hash functions of DTLS fingerprints that aiortc verifies."""


class OfferSections:
    """Divide the media sections of an offer into used, unused but answered, and rejected ones.

    Args:
        description: The offer; it is modified to what aiortc is to answer.
        lines: Its lines.

    Raises:
        InvalidOffer: If two sections have the same mid.
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
        self.refused = [  # disabled by the client (RFC 3264 section 6)
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
        """Select the sections, and return the validated offer.

        Raises:
            InvalidOffer: If a track does not fit the stream, or a section is incomplete.
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
            fec=_opus_parameter(sinks.get("audio"), "useinbandfec"),
            dtx=_opus_parameter(sinks.get("audio"), "usedtx"),
            second_video=self._second_video(kept),
            one_clock=_has_one_cname(sources.values()),
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

    def _second_video(self, kept: list[MediaDescription]) -> str | None:
        sending = [media for media in self._of_kind("video", "send") if media in kept]
        return sending[1].rtp.muxId if len(sending) > 1 else None

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
        """Copy the transport of a bundle's tagged section to the others (RFC 9143 section 7.2).

        Bundle-only sections have no attributes of their own (RFC 8829 section 5.2.1); those of the
        other sections are not used once they are bundled.
        """
        tagged = next((m for m in self.bundled if _has_ice(m) and _has_dtls(m)), None)
        if tagged is None:
            return
        for media in self.bundled:
            media.ice, media.ice_options, media.dtls = tagged.ice, tagged.ice_options, tagged.dtls
            media.rtcp_mux = True

    def _keep(self, used: list[MediaDescription]) -> list[MediaDescription]:
        """Return the sections that aiortc answers; unused ones must not need own transports.

        Raises:
            InvalidOffer: If a used section cannot be answered.
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
            if not _has_known_hash(media):
                raise InvalidOffer(
                    "The offer has no DTLS fingerprint with SHA-256, SHA-384 or SHA-512 (RFC 8122 "
                    "section 5)"
                )
            kept.append(media)
        if not kept:
            raise InvalidOffer("The offer has no section that can be answered")
        return kept

    def _places(self, kept: list[MediaDescription]) -> dict[str | int, int | None]:
        """Return where candidates belong, and move those of the bundle to where aiortc looks.

        aiortc uses the candidates of the last section of a transport, and sections of one kind
        share a transport. The tagged section, which has the candidates, may have been rejected.
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
            media.host = media.rtcp_host = None  # names, which aiortc parses but cannot format
            media.ice_candidates_complete = False  # see CandidateIntake
            if media.kind != "application":
                media.rtcp_port = 9  # without it, aiortc does not write ``rtcp-mux``
                media.direction = media.direction or "sendrecv"
        if self.bundle is not None:
            self.bundle.items = [m.rtp.muxId for m in self.bundled if m in kept]
        return str(self.description)

    def _rejection(self, index: int) -> str:
        """Return the section of the answer that rejects an offered section."""
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


def _opus_parameter(media: MediaDescription | None, name: str) -> bool:
    """Return whether a parameter of Opus is 1 in an offered section (RFC 7587 section 6.1)."""
    return media is not None and any(
        str(codec.parameters.get(name)) == "1"
        for codec in media.rtp.codecs
        if codec.name.lower() == "opus"
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


def _has_known_hash(media: MediaDescription) -> bool:
    fingerprints = media.dtls.fingerprints if media.dtls else []
    return any(fingerprint.algorithm.lower() in HASHES for fingerprint in fingerprints)


def _has_one_cname(sections: Iterable[MediaDescription]) -> bool:
    return len({source.cname for media in sections for source in media.ssrc if source.cname}) < 2
