"""Connections of aiortc, and aiortc or aioice without private names that fastrtc uses."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from aiortc import RTCConfiguration, RTCPeerConnection

from fastrtc.transport.webrtc._aiortc.patch import Patch
from fastrtc.transport.webrtc._aiortc.registry import REGISTRY

__all__ = ["new_connection", "without"]


async def new_connection() -> RTCPeerConnection:
    """Create a connection with audio, video and a data channel."""
    pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    pc.addTransceiver("audio")
    pc.addTransceiver("video")
    pc.createDataChannel("text")
    return pc


@contextmanager
def without(*patches: Patch) -> Iterator[None]:
    """Let patches not fit, as if a name that they need were missing.

    Outside an event loop, they must have been checked before.
    """
    REGISTRY.misfits()
    for patch in patches:
        patch._missing.append("a name")
    try:
        yield
    finally:
        for patch in patches:
            patch._missing.clear()
