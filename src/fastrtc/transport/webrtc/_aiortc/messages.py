"""Delivery of the last messages of data channels."""

from __future__ import annotations

import asyncio

from aiortc import RTCPeerConnection

from .patch import Patch

__all__ = ["PATCH", "flush_messages"]

_QUEUES = ("_data_channel_queue", "_outbound_queue", "_sent_queue")

PATCH = Patch(
    name="last messages",
    target="RTCSctpTransport",
    seen="aiortc 1.15 and 1.16",
    needs=tuple(f"RTCSctpTransport().{name}" for name in _QUEUES),
    lost="the last messages to a client, such as why it is disconnected, may not be delivered",
    upstream="upstream.md#smaller-proposals",
    delete_when="aiortc has a method that waits until data channels are flushed",
)

INTERVAL_S = 0.005
"""How often the queues are polled while the connection closes, in seconds."""


async def flush_messages(pc: RTCPeerConnection, timeout: float) -> None:
    """Wait until the peer has received all messages of the data channels.

    aiortc has no event for that: the queues of its SCTP transport are polled a few times while the
    connection closes, and never otherwise.
    """
    if not PATCH.fits:
        return
    sctp = pc.sctp
    deadline = asyncio.get_running_loop().time() + timeout
    while pc.connectionState == "connected" and any(getattr(sctp, name, None) for name in _QUEUES):
        if asyncio.get_running_loop().time() > deadline:
            return
        await asyncio.sleep(INTERVAL_S)
