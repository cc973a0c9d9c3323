"""Empty datagrams, at which aiortc ends a connection."""

from __future__ import annotations

from typing import Any

from aiortc import RTCPeerConnection

from .patch import Patch
from .transports import ICE_CONNECTION, ice_connections

__all__ = ["PATCH", "drop_empty_datagrams"]

PATCH = Patch(
    name="empty datagrams",
    target="aioice.Connection.data_received",
    seen="aiortc 1.15 and 1.16, aioice 0.10 to 0.13",
    needs=(ICE_CONNECTION, "Connection().data_received"),
    lost="an empty datagram, of any sender, ends a connection of the Python client",
    upstream="upstream.md#smaller-proposals",
    delete_when="aiortc ignores empty datagrams",
)


def drop_empty_datagrams(pc: RTCPeerConnection) -> None:
    """Drop empty datagrams, of which aiortc would read the first byte.

    Servers drop them with others that are of no use (see ``limit_work``).

    Args:
        pc: The connection, with its transceivers and data channel.
    """
    if PATCH.fits:
        for connection in ice_connections(pc):
            _drop(connection)


def _drop(connection: Any) -> None:
    receive = connection.data_received

    def data_received(data: bytes | None, component: int | None) -> None:
        if data is None or data:  # None is the end of the connection
            receive(data, component)

    connection.data_received = data_received
