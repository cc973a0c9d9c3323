"""The RTCP packets of a sender or a receiver: those that aiortc has processed, and sends."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["after_rtcp", "before_sent_rtcp"]


def after_rtcp(endpoint: Any, note: Callable[[Any], None]) -> None:
    """Call a function with each RTCP packet that aiortc has processed.

    Args:
        endpoint: The ``RTCRtpSender`` or ``RTCRtpReceiver``; the patch of the caller has its method
            ``_handle_rtcp_packet`` among its needs.
        note: Called on the event loop; guarded, so that it does not raise.
    """
    handle = endpoint._handle_rtcp_packet

    async def handle_rtcp_packet(packet: Any) -> None:
        await handle(packet)
        note(packet)

    endpoint._handle_rtcp_packet = handle_rtcp_packet


def before_sent_rtcp(sender: Any, note: Callable[[list[Any]], None]) -> None:
    """Call a function with the RTCP packets that a sender is about to send.

    Args:
        sender: The ``RTCRtpSender``; the patch of the caller has its method ``_send_rtcp`` among
            its needs.
        note: Called on the event loop; guarded, so that it does not raise.
    """
    send = sender._send_rtcp

    async def send_rtcp(packets: list[Any]) -> None:
        note(packets)
        await send(packets)

    sender._send_rtcp = send_rtcp
