"""The transports of a connection, which aiortc does not expose."""

from __future__ import annotations

from typing import Any

from aiortc import RTCPeerConnection

__all__ = ["ICE_CONNECTION", "dtls_transports", "ice_connections"]

ICE_CONNECTION = "RTCIceTransport()._connection"
"""The path of the ``aioice.Connection`` of a transport, which many patches need."""


def dtls_transports(pc: RTCPeerConnection) -> list[Any]:
    """Return the DTLS transports of a connection, each once."""
    transports: list[Any] = [t.receiver.transport for t in pc.getTransceivers()]
    if pc.sctp is not None:
        transports.append(pc.sctp.transport)
    return list({id(t): t for t in transports}.values())


def ice_connections(pc: RTCPeerConnection) -> list[Any]:
    """Return the ``aioice.Connection`` of each transport of a connection, each once."""
    found = (getattr(t.transport, "_connection", None) for t in dtls_transports(pc))
    return list({id(c): c for c in found if c is not None}.values())
