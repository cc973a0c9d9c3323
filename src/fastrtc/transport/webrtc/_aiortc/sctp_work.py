"""Bounds on the work that the chunks of SCTP packets cause."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from ....core.limits import RateLimit
from ..guard import guarded
from ..packet_budget import (
    DATA,
    FORWARD_TSN,
    SACK,
    MalformedPacket,
    Persistence,
    SctpChunk,
    clip_gaps,
    sctp_chunks,
)
from .abuse import Abuse
from .patch import Patch
from .sctp_messages import MAX_STREAMS

__all__ = ["PATCH", "limit_sctp"]

PATCH = Patch(
    name="SCTP work",
    target="RTCSctpTransport",
    seen="aiortc 1.15 and 1.16",
    needs=(
        "RTCSctpTransport()._handle_data",
        "RTCSctpTransport()._receive_sack_chunk",
        "RTCSctpTransport()._receive_forward_tsn_chunk",
        "RTCSctpTransport()._sent_queue",
        "RTCSctpTransport()._inbound_streams",
        "RTCSctpTransport()._sack_misordered",
        "InboundStream().reassembly",
    ),
    lost="a client can block the event loop with short chunks that are expensive to process",
    upstream="upstream.md#smaller-proposals",
    delete_when="the cost of aiortc's SCTP depends on the length of packets only",
    is_bound=True,
)

SCTP_BURST_S = 2.0
"""How many seconds' worth of SCTP a peer may send at once."""

SCTP_WORK_PER_MESSAGE = 4.0
"""Units of work for SCTP per second, for each message that a peer may send. A unit, some 50
microseconds, is a SACK, or an iteration over 64 chunks; answering a control chunk is 4."""

MALFORMED_WORK = 50.0
"""Units that a malformed SCTP packet counts as."""


def limit_sctp(sctp: Any, messages_per_s: float, abuse: Abuse) -> None:
    """Bound the cost of a peer's chunks.

    Args:
        sctp: The ``RTCSctpTransport``.
        messages_per_s: Messages that the peer may send per second.
        abuse: Ends the connection.
    """
    handle, receive_sack = sctp._handle_data, sctp._receive_sack_chunk
    receive_forward_tsn = sctp._receive_forward_tsn_chunk
    loop = asyncio.get_running_loop()
    rate = RateLimit(SCTP_WORK_PER_MESSAGE * messages_per_s, SCTP_BURST_S)
    persistence = Persistence()

    @guarded(False)
    def admits(data: bytes) -> bool:
        try:
            work, malformed = sum(_work(sctp, chunk) for chunk in sctp_chunks(data)), False
        except MalformedPacket:
            work, malformed = MALFORMED_WORK, True
        now = loop.time()
        if rate.allows(now, work):
            return not malformed
        if persistence.persists(now):
            abuse("The client sends too much over its data channels")
        return False

    @guarded(())
    def clip(chunk: Any) -> Sequence[tuple[int, int]]:
        sent = sctp._sent_queue
        ahead = (sent[-1].tsn - chunk.cumulative_tsn) & 0xFFFFFFFF if sent else 0
        return clip_gaps(chunk.gaps, ahead if ahead < 1 << 31 else 0)

    async def handle_data(data: bytes) -> None:
        if not abuse.ended and admits(data):
            await handle(data)

    async def receive_sack_chunk(chunk: Any) -> None:
        chunk.gaps = list(clip(chunk))
        await receive_sack(chunk)

    async def receive_forward_tsn_chunk(chunk: Any) -> None:
        streams = dict(chunk.streams)
        if len(streams.keys() | sctp._inbound_streams.keys()) > MAX_STREAMS:
            abuse("The client uses too many data channels")
            return
        chunk.streams = list(streams.items())
        await receive_forward_tsn(chunk)

    sctp._handle_data = handle_data
    sctp._receive_sack_chunk = receive_sack_chunk
    sctp._receive_forward_tsn_chunk = receive_forward_tsn_chunk


def _work(sctp: Any, chunk: SctpChunk) -> float:
    """Return the cost of a chunk in units; DATA chunks themselves are counted as messages."""
    if chunk.type == DATA:
        stream = sctp._inbound_streams.get(chunk.stream)
        waiting = len(sctp._sack_misordered) + (len(stream.reassembly) if stream else 0)
        return waiting / 64
    if chunk.type == SACK:
        return 1 + chunk.items / 16 + len(sctp._sent_queue) / 64
    if chunk.type == FORWARD_TSN:
        return 1 + chunk.items / 4 + len(sctp._inbound_streams) / 8
    return 4.0 + chunk.items
