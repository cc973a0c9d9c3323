"""Further offers over the same transports: none of them makes aiortc use another one."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from aiortc import RTCConfiguration

from fastrtc.core.errors import InvalidOffer
from fastrtc.session.media import Media
from fastrtc.session.session import Session
from fastrtc.transport.webrtc._aiortc.transports import ice_connections
from fastrtc.transport.webrtc.peer import Peer
from fastrtc.transport.webrtc.renegotiation import MAX_TRANSCEIVERS, answer_again
from tests.transport.webrtc.offers import offer, parse, sections
from tests.webrtc.handlers import AsyncAudioEcho

AUDIO = offer("audio", data=False)
"""The first offer; the others have its credentials."""

TARGET = "a=candidate:1 1 udp 2122260223 127.0.0.1 {port} typ host\r\na=end-of-candidates\r\n"


@asynccontextmanager
async def answered(sdp: str = AUDIO) -> AsyncIterator[Peer]:
    session = Session(
        "rtvi-x", AsyncAudioEcho(), deliver=lambda outputs: None, release=lambda session: None
    )
    media = Media(session, "audio", "send-receive")
    peer = Peer(session, media, "send-receive", RTCConfiguration(iceServers=[]))
    await peer.answer(parse(sdp, extra_tracks=True))
    try:
        yield peer
    finally:
        session.close("enough")
        await session.closed.wait()


def grown(*kinds: str, bundle: str | None = None, start: int = 1) -> str:
    """The first offer with new sections, each with its credentials."""
    head, first = sections(AUDIO)
    transport = "".join(
        line for line in first.splitlines(True) if re.match("a=(ice-|fingerprint|setup)", line)
    )
    mids = [str(start + k) for k in range(len(kinds))]
    for kind, mid in zip(kinds, mids, strict=True):
        new = sections(offer("video") if kind == "video" else offer())[1]
        new = re.sub("a=(ice-|fingerprint|setup|mid).*\r\n", "", new)
        first += f"{new}a=mid:{mid}\r\n{transport}"
    group = " ".join(["0", *mids]) if bundle is None else bundle
    return re.sub("a=group:BUNDLE.*", f"a=group:BUNDLE {group}", head) + first


def swapped(text: str, one: str, other: str) -> str:
    return other.join(part.replace(other, one) for part in text.split(one))


@pytest.mark.parametrize(
    ("sdp", "reason"),
    [
        (lambda: grown("application", bundle="0"), "data channel"),
        (lambda: grown("application"), "data channel"),
        (lambda: grown("video", bundle="1 0"), "bundle"),
        (lambda: grown("video").replace("a=mid:0", "a=mid:5"), "bundle"),
        (lambda: grown("video", bundle=""), "bundle"),
        (lambda: swapped(grown("video"), "a=mid:0", "a=mid:1"), "another kind|bundle"),
        (lambda: AUDIO.replace("a=mid:0", "a=mid:7").replace("BUNDLE 0", "BUNDLE 7"), "bundle"),
    ],
)
async def test_a_section_that_needs_a_transport_is_refused(
    sdp: Callable[[], str], reason: str
) -> None:
    text = await asyncio.to_thread(sdp)
    async with answered() as peer:
        before = [*ice_connections(peer.pc)]
        text += TARGET.format(port=9)
        with pytest.raises(InvalidOffer, match=reason):
            await answer_again(peer, parse(text, "audio-video", extra_tracks=True))
        assert [*ice_connections(peer.pc)] == before
        assert len(peer.pc.getTransceivers()) == 1


async def test_new_tracks_share_the_transport_and_are_bounded() -> None:
    text = await asyncio.to_thread(grown, "video")
    more = await asyncio.to_thread(grown, *["video"] * 20, start=5)
    too_many = await asyncio.to_thread(grown, *["video"] * 20, start=40)
    async with answered() as peer:
        (transport,) = ice_connections(peer.pc)
        known = [*transport.remote_candidates]
        text = text.replace("a=mid:1\r\n", f"a=mid:1\r\n{TARGET.format(port=9)}")
        answers = await asyncio.gather(
            *(answer_again(peer, parse(text, extra_tracks=True)) for _ in range(3))
        )
        assert all("m=video" in answer for answer in answers)
        assert [*ice_connections(peer.pc)] == [transport]
        assert transport.remote_candidates == known  # those of the offer are not used
        await answer_again(peer, parse(more, extra_tracks=True))
        with pytest.raises(InvalidOffer, match="tracks"):
            await answer_again(peer, parse(too_many, extra_tracks=True))
        assert len(peer.pc.getTransceivers()) == 22 <= MAX_TRANSCEIVERS
