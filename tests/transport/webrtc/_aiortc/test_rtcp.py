"""Those that watch RTCP packets get them after aiortc, and cost it none."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from aiortc.rtp import RtcpByePacket, RtcpRrPacket

from fastrtc.transport.webrtc._aiortc import receiver_reports, sender_reports
from fastrtc.transport.webrtc._aiortc.patch import Patch
from fastrtc.transport.webrtc._aiortc.receiver_reports import watch_reports
from fastrtc.transport.webrtc._aiortc.rtcp import after_rtcp
from fastrtc.transport.webrtc._aiortc.sender_reports import watch_sender_reports
from tests.support.patches import without

from .endpoint import SSRC, Endpoint, about, sender_report


async def test_packets_are_noted_after_aiortc_has_processed_them() -> None:
    endpoint = Endpoint()
    seen: list[tuple[str, bool]] = []
    for name in ("first", "second"):
        after_rtcp(endpoint, lambda packet, name=name: seen.append((name, bye in endpoint.handled)))
    bye = RtcpByePacket(sources=[1])
    await endpoint.process(bye)
    assert seen == [("first", True), ("second", True)]
    assert endpoint.handled == [bye]


@pytest.mark.parametrize(
    ("patch", "watch"),
    [(receiver_reports.PATCH, watch_reports), (sender_reports.PATCH, watch_sender_reports)],
)
class TestWatching:
    async def test_a_failure_of_ours_costs_no_report(
        self, patch: Patch, watch: Callable[..., None], caplog: pytest.LogCaptureFixture
    ) -> None:
        endpoint = Endpoint()
        watch(endpoint, lambda *_: 1 / 0)
        await endpoint.receive(1)
        packet = sender_report(1, 2, about(SSRC, 64))
        await endpoint.process(packet)
        assert endpoint.handled == [packet]
        assert "ZeroDivisionError" in caplog.text

    async def test_packets_without_a_report_are_passed_on(
        self, patch: Patch, watch: Callable[..., None]
    ) -> None:
        endpoint = Endpoint()
        watch(endpoint, pytest.fail)
        packets = [RtcpRrPacket(ssrc=1, reports=[]), RtcpByePacket(sources=[1])]
        await endpoint.process(*packets)
        assert endpoint.handled == packets

    async def test_without_the_patch_nothing_is_watched(
        self, patch: Patch, watch: Callable[..., None]
    ) -> None:
        endpoint = Endpoint()
        with without(patch):
            watch(endpoint, pytest.fail)
        assert "_handle_rtcp_packet" not in vars(endpoint)
