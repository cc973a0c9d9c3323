"""The packet loss that the client reports about what it receives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..guard import guarded
from .patch import Patch

__all__ = ["PATCH", "watch_loss"]

PATCH = Patch(
    name="receiver reports",
    target="RTCRtpSender._handle_rtcp_packet",
    seen="aiortc 1.15 and 1.16",
    needs=("RTCRtpSender()._handle_rtcp_packet", "RTCRtpSender()._ssrc"),
    lost="audio is sent without FEC",
    upstream="upstream.md#smaller-proposals",
    delete_when="aiortc has an event for receiver reports",
)


def watch_loss(sender: Any, on_report: Callable[[float], None]) -> None:
    """Call back with the fraction of packets that a client lost, for each of its reports.

    Args:
        sender: The sender of the packets.
        on_report: Called on the event loop with a number from 0 to 1.
    """
    if not PATCH.fits:
        return
    handle = sender._handle_rtcp_packet

    @guarded(None)
    def note(packet: Any) -> None:
        for report in getattr(packet, "reports", ()):
            if report.ssrc == sender._ssrc:
                on_report(report.fraction_lost / 256)

    async def handle_rtcp_packet(packet: Any) -> None:
        note(packet)
        await handle(packet)

    sender._handle_rtcp_packet = handle_rtcp_packet
