"""The client's reports about a stream reach the function that watches its sender."""

from __future__ import annotations

import pytest
from aiortc import rtcrtpsender
from aiortc.rtp import RtcpByePacket, RtcpRrPacket

from fastrtc.transport.webrtc._aiortc.receiver_reports import watch_reports

from .endpoint import SSRC, Endpoint, about, sender_report


class Sender(Endpoint):
    """Has sent a report a second ago."""

    _RTCRtpSender__lsr = 7

    def __init__(self) -> None:
        super().__init__()
        self._RTCRtpSender__lsr_time = rtcrtpsender.time.time() - 1.0

    async def report(self, lsr: int) -> None:
        """Send a report, as aiortc does."""
        self._RTCRtpSender__lsr = lsr
        self._RTCRtpSender__lsr_time = rtcrtpsender.time.time()
        await self._send_rtcp([sender_report(lsr << 16, 0), RtcpByePacket(sources=[SSRC])])


async def test_reports_about_the_stream_are_taken() -> None:
    sender, seen = Sender(), []
    watch_reports(sender, seen.append)
    await sender.process(
        RtcpRrPacket(ssrc=1, reports=[about(99, 255), about(SSRC, 64)]),
        sender_report(0, 0, about(SSRC, 128)),
    )
    assert [report.loss for report in seen] == [0.25, 0.5]
    assert [report.round_trip_s for report in seen] == [None, None]


async def test_each_report_tells_its_round_trip() -> None:
    sender, seen = Sender(), []
    watch_reports(sender, seen.append)
    for lsr, waited_s in ((7, 0.75), (7, 0.25), (6, 0.5), (7, 1.005), (7, 1.5)):
        report = about(SSRC, 0, lsr=lsr, dlsr=round(waited_s * 65536))
        await sender.process(RtcpRrPacket(ssrc=1, reports=[report]))
    took = [report.round_trip_s for report in seen]
    assert took[:2] == pytest.approx([0.25, 0.75], abs=0.2)
    assert took[2:] == [None, 0.0, None]  # another report, a fast clock, one sent in between


async def test_a_report_that_may_answer_an_earlier_one_has_no_round_trip() -> None:
    """Two sender reports have the same time if no packet was sent in between."""
    sender, seen = Sender(), []
    watch_reports(sender, seen.append)
    for lsr in (8, 9, 9, 9, 10):
        await sender.report(lsr)
        answer = about(SSRC, 0, lsr=lsr, dlsr=1)
        await sender.process(RtcpRrPacket(ssrc=1, reports=[answer]))
    took = [report.round_trip_s for report in seen]
    assert [each is None for each in took] == [False, False, True, True, False]
    assert len(sender.sent) == 5 * 2
