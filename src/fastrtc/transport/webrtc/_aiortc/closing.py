"""Closing of connections in any state."""

from __future__ import annotations

import asyncio
import importlib
import logging
from typing import Any

from aiortc import InvalidStateError, RTCPeerConnection

from ..guard import guarded_async
from .patch import Patch
from .transports import ICE_CONNECTION, ice_connections

__all__ = [
    "CHECKS",
    "CONNECTING",
    "SOCKETS",
    "OWN_CLOSE",
    "close_connection",
    "close_sockets",
    "close_while_connecting",
]

logger = logging.getLogger(__name__)

_CONNECT = "_RTCPeerConnection__connect"
_CLOSE_TASK = "_RTCPeerConnection__closeTask"

CONNECTING = Patch(
    name="closing while connecting",
    target="RTCPeerConnection.__connect",
    seen="aiortc 1.15 and 1.16",
    needs=(f"RTCPeerConnection().{_CONNECT}",),
    lost="a connection that is closed while it is established can log an error of aiortc and leave "
    "tasks behind",
    upstream="upstream.md#smaller-proposals",
    delete_when="RTCPeerConnection.close() ends the task that establishes the connection",
)

OWN_CLOSE = Patch(
    name="closing by aiortc",
    target="RTCPeerConnection.__closeTask",
    seen="aiortc 1.15 and 1.16",
    needs=(f"RTCPeerConnection().{_CLOSE_TASK}",),
    lost="a program that ends can wait forever for a connection that was closing by itself",
    upstream="upstream.md#smaller-proposals",
    delete_when="RTCPeerConnection.close() also returns if its own task was canceled",
)

SOCKETS = Patch(
    name="closing sockets",
    target="aioice.Connection._protocols",
    seen="aiortc 1.15 and 1.16, aioice 0.10 to 0.13",
    needs=(ICE_CONNECTION, "Connection()._protocols", "aioice.ice.StunProtocol.close"),
    lost="a connection that is closed while it gathers, or whose event loop ends early, leaves its "
    "sockets open",
    upstream="upstream.md#smaller-proposals",
    delete_when="aioice closes the sockets that it opens after close()",
)

CHECKS = Patch(
    name="closing checks",
    target="aioice.Connection.close",
    seen="aiortc 1.15 and 1.16, aioice 0.10 to 0.13",
    needs=(
        ICE_CONNECTION,
        "Connection()._check_list",
        "Connection()._check_list_done",
        "Connection()._check_list_state.put_nowait",
        "CandidatePair().task",
        "aioice.ice.ICE_FAILED",
    ),
    lost="with aioice 0.10 and 0.11, a connection that is closed before it is established keeps "
    "checking addresses forever",
    upstream="upstream.md#smaller-proposals",
    delete_when="Python 3.10, whose newest aioice is 0.10, is no longer supported",
)


def close_while_connecting(pc: RTCPeerConnection) -> None:
    """Make it safe to close a connection while it is being established.

    aiortc's task that establishes it then fails at the data channel if DTLS has started, and
    asyncio logs an exception that was never retrieved; or it starts senders and receivers that were
    already stopped, whose tasks would never end.
    """
    if not CONNECTING.fits:
        return
    connect = getattr(pc, _CONNECT)

    async def connect_unless_closed() -> None:
        try:
            await connect()
        except InvalidStateError as error:
            logger.debug("A connection was closed while it was being established: %s", error)
        finally:
            await _stop_if_closed(pc)

    setattr(pc, _CONNECT, connect_unless_closed)


@guarded_async(None)
async def _stop_if_closed(pc: RTCPeerConnection) -> None:
    if pc.signalingState == "closed":
        for transceiver in pc.getTransceivers():
            await transceiver.stop()
        if pc.sctp is not None:
            await pc.sctp.stop()


async def close_connection(pc: RTCPeerConnection) -> None:
    """Close a connection, even if aiortc's own attempt to close it was canceled.

    aiortc closes a connection itself when DTLS has ended, for example because a closing loop
    canceled its tasks. If that attempt is canceled, too, ``pc.close()`` would wait for it
    forever.
    """
    own = getattr(pc, _CLOSE_TASK) if OWN_CLOSE.fits else None
    if own is not None:
        await asyncio.wait([own])
        if own.cancelled() or own.exception() is not None:
            logger.debug("A connection did not close by itself")
            pc.remove_all_listeners()
            return
    await pc.close()
    _end_checks(pc)


def _end_checks(pc: RTCPeerConnection) -> None:
    """End the ICE checks, as aioice does from 0.12 on."""
    if not CHECKS.fits:
        return
    ice: Any = importlib.import_module("aioice.ice")
    for connection in ice_connections(pc):
        if not connection._check_list_done:
            connection._check_list_done = True
            connection._check_list_state.put_nowait(ice.ICE_FAILED)
        for pair in connection._check_list:
            if pair.task is not None:
                pair.task.cancel()


async def close_sockets(pc: RTCPeerConnection) -> None:
    """Close the sockets of a connection.

    aiortc does not if the connection was closed while it gathered candidates, or if the event loop
    ends before it is established. uvloop cannot close a loop with an open socket.
    """
    if not SOCKETS.fits:
        return
    for connection in ice_connections(pc):
        for protocol in list(connection._protocols):
            await protocol.close()
