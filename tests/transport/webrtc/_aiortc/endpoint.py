"""A sender or receiver of aiortc, as far as it processes RTCP packets."""

from __future__ import annotations

from typing import Any

from aiortc.rtp import RtcpReceiverInfo, RtcpSenderInfo, RtcpSrPacket

SSRC = 1234


class Endpoint:
    """Keeps the RTCP packets that it has processed."""

    _ssrc = SSRC

    def __init__(self) -> None:
        self.handled: list[Any] = []

    async def _handle_rtcp_packet(self, packet: Any) -> None:
        self.handled.append(packet)

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


def sender_report(ntp: int, rtp: int, *reports: RtcpReceiverInfo) -> RtcpSrPacket:
    """A sender report, with reports about received streams."""
    info = RtcpSenderInfo(ntp_timestamp=ntp, rtp_timestamp=rtp, packet_count=0, octet_count=0)
    return RtcpSrPacket(ssrc=1, sender_info=info, reports=[*reports])
