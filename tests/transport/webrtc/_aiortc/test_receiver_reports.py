"""The client's reports about a stream reach whoever watches its sender."""

from __future__ import annotations

import types
from typing import Any

import pytest
from aiortc.rtp import RtcpReceiverInfo, RtcpRrPacket, RtcpSenderInfo, RtcpSrPacket

from fastrtc.transport.webrtc._aiortc.receiver_reports import PATCH, watch_reports
from tests.support.patches import without


class Sender:
    _ssrc = 1234
    _RTCRtpSender__rtt = 0.125  # as aiortc has measured it

    def __init__(self) -> None:
        self.handled: list[Any] = []

    async def _handle_rtcp_packet(self, packet: Any) -> None:
        self.handled.append(packet)


def about(ssrc: int, fraction: int) -> RtcpReceiverInfo:
    return RtcpReceiverInfo(
        ssrc=ssrc,
        fraction_lost=fraction,
        packets_lost=0,
        highest_sequence=0,
        jitter=0,
        lsr=0,
        dlsr=0,
    )


async def test_reports_about_the_stream_are_taken_and_passed_on() -> None:
    sender, seen = Sender(), []
    watch_reports(sender, seen.append)
    info = RtcpSenderInfo(ntp_timestamp=0, rtp_timestamp=0, packet_count=0, octet_count=0)
    packets = [
        RtcpRrPacket(ssrc=1, reports=[about(99, 255), about(1234, 64)]),
        RtcpRrPacket(ssrc=1, reports=[]),
        RtcpSrPacket(ssrc=1, sender_info=info, reports=[about(1234, 128)]),
        types.SimpleNamespace(fmt=1),
    ]
    for packet in packets:
        await sender._handle_rtcp_packet(packet)  # type: ignore[arg-type]
    assert [report.loss for report in seen] == [0.25, 0.5]
    assert [report.round_trip_s for report in seen] == [0.125, 0.125]
    assert sender.handled == packets


async def test_a_failure_of_ours_costs_no_report(caplog: pytest.LogCaptureFixture) -> None:
    sender = Sender()
    watch_reports(sender, lambda fraction: 1 / 0)  # type: ignore[arg-type, return-value]
    packet = RtcpRrPacket(ssrc=1, reports=[about(1234, 64)])
    await sender._handle_rtcp_packet(packet)
    assert sender.handled == [packet]
    assert "ZeroDivisionError" in caplog.text


async def test_without_the_patch_nothing_is_watched() -> None:
    sender = Sender()
    with without(PATCH):
        watch_reports(sender, pytest.fail)
    assert "_handle_rtcp_packet" not in vars(sender)
