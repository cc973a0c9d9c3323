"""Reports about sent video with the times of its frames before they are encoded."""

from __future__ import annotations

import asyncio
from typing import Any

from ..guard import guarded
from .patch import Patch
from .rtcp import before_sent_rtcp

__all__ = ["PATCH", "report_captures"]

_LAST_REPORT = "_RTCRtpSender__lsr"

PATCH = Patch(
    name="capture times",
    target="RTCRtpSender._send_rtcp",
    seen="aiortc 1.15 and 1.16",
    needs=(
        "RTCRtpSender()._next_encoded_frame",
        "RTCRtpSender()._send_rtcp",
        f"RTCRtpSender().{_LAST_REPORT}",
    ),
    lost="clients play video later than the audio beside it by the time that encoding takes",
    upstream="upstream.md#smaller-proposals",
    delete_when="aiortc reports when frames of video were captured",
)

_NTP_UNITS_PER_S = 1 << 32


class _Captures:
    """How long the last frame of a sender was encoded.

    Args:
        sender: The sender.
    """

    def __init__(self, sender: Any) -> None:
        self._sender = sender
        self._loop = asyncio.get_running_loop()
        self._encoding_s = 0.0

    @guarded(None)
    def encoded(self) -> None:
        """Record that the last frame of the track has been encoded, and is to be sent."""
        taken_at: float | None = getattr(self._sender.track, "taken_at", None)
        self._encoding_s = 0.0 if taken_at is None else self._loop.time() - taken_at

    @guarded(None)
    def correct(self, packets: list[Any]) -> None:
        """Correct the report among RTCP packets to be sent, if there is one."""
        for packet in packets:
            info = getattr(packet, "sender_info", None)
            if info is not None and info.ntp_timestamp:
                info.ntp_timestamp -= round(self._encoding_s * _NTP_UNITS_PER_S)
                # with which aiortc finds the answer to this report
                setattr(self._sender, _LAST_REPORT, (info.ntp_timestamp >> 16) & 0xFFFFFFFF)


def report_captures(sender: Any) -> None:
    """Report when frames of video were taken from their track, not when they were sent.

    Sender reports tell clients which audio and video belong together (RFC 3550 section 6.4.1).
    aiortc notes the time when it has sent a frame, which has been encoded by then.

    Args:
        sender: The sender of the video, whose track has ``taken_at``.
    """
    if not PATCH.fits:
        return
    encode, captures = sender._next_encoded_frame, _Captures(sender)

    async def next_encoded_frame(codec: Any) -> Any:
        frame = await encode(codec)
        if frame is not None:  # otherwise the last one that was sent is still that before
            captures.encoded()
        return frame

    sender._next_encoded_frame = next_encoded_frame
    before_sent_rtcp(sender, captures.correct)
