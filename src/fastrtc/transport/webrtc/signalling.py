"""Validation of offers, before anything is created for them."""

from __future__ import annotations

import re
import threading
from collections import Counter
from functools import partial
from typing import Any

from aiortc.sdp import SessionDescription

from ...core.errors import InvalidOffer
from ...core.limits import DEFAULT_LIMITS, Limits
from ...core.tasks import run_in_thread
from ...core.types import Modality, Mode
from .candidates import set_aside_mdns
from .ice_targets import check_ice_credentials
from .offer import Offer
from .offer_sections import OfferSections

__all__ = ["parse_offer", "read_offer"]

_CONTROL = re.compile(r"[^\t\n\r -~\xa0-\u2027\u202f-\U0010ffff]")

MAX_LINE = 4096
"""Maximum length of a line of an offer, in characters. Chromium's longest has some 200."""

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
"""Lines of a kind in one section of an offer, or before the first: aiortc's parser compares each of
them with others. Chromium 156, measured with audio, video and data, has 34 ``rtpmap``, 31 ``fmtp``,
77 ``rtcp-fb``, 11 ``extmap`` and 4 ``ssrc`` in its largest section."""

LARGE_OFFER = 4 * 1024
"""Offers with more characters are parsed in a thread: shorter ones take less than 5 ms, whatever
they contain, and 64 KiB some 60 ms. Chromium's have 3 thousand for audio, 4 to 8 with video."""

_large_offer = threading.Lock()  # one at a time, to bound memory, too


async def read_offer(
    sdp: Any, modality: Modality, mode: Mode, *, extra_tracks: bool, limits: Limits = DEFAULT_LIMITS
) -> Offer:
    """Validate an offer as ``parse_offer`` does; a large one in a thread.

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
    """Validate an offer.

    Unused sections do not cause a refusal, unless the client sends media on them: those without
    media, such as of a camera that is off, become inactive or are rejected. An offer may consist of
    a data channel only.

    Args:
        sdp: The SDP, a string.
        modality: The modality of the stream.
        mode: The direction of the stream.
        extra_tracks: Whether to accept tracks that the stream does not use.
        limits: The maximum length, and the maximum number of candidates.

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
    lines, later = set_aside_mdns(offered)
    try:
        description = SessionDescription.parse("\r\n".join(lines) + "\r\n")
    except Exception as error:  # the parser raises any type for a malformed line
        raise InvalidOffer(f"The offer is malformed SDP: {_shown(error)}") from error
    if not description.media:
        raise InvalidOffer("The offer is malformed SDP: it has no media")
    try:
        return OfferSections(description, lines).offer(modality, mode, extra_tracks, later, count)
    except InvalidOffer:
        raise
    except Exception as error:  # invalid values that the parser accepts
        raise InvalidOffer(f"The offer is malformed SDP: {_shown(error)}") from error


def _shown(error: Exception) -> str:
    return str(error)[:200] or type(error).__name__


def _check_lines(lines: list[str]) -> None:
    """Limit the lines that aiortc's parser compares with each other.

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
