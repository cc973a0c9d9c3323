"""The packet loss that the client reports about what it receives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from ..guard import guarded
from .patch import Patch

__all__ = ["PATCH", "ReceiverReport", "watch_reports"]

ROUND_TRIP = "_RTCRtpSender__rtt"

PATCH = Patch(
    name="receiver reports",
    target="RTCRtpSender._handle_rtcp_packet",
    seen="aiortc 1.15 and 1.16",
    needs=(
        "RTCRtpSender()._handle_rtcp_packet",
        "RTCRtpSender()._ssrc",
        f"RTCRtpSender().{ROUND_TRIP}",
    ),
    lost="audio is sent without FEC, and the round trip is unknown",
    upstream="upstream.md#smaller-proposals",
    delete_when="aiortc has an event for receiver reports",
)


class ReceiverReport(NamedTuple):
    """What a client reports about the packets that it receives.

    Attributes:
        loss: The fraction that it has lost since its last report, 0 to 1.
        jitter: Their jitter in units of the RTP clock (RFC 3550).
        round_trip_s: The round trip in seconds; None if it is unknown.
    """

    loss: float
    jitter: int
    round_trip_s: float | None


def watch_reports(sender: Any, on_report: Callable[[ReceiverReport], None]) -> None:
    """Call back with each report of a client.

    Args:
        sender: The sender of the packets.
        on_report: Called on the event loop.
    """
    if not PATCH.fits:
        return
    handle = sender._handle_rtcp_packet

    @guarded(None)
    def note(packet: Any) -> None:
        for report in getattr(packet, "reports", ()):
            if report.ssrc == sender._ssrc:
                on_report(
                    ReceiverReport(
                        report.fraction_lost / 256,
                        report.jitter,
                        getattr(sender, ROUND_TRIP, None),
                    )
                )

    async def handle_rtcp_packet(packet: Any) -> None:
        await handle(packet)
        note(packet)

    sender._handle_rtcp_packet = handle_rtcp_packet
