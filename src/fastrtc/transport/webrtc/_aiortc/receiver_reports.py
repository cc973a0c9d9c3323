"""The packet loss that the client reports about what it receives."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any, NamedTuple

from ..guard import guarded
from .patch import Patch
from .rtcp import after_rtcp, before_sent_rtcp

__all__ = ["PATCH", "ReceiverReport", "watch_reports"]

_REPORT, _REPORTED_AT = "_RTCRtpSender__lsr", "_RTCRtpSender__lsr_time"

ROUNDING_S = 0.01
"""How far a round trip may be below 0, in seconds: the clocks of two machines differ in speed."""

PATCH = Patch(
    name="receiver reports",
    target="RTCRtpSender._handle_rtcp_packet",
    seen="aiortc 1.15 and 1.16",
    needs=(
        "RTCRtpSender()._handle_rtcp_packet",
        "RTCRtpSender()._send_rtcp",
        "RTCRtpSender()._ssrc",
        f"RTCRtpSender().{_REPORT}",
        f"RTCRtpSender().{_REPORTED_AT}",
        "aiortc.rtcrtpsender.time.time",
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
        round_trip_s: The round trip of this report and of the sender report that it answers, in
            seconds; None if it is unknown.
    """

    loss: float
    jitter: int
    round_trip_s: float | None


class _SentReports:
    """The sender reports that a sender sends.

    A report has the time of the last packet. If none was sent since, the next report has the same,
    and an answer does not tell which of them it is about.

    Args:
        sender: The sender.

    Attributes:
        is_repeated: Whether the last report has the time of the one before.
    """

    def __init__(self, sender: Any) -> None:
        self.is_repeated = False
        self._sender = sender
        self._last: int | None = None
        before_sent_rtcp(sender, self.note)

    @guarded(None)
    def note(self, packets: list[Any]) -> None:
        """Record RTCP packets that are to be sent."""
        if any(hasattr(packet, "sender_info") for packet in packets):
            time = getattr(self._sender, _REPORT)
            self.is_repeated = time == self._last
            self._last = time


def watch_reports(sender: Any, on_report: Callable[[ReceiverReport], None]) -> None:
    """Call back with each report of a client.

    Args:
        sender: The sender of the packets.
        on_report: Called on the event loop.
    """
    if not PATCH.fits:
        return

    sent = _SentReports(sender)

    @guarded(None)
    def note(packet: Any) -> None:
        for report in getattr(packet, "reports", ()):
            if report.ssrc == sender._ssrc:
                on_report(
                    ReceiverReport(
                        report.fraction_lost / 256,
                        report.jitter,
                        None if sent.is_repeated else _round_trip_s(sender, report),
                    )
                )

    after_rtcp(sender, note)


def _round_trip_s(sender: Any, report: Any) -> float | None:
    """Return the round trip of a report about the last sender report (RFC 3550 section 6.4.1).

    It is unknown for a report about an earlier one.
    """
    if not report.dlsr or report.lsr != getattr(sender, _REPORT):
        return None
    clock: Any = importlib.import_module("aiortc.rtcrtpsender")
    took_s = clock.time.time() - getattr(sender, _REPORTED_AT) - report.dlsr / 65536
    return max(0.0, float(took_s)) if took_s > -ROUNDING_S else None
