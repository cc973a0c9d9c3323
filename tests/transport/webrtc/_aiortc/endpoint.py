"""A sender or receiver of aiortc, as far as it processes packets."""

from __future__ import annotations

import types
from typing import Any

from aiortc.rtp import RtcpReceiverInfo, RtcpSenderInfo, RtcpSrPacket, RtpPacket

SSRC = 1234
VP8, RTX = 97, 98


class Endpoint:
    """Keeps the packets that it has processed, and sent."""

    _ssrc = SSRC

    def __init__(self) -> None:
        self.handled: list[Any] = []
        self.received: list[RtpPacket] = []
        self.sent: list[Any] = []
        self._RTCRtpReceiver__codecs = {
            VP8: types.SimpleNamespace(name="VP8"),
            RTX: types.SimpleNamespace(name="rtx"),
        }

    async def _handle_rtcp_packet(self, packet: Any) -> None:
        self.handled.append(packet)

    async def _handle_rtp_packet(self, packet: RtpPacket, arrival_time_ms: int) -> None:
        self.received.append(packet)

    async def _send_rtcp(self, packets: list[Any]) -> None:
        self.sent += packets

    async def receive(self, ssrc: int, payload_type: int = VP8) -> None:
        """Process an RTP packet, as ``process`` does."""
        packet = RtpPacket(payload_type=payload_type)
        packet.ssrc = ssrc
        await self._handle_rtp_packet(packet, arrival_time_ms=0)

    async def process(self, *packets: Any) -> None:
        """Process packets as aiortc does, each by the method that the endpoint has then."""
        for packet in packets:
            await self._handle_rtcp_packet(packet)


def about(ssrc: int, fraction: int, *, lsr: int = 0, dlsr: int = 0) -> RtcpReceiverInfo:
    """A report about a stream, of which a fraction of 256 was lost.

    It answers the sender report with the time ``lsr``, after ``dlsr`` / 65536 s.
    """
    return RtcpReceiverInfo(
        ssrc=ssrc,
        fraction_lost=fraction,
        packets_lost=0,
        highest_sequence=0,
        jitter=0,
        lsr=lsr,
        dlsr=dlsr,
    )


def sender_report(ntp: int, rtp: int, *reports: RtcpReceiverInfo, ssrc: int = 1) -> RtcpSrPacket:
    """A sender report about a stream, with reports about received ones."""
    info = RtcpSenderInfo(ntp_timestamp=ntp, rtp_timestamp=rtp, packet_count=0, octet_count=0)
    return RtcpSrPacket(ssrc=ssrc, sender_info=info, reports=[*reports])
