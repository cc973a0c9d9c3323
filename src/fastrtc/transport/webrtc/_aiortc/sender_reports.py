"""The RTP times and the wall clock that the client reports about what it sends."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ....pacing.frames import FrameClock
from ..guard import guarded
from ..rtp_time import distance_of_report
from .patch import Patch
from .rtcp import after_rtcp

__all__ = ["PATCH", "frame_time", "watch_sender_reports"]

_MAPPER = "_RTCRtpReceiver__timestamp_mapper"

PATCH = Patch(
    name="sender reports",
    target="RTCRtpReceiver._handle_rtcp_packet",
    seen="aiortc 1.15 and 1.16",
    needs=(
        "RTCRtpReceiver()._handle_rtcp_packet",
        f"RTCRtpReceiver().{_MAPPER}._origin",
        f"RTCRtpReceiver().{_MAPPER}._last",
    ),
    lost="the pictures of a recording are in step with its audio by their time of arrival only",
    upstream="upstream.md#smaller-proposals",
    delete_when="aiortc has an event for sender reports, and tells the RTP time of frames",
)


def watch_sender_reports(receiver: Any, on_report: Callable[[int, int], None]) -> None:
    """Call back with each report about the stream of a receiver.

    Args:
        receiver: The receiver of the stream.
        on_report: Called on the event loop with the sender's clock, a 64-bit NTP timestamp, and the
            RTP timestamp of that moment.
    """
    if not PATCH.fits:
        return

    @guarded(None)
    def note(packet: Any) -> None:
        info = getattr(packet, "sender_info", None)
        if info is not None:
            on_report(info.ntp_timestamp, info.rtp_timestamp)

    after_rtcp(receiver, note)


def frame_time(receiver: Any, timestamp: int) -> float | None:
    """Return the time of an RTP timestamp as frames of video have it, in seconds.

    aiortc counts from the first frame on.

    Args:
        receiver: The receiver of the video.
        timestamp: The timestamp of a sender report.

    Returns:
        None before the first frame, and if it is of another stream.
    """
    mapper = getattr(receiver, _MAPPER)
    if mapper._origin is None:
        return None
    ahead = distance_of_report(mapper._last, timestamp, FrameClock.CLOCK_RATE)
    if ahead is None:
        return None
    return float(mapper._last - mapper._origin + ahead) / FrameClock.CLOCK_RATE
