"""Bounds on the RTP streams of a peer, and on packets that aiortc cannot parse."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any, NamedTuple

from ....core.log_throttle import LogThrottle
from ..guard import guarded
from ..ice_targets import SendAllowance
from ..packet_budget import PacketBudget, Persistence
from .abuse import Abuse
from .patch import Patch

__all__ = ["PATCH", "StreamBounds", "limit_streams"]

logger = logging.getLogger(__name__)

PATCH = Patch(
    name="RTP streams",
    target="RTCDtlsTransport",
    seen="aiortc 1.15 and 1.16",
    needs=(
        "RTCIceTransport()._recv",
        "RTCDtlsTransport()._handle_rtp_data",
        "RTCDtlsTransport()._handle_rtcp_data",
    ),
    lost="a client can make the server store any number of RTP streams",
    upstream="upstream.md#smaller-proposals",
    delete_when="aiortc bounds the streams of a peer, and drops packets that it cannot parse",
    is_bound=True,
)

_failures = LogThrottle()


class StreamBounds(NamedTuple):
    """The bounds of a DTLS transport, for code that processes its packets in place of aiortc.

    Attributes:
        budget: Its packets. Before one is authenticated, ``has_room_for`` must return true.
        allowance: Earned by authentic packets: ``earn_for_checks``.
        drop: To be called for each packet that is of no use.
    """

    budget: PacketBudget
    allowance: SendAllowance
    drop: Callable[[], None]


def limit_streams(
    transport: Any, budget: PacketBudget, allowance: SendAllowance, abuse: Abuse
) -> StreamBounds:
    """Bound the RTP streams of a peer, and survive packets that aiortc cannot parse."""
    ice = transport.transport
    receive = ice._recv
    handle_rtp, handle_rtcp = transport._handle_rtp_data, transport._handle_rtcp_data
    loop = asyncio.get_running_loop()
    persistence = Persistence()

    def drop() -> None:
        if persistence.persists(loop.time()):
            abuse("The client sends too many packets that are of no use")

    @guarded(False)
    def has_room(data: bytes) -> bool:
        if budget.has_room_for(data):
            return True
        drop()
        return False

    @guarded(None)
    def note(data: bytes) -> None:
        budget.note_stream(data)
        allowance.earn_for_checks(len(data))

    async def receive_next() -> bytes:
        while not has_room(data := await receive()):
            pass
        datagram: bytes = data
        return datagram

    async def handle_rtp_data(data: bytes, arrival_time_ms: int) -> None:
        note(data)
        try:
            await handle_rtp(data, arrival_time_ms=arrival_time_ms)
        except ConnectionError:
            raise
        except Exception:
            _failures.log(logger.warning, "An RTP packet could not be processed", exc_info=True)
            drop()

    async def handle_rtcp_data(data: bytes) -> None:
        note(data)
        try:
            await handle_rtcp(data)
        except ConnectionError:
            raise
        except Exception:
            _failures.log(logger.warning, "An RTCP packet could not be processed", exc_info=True)
            drop()

    ice._recv = receive_next
    transport._handle_rtp_data = handle_rtp_data
    transport._handle_rtcp_data = handle_rtcp_data
    return StreamBounds(budget, allowance, drop)
