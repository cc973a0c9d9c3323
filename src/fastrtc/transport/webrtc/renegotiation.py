"""Further offers of a client for the same peer connection (renegotiation)."""

from __future__ import annotations

from aiortc import RTCSessionDescription

from ...core.errors import InvalidOffer
from .offer import Offer
from .peer import Peer

__all__ = ["answer_again", "offered_sdp"]


def offered_sdp(peer: Peer) -> str:
    """Return the last offer of a client, as aiortc has it; empty before the first."""
    description = peer.pc.remoteDescription
    return "" if description is None else str(description.sdp)


async def answer_again(peer: Peer, offer: Offer) -> str:
    """Answer another offer over the same transports; return the SDP.

    Tracks keep their directions. A new section is used only if it is the second video.

    Raises:
        InvalidOffer: If aiortc rejects it.
    """
    pc = peer.pc
    known = {transceiver.mid for transceiver in pc.getTransceivers()}
    try:
        await pc.setRemoteDescription(RTCSessionDescription(offer.sdp, "offer"))
        for transceiver in pc.getTransceivers():
            if transceiver.mid in known:
                continue
            transceiver.direction = "inactive"
            if peer.second_video is not None and transceiver.mid == offer.second_video:
                peer.second_video.attach(transceiver, pc)
        await pc.setLocalDescription(await pc.createAnswer())
    except Exception as error:  # aiortc raises many types, from ValueError to KeyError
        raise InvalidOffer(f"The offer cannot be answered: {error}") from error
    return offer.complete_answer(pc.localDescription.sdp)
