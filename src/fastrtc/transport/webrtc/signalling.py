"""Offers as clients send them, checked before anything is built."""

from __future__ import annotations

import re
import threading
from collections import Counter
from functools import partial
from typing import Any

from aiortc.sdp import SessionDescription

from ...core.errors import InvalidOffer
from ...core.limits import Limits
from ...core.tasks import run_in_thread
from ...core.types import Modality, Mode
from .candidates import set_aside_mdns
from .ice_targets import check_ice_credentials
from .offer import Offer
from .offer_sections import OfferSections

__all__ = ["DEFAULT_LIMITS", "parse_offer", "read_offer"]

DEFAULT_LIMITS = Limits()

_CONTROL = re.compile(r"[^\t\n\r -~\xa0-\u2027\u202f-\U0010ffff]")

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
    lines, later = set_aside_mdns(offered)
    try:
        description = SessionDescription.parse("\r\n".join(lines) + "\r\n")
    except Exception as error:  # the parser raises whatever a malformed line leads to
        raise InvalidOffer(f"The offer is malformed SDP: {_shown(error)}") from error
    if not description.media:
        raise InvalidOffer("The offer is malformed SDP: it has no media")
    try:
        return OfferSections(description, lines).offer(modality, mode, extra_tracks, later, count)
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
