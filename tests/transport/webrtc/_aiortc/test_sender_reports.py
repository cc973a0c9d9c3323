"""The sender reports of the client reach the function that watches its receiver."""

from __future__ import annotations

import types

import pytest
from aiortc.rtcrtpreceiver import TimestampMapper

from fastrtc.transport.webrtc._aiortc.sender_reports import frame_time, watch_sender_reports

from .endpoint import RTX, Endpoint, sender_report


class Receiver(Endpoint):
    def __init__(self) -> None:
        super().__init__()
        self._RTCRtpReceiver__timestamp_mapper = TimestampMapper()

    def map(self, timestamp: int) -> float:
        """The time of a frame, as aiortc gives it."""
        return self._RTCRtpReceiver__timestamp_mapper.map(timestamp) / 90_000


async def test_sender_reports_are_taken() -> None:
    receiver, seen = Receiver(), []
    watch_sender_reports(receiver, lambda ntp, rtp: seen.append((ntp, rtp)))
    await receiver.receive(1)
    await receiver.process(
        sender_report(5 << 32, 900), types.SimpleNamespace(sender_info=None), sender_report(0, 0)
    )
    assert seen == [(5 << 32, 900), (0, 0)]


async def test_reports_about_retransmissions_are_ignored() -> None:
    """They have a stream of their own; so may a second stream of media."""
    receiver, seen = Receiver(), []
    watch_sender_reports(receiver, lambda ntp, rtp: seen.append(ntp))
    for ssrc, payload_type in ((1, 97), (2, RTX), (3, 97), (4, 99)):
        await receiver.receive(ssrc, payload_type)
    await receiver.process(*(sender_report(ssrc, 0, ssrc=ssrc) for ssrc in (1, 2, 3, 4, 5)))
    assert seen == [1, 3]
    assert [packet.ssrc for packet in receiver.received] == [1, 2, 3, 4]


def test_an_rtp_time_is_that_of_a_frame_also_when_it_wraps() -> None:
    receiver = Receiver()
    assert frame_time(receiver, 2**32 - 9_000) is None
    assert receiver.map(2**32 - 9_000) == 0.0
    assert frame_time(receiver, 2**32 - 9_000) == 0.0
    assert frame_time(receiver, 9_000) == pytest.approx(0.2)
    assert receiver.map(9_000) == pytest.approx(0.2)
    assert frame_time(receiver, 2**32 - 4_500) == pytest.approx(0.05)
    assert frame_time(receiver, 9_000) == pytest.approx(0.2)
    assert frame_time(receiver, 2**31) is None  # of another stream
