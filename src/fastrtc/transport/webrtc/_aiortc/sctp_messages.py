"""Bounds on the messages that a client sends over its data channels."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from aiortc import RTCPeerConnection

from ....core.limits import RateLimit
from ..guard import guarded, guarded_async
from .patch import Patch

__all__ = ["PATCH", "limit_messages"]

logger = logging.getLogger(__name__)

PATCH = Patch(
    name="SCTP messages",
    target="RTCSctpTransport",
    seen="aiortc 1.15 and 1.16",
    needs=(
        "RTCSctpTransport()._handle_data",
        "RTCSctpTransport()._receive_data_chunk",
        "RTCSctpTransport()._inbound_streams",
        "RTCSctpTransport()._sack_misordered",
        "RTCSctpTransport()._advertised_rwnd",
        "InboundStream().reassembly",
    ),
    lost="a client can fill the memory with messages that it does not finish",
    upstream="upstream.md#smaller-proposals",
    delete_when="aiortc bounds the fragments of a peer's messages",
    is_bound=True,
)

MAX_FRAGMENTS = 1024
"""Packets of one stream that wait for missing ones. 1 MiB, all that a peer may send ahead, fills
some 900; and aiortc iterates over them for each packet."""

MAX_OUT_OF_ORDER = 1024
"""Packets that arrived before others; aiortc sorts them for each packet."""

MAX_STREAMS = 64
"""Streams of a peer, each of which may be a data channel; clients have one or a few."""

WINDOW_SLACK = 64 * 1024
"""Bytes by which a peer may exceed its receive window: data that was in flight."""


class _TooMuch(Exception):
    """A peer sends more than it may."""


def limit_messages(pc: RTCPeerConnection, per_s: float, on_abuse: Callable[[str], None]) -> None:
    """Bound the messages that a peer sends over its data channels.

    aiortc stores any number of fragments, and fails on contradictory messages with an exception
    that is logged as its own error.

    Args:
        pc: The connection.
        per_s: Packets with data that the peer may send per second.
        on_abuse: Called once, with the reason; further data are ignored.
    """
    sctp: Any = pc.sctp
    handle, receive = sctp._handle_data, sctp._receive_data_chunk
    loop = asyncio.get_running_loop()
    rate = RateLimit(per_s)
    ended = False

    @guarded(None)  # on failure, the chunk is dropped, and retransmitted
    def too_much(chunk: Any) -> str:
        if rate.take(loop.time()):
            return "The client sends too many messages"
        if _holds_too_much(sctp, chunk):
            return "The client sends messages that it does not finish"
        return ""

    async def receive_data_chunk(chunk: Any) -> None:
        reason = too_much(chunk)
        if reason:
            raise _TooMuch(reason)
        if reason is not None:
            await receive(chunk)

    async def handle_data(data: bytes) -> None:
        nonlocal ended
        if ended:
            return
        try:
            await handle(data)
        except _TooMuch as error:
            ended = True
            on_abuse(str(error))
        except ConnectionError:  # the connection is closing
            raise
        except Exception as error:  # of aiortc; exceptions of listeners do not reach this
            ended = True
            logger.warning("A data channel failed; closing its connection", exc_info=error)
            on_abuse("The data channel failed")

    sctp._receive_data_chunk = receive_data_chunk
    sctp._handle_data = guarded_async(None, passes=(ConnectionError,))(handle_data)


def _holds_too_much(sctp: Any, chunk: Any) -> bool:
    stream = sctp._inbound_streams.get(chunk.stream_id)
    return (
        (stream is not None and len(stream.reassembly) > MAX_FRAGMENTS)
        or len(sctp._sack_misordered) > MAX_OUT_OF_ORDER
        or len(sctp._inbound_streams) > MAX_STREAMS
        or sctp._advertised_rwnd < -WINDOW_SLACK
    )
