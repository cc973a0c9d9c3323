"""Further offers of a client for the same peer connection (renegotiation)."""

from __future__ import annotations

import asyncio
import re
from weakref import WeakKeyDictionary, WeakSet

from aiortc import RTCPeerConnection, RTCSessionDescription
from aiortc.sdp import SessionDescription

from ...core.errors import InvalidOffer
from ._aiortc.picture_size import limit_pictures
from ._aiortc.rtp_receiver import limit_receiver
from ._aiortc.rtp_sender import limit_sender
from .offer import Offer
from .peer import Peer

__all__ = ["MAX_TRANSCEIVERS", "answer_again", "offered_sdp"]

MAX_TRANSCEIVERS = 32
"""Tracks of a connection, over all of its offers: as many as sections of one offer."""

_CANDIDATES = re.compile(r"^a=(?:candidate:|end-of-candidates).*\r?\n", re.MULTILINE)

_locks: WeakKeyDictionary[Peer, asyncio.Lock] = WeakKeyDictionary()
_failed: WeakSet[Peer] = WeakSet()  # aiortc may have kept parts of an offer that it rejected


def offered_sdp(peer: Peer) -> str:
    """Return the last offer of a client, as aiortc has it; empty before the first."""
    description = peer.pc.remoteDescription
    return "" if description is None else str(description.sdp)


async def answer_again(peer: Peer, offer: Offer) -> str:
    """Answer another offer over the same transports; return the SDP.

    Tracks keep their directions. A new section is used only if it is the second video. Candidates
    of the offer are not used: new ones are trickled, which counts and checks them.

    Raises:
        InvalidOffer: If a new section needs a transport of its own, or aiortc rejects the offer.
    """
    async with _locks.setdefault(peer, asyncio.Lock()):
        return await _answer(peer, offer)


async def _answer(peer: Peer, offer: Offer) -> str:
    pc = peer.pc
    if pc.localDescription is None:
        raise InvalidOffer("The former offer is not answered yet")
    if peer in _failed:
        raise InvalidOffer("A former offer has failed: make a new connection")
    sdp = _CANDIDATES.sub("", offer.sdp)
    _check_sections(pc, SessionDescription.parse(sdp))
    known = {transceiver.mid for transceiver in pc.getTransceivers()}
    try:
        await pc.setRemoteDescription(RTCSessionDescription(sdp, "offer"))
        for transceiver in pc.getTransceivers():
            if transceiver.mid in known:
                continue
            transceiver.direction = "inactive"
            limit_receiver(transceiver.receiver)
            limit_sender(transceiver.sender)
            if peer.second_video is not None and transceiver.mid == offer.second_video:
                peer.second_video.attach(transceiver, pc)
        with limit_pictures(peer.limits.pixels):
            await pc.setLocalDescription(await pc.createAnswer())
    except BaseException as error:  # aiortc raises many types, from ValueError to KeyError
        _failed.add(peer)
        if not isinstance(error, Exception):  # cancelled
            raise
        raise InvalidOffer(f"The offer cannot be answered: {error}") from error
    return offer.complete_answer(pc.localDescription.sdp)


def _check_sections(pc: RTCPeerConnection, offer: SessionDescription) -> None:
    """Check that aiortc makes no transport for an offer: it would not be bounded.

    Raises:
        InvalidOffer: If a section is new, and not in the bundle of one that is known.
    """
    known = {(one.kind, one.mid) for one in pc.getTransceivers()}
    if pc.sctp is not None:
        known.add(("application", pc.sctp.mid))
    offered = {(media.kind, media.rtp.muxId) for media in offer.media}
    new = offered - known
    kinds = {mid: kind for kind, mid in known}
    bundle = next((group.items for group in offer.group if group.semantic == "BUNDLE"), [])
    first = str(bundle[0]) if bundle else ""
    shared = set(map(str, bundle)) if (kinds.get(first), first) in known & offered else set()
    for kind, mid in new:
        if kind == "application":
            raise InvalidOffer("A data channel must be in the first offer")
        if mid in kinds:
            raise InvalidOffer(f"The section {mid!r} was of another kind before")
        if mid not in shared:
            raise InvalidOffer(f"The new section {mid!r} must be in the bundle of the first ones")
    if len(pc.getTransceivers()) + len(new) > MAX_TRANSCEIVERS:
        raise InvalidOffer(f"A connection may have {MAX_TRANSCEIVERS} tracks")
