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
_CODECS = "_RTCRtpReceiver__codecs"

PATCH = Patch(
    name="sender reports",
    target="RTCRtpReceiver._handle_rtcp_packet",
    seen="aiortc 1.15 and 1.16",
    needs=(
        "RTCRtpReceiver()._handle_rtcp_packet",
        "RTCRtpReceiver()._handle_rtp_packet",
        f"RTCRtpReceiver().{_CODECS}.get",
        f"RTCRtpReceiver().{_MAPPER}._origin",
        f"RTCRtpReceiver().{_MAPPER}._last",
    ),
    lost="the pictures of a recording are in step with its audio by their time of arrival only",
    upstream="upstream.md#smaller-proposals",
    delete_when="aiortc has an event for sender reports, and tells the RTP time of frames",
)


class _MediaStreams:
    """The RTP streams of a receiver, without those of retransmissions.

    Retransmitted packets may have a stream of their own (RFC 4588 section 5), and some senders
    report about it: with the time of its last packet, which has the timestamp of an earlier one.

    Args:
        receiver: The receiver.

    Attributes:
        ssrcs: The streams with a packet of media.
    """

    def __init__(self, receiver: Any) -> None:
        self.ssrcs: set[int] = set()
        self._receiver = receiver
        handle = receiver._handle_rtp_packet

        async def handle_rtp_packet(packet: Any, arrival_time_ms: int) -> None:
            self.note(packet)
            await handle(packet, arrival_time_ms=arrival_time_ms)

        receiver._handle_rtp_packet = handle_rtp_packet

    @guarded(None)
    def note(self, packet: Any) -> None:
        """Record the stream of a packet that is to be processed."""
        codec = getattr(self._receiver, _CODECS).get(packet.payload_type)
        if codec is not None and codec.name.lower() != "rtx":
            self.ssrcs.add(packet.ssrc)


def watch_sender_reports(receiver: Any, on_report: Callable[[int, int], None]) -> None:
    """Call back with each report about the media of a receiver, once some have arrived.

    Args:
        receiver: The receiver of the stream.
        on_report: Called on the event loop with the sender's clock, a 64-bit NTP timestamp, and the
            RTP timestamp of that moment.
    """
    if not PATCH.fits:
        return

    streams = _MediaStreams(receiver)

    @guarded(None)
    def note(packet: Any) -> None:
        info = getattr(packet, "sender_info", None)
        if info is not None and packet.ssrc in streams.ssrcs:
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
