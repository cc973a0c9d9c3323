"""Bounds on what a peer can request again: packets (RFC 4585 NACK) and key frames."""

from __future__ import annotations

import asyncio
from typing import Any

from ....core.limits import RateLimit
from .patch import Patch

__all__ = ["KEY_FRAME_EVERY_S", "PATCH", "RETRANSMISSIONS_AHEAD", "limit_sender"]

_PACKET_COUNT = "_RTCRtpSender__packet_count"

PATCH = Patch(
    name="RTP sender",
    target="RTCRtpSender",
    seen="aiortc 1.15 and 1.16",
    needs=(
        "RTCRtpSender()._retransmit",
        "RTCRtpSender()._send_keyframe",
        "RTCRtpSender()._handle_rtcp_packet",
        f"RTCRtpSender().{_PACKET_COUNT}",
    ),
    lost="a client can make the server resend packets and encode key frames without limit",
    upstream="upstream.md#smaller-proposals",
    delete_when="aiortc bounds retransmissions and key frames",
    is_bound=True,
)

RETRANSMISSIONS_AHEAD = 256.0
"""Retransmitted RTP packets beyond one for each sent packet. With 50% loss, each is sent twice on
average."""

KEY_FRAME_EVERY_S = 0.3
"""Minimum interval of key frames for a peer, in seconds. libwebrtc repeats its request after 0.2 s
or more, until it has one."""


def limit_sender(sender: Any) -> None:
    """Bound what a peer can request again."""
    _limit_retransmissions(sender)
    _limit_key_frames(sender)
    handle = sender._handle_rtcp_packet

    async def handle_rtcp_packet(packet: Any) -> None:
        lost = getattr(packet, "lost", None)
        if lost:  # 4 bytes name 17 packets, and may repeat the same ones
            packet.lost = list(dict.fromkeys(lost))
        await handle(packet)

    sender._handle_rtcp_packet = handle_rtcp_packet


def _limit_retransmissions(sender: Any) -> None:
    retransmit = sender._retransmit
    left, counted = RETRANSMISSIONS_AHEAD, 0

    async def retransmit_some(sequence_number: int) -> None:
        nonlocal left, counted
        sent = getattr(sender, _PACKET_COUNT)
        left, counted = min(RETRANSMISSIONS_AHEAD, left + sent - counted), sent
        if left >= 1:
            left -= 1
            await retransmit(sequence_number)

    sender._retransmit = retransmit_some


def _limit_key_frames(sender: Any) -> None:
    loop = asyncio.get_running_loop()
    send_key_frame = sender._send_keyframe
    rate = RateLimit(1 / KEY_FRAME_EVERY_S, KEY_FRAME_EVERY_S)

    def send_key_frame_now_and_then() -> None:
        if rate.allows(loop.time()):
            send_key_frame()

    sender._send_keyframe = send_key_frame_now_and_then
