"""The bit rate of sent video, which aiortc lets follow only the client's estimates (REMB)."""

from __future__ import annotations

import asyncio
from typing import Any

from ....core.limits import RateLimit
from ..guard import guarded
from ..video_rate import VideoRate
from .patch import Patch
from .rtcp import after_rtcp

__all__ = ["INCREASES_PER_S", "PATCH", "follow_loss"]

_ENCODER = "_RTCRtpSender__encoder"

PATCH = Patch(
    name="video bit rate",
    target="RTCRtpSender.__encoder",
    seen="aiortc 1.15 and 1.16",
    needs=(
        "RTCRtpSender()._handle_rtcp_packet",
        "RTCRtpSender()._ssrc",
        f"RTCRtpSender().{_ENCODER}",
        "aiortc.codecs.vpx.Vp8Encoder.target_bitrate",
        "aiortc.codecs.h264.H264Encoder.target_bitrate",
    ),
    lost="the bit rate of video does not follow packet loss, and a client can make the server "
    "replace its encoder with each frame",
    upstream="upstream.md#smaller-proposals",
    delete_when="aiortc adapts the bit rate of video to receiver reports",
)

INCREASES_PER_S = 1.0
"""How often per second the bit rate may rise. A change of more than 10% costs a new encoder and a
key frame; Chromium sends an estimate once a second, and only lower ones at once."""


class _Encoder:
    """The bit rate of a sender's encoder, which aiortc sets to the client's estimate."""

    def __init__(self, sender: Any) -> None:
        self._sender = sender
        self._rate: VideoRate | None = None
        self._set: int | None = None
        self._increases = RateLimit(INCREASES_PER_S, 1.0)
        self._loop = asyncio.get_running_loop()

    @guarded(None)
    def adapt(self, packet: Any) -> None:
        """Adapt to an RTCP packet that aiortc has processed."""
        encoder = getattr(self._sender, _ENCODER)
        target: int | None = getattr(encoder, "target_bitrate", None)
        if target is None:
            return
        if self._rate is None:
            self._rate = VideoRate(target)
        elif target != self._set:
            self._rate.estimate(target)
        for report in getattr(packet, "reports", ()):
            if report.ssrc == self._sender._ssrc:
                self._rate.report(report.fraction_lost / 256)
        wanted = self._rate.bit_rate
        if self._set is not None and wanted > self._set:
            wanted = wanted if self._increases.allows(self._loop.time()) else self._set
        encoder.target_bitrate = wanted
        self._set = encoder.target_bitrate


def follow_loss(sender: Any) -> None:
    """Let the bit rate of a video sender follow the client's estimates and reported loss."""
    if PATCH.fits:
        after_rtcp(sender, _Encoder(sender).adapt)
