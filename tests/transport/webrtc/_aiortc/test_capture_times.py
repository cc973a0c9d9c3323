"""What a sender of video reports about its frames."""

from __future__ import annotations

import asyncio
import types
from typing import Any

import pytest
from aiortc.rtp import RtcpByePacket, RtcpSenderInfo, RtcpSrPacket

from fastrtc.transport.webrtc._aiortc.capture_times import PATCH, report_captures
from tests.support.patches import without
from tests.support.virtual_time import virtual_time

NTP = 3_970_000_000 << 32


class Sender:
    """Encodes a frame in 0.05 s, as aiortc does."""

    _RTCRtpSender__lsr = 0

    def __init__(self, **track: Any) -> None:
        self.track = types.SimpleNamespace(**track)
        self.sent: list[Any] = []

    encodes, encoding_s = True, 0.05

    async def _next_encoded_frame(self, codec: Any) -> str | None:
        if hasattr(self.track, "taken_at"):
            self.track.taken_at = asyncio.get_running_loop().time()
        await asyncio.sleep(self.encoding_s)
        return f"a frame of {codec}" if self.encodes else None

    async def _send_rtcp(self, packets: list[Any]) -> None:
        self.sent += packets


def report(ntp: int) -> RtcpSrPacket:
    info = RtcpSenderInfo(ntp_timestamp=ntp, rtp_timestamp=7, packet_count=1, octet_count=1)
    return RtcpSrPacket(ssrc=1, sender_info=info)


@virtual_time
async def test_the_time_before_the_frame_was_encoded_is_reported() -> None:
    sender = Sender(taken_at=None)
    report_captures(sender)
    assert await sender._next_encoded_frame("VP8") == "a frame of VP8"
    await asyncio.sleep(0.4)  # until the report
    packets = [report(NTP), RtcpByePacket(sources=[1])]
    await sender._send_rtcp(packets)
    assert sender.sent == packets
    reported = packets[0].sender_info.ntp_timestamp  # type: ignore[union-attr]
    assert (NTP - reported) / 2**32 == pytest.approx(0.05)
    assert sender._RTCRtpSender__lsr == (reported >> 16) & 0xFFFFFFFF  # for the round trip


@virtual_time
async def test_a_frame_that_is_not_sent_does_not_count() -> None:
    """As those are of a sender that is disabled, or of which the encoder makes nothing."""
    sender = Sender(taken_at=None)
    report_captures(sender)
    await sender._next_encoded_frame("VP8")
    sender.encodes, sender.encoding_s = False, 0.3
    assert await sender._next_encoded_frame("VP8") is None
    packet = report(NTP)
    await sender._send_rtcp([packet])
    assert (NTP - packet.sender_info.ntp_timestamp) / 2**32 == pytest.approx(0.05)


@virtual_time
async def test_a_track_of_a_program_and_a_sender_that_has_sent_nothing() -> None:
    for sender, ntp in ((Sender(), NTP), (Sender(taken_at=None), 0)):
        report_captures(sender)
        await sender._next_encoded_frame("VP8")
        packet = report(ntp)
        await sender._send_rtcp([packet])
        assert packet.sender_info.ntp_timestamp == ntp


@virtual_time
async def test_without_the_patch_nothing_is_changed() -> None:
    sender = Sender()
    with without(PATCH):
        report_captures(sender)
    assert set(vars(sender)) == {"track", "sent"}
