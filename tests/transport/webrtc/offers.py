"""Offers for the tests of what reads them."""

from __future__ import annotations

import asyncio
import functools
import re

from aiortc import RTCPeerConnection

from fastrtc.transport.webrtc.offer import Offer
from fastrtc.transport.webrtc.signalling import parse_offer

MODES = ("send-receive", "send", "receive")
MODALITIES = ("audio", "video", "audio-video")
DIRECTIONS = ("sendrecv", "sendonly", "recvonly")

HOST = "candidate:1 1 udp 2122260223 192.168.1.5 50000 typ host"


@functools.cache
def offer(*tracks: str, data: bool = True) -> str:
    """The SDP that aiortc offers; tracks as in `audio:sendonly`."""

    async def make() -> str:
        pc = RTCPeerConnection()
        for track in tracks:
            kind, _, direction = track.partition(":")
            pc.addTransceiver(kind, direction=direction or "sendrecv")
        if data:
            pc.createDataChannel("text")
        try:
            return (await pc.createOffer()).sdp
        finally:
            await pc.close()

    return asyncio.run(make())


def parse(sdp, modality="audio", mode="send-receive", *, extra_tracks=False) -> Offer:
    return parse_offer(sdp, modality, mode, extra_tracks=extra_tracks)


def sections(sdp: str) -> list[str]:
    """What is before the first section, and each section."""
    return re.split("(?=m=)", sdp)


def with_codecs(section: str, *codecs: str) -> str:
    """A section with other codecs, such as `VP9/90000`."""
    lines = [s for s in section.splitlines() if not re.match("a=(rtpmap|fmtp|rtcp-fb):", s)]
    numbers = range(100, 100 + len(codecs))
    words = [*lines[0].split(" ")[:3], *map(str, numbers)]
    maps = [f"a=rtpmap:{k} {codec}" for k, codec in zip(numbers, codecs, strict=True)]
    return "\r\n".join([" ".join(words), *lines[1:], *maps]) + "\r\n"
