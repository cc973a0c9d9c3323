"""Bounds on the work that RTP packets cause in a receiver."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from ....core.limits import RateLimit
from ....core.log_throttle import LogThrottle
from .patch import Patch

__all__ = ["MAX_GAP", "PATCH", "limit_receiver"]

logger = logging.getLogger(__name__)

_NACK_GENERATOR = "_RTCRtpReceiver__nack_generator"
_RTCP_EXITED = "_RTCRtpReceiver__rtcp_exited"

PATCH = Patch(
    name="RTP receiver",
    target="RTCRtpReceiver",
    seen="aiortc 1.15 and 1.16",
    needs=(
        "RTCRtpReceiver()._handle_rtp_packet",
        "RTCRtpReceiver()._run_rtcp",
        f"RTCRtpReceiver().{_RTCP_EXITED}.set",
        f"RTCRtpReceiver().{_NACK_GENERATOR}.add",
        f"RTCRtpReceiver().{_NACK_GENERATOR}.missing.clear",
        f"RTCRtpReceiver().{_NACK_GENERATOR}.max_seq",
    ),
    lost="a client can block the event loop with jumps of sequence numbers, and keep its "
    "connection from closing",
    upstream="upstream.md#smaller-proposals",
    delete_when="aiortc does not iterate over gaps that it cannot fill, and ends its RTCP task "
    "after any exception",
    is_bound=True,
)

MAX_GAP = 128
"""Missing RTP packets per gap that are requested again (aiortc's ``RTP_HISTORY_SIZE``): of a larger
gap, no sender still has the first ones."""

JUMPS_PER_S, JUMPS_BURST_S = 5.0, 5.0
"""Jumps of more than ``MAX_GAP`` sequence numbers per second, and how many seconds' worth a peer
may use at once. A network outage causes one; aiortc clears its buffer of 512 for each."""

_failures = LogThrottle()


class _NackGenerator:
    """A NACK generator that does not iterate over a jump of sequence numbers, which is up to 32767.

    Args:
        original: The generator of aiortc.
    """

    def __init__(self, original: Any) -> None:
        self._original = original

    @property
    def missing(self) -> Any:
        """The sequence numbers of missing packets."""
        return self._original.missing

    def add(self, packet: Any) -> Any:
        """Record a packet; return whether packets before it are missing."""
        original = self._original
        if original.max_seq is not None:
            ahead = (packet.sequence_number - original.max_seq) & 0xFFFF
            if MAX_GAP < ahead < 0x8000:
                original.missing.clear()
                original.max_seq = packet.sequence_number
                return False
        return original.add(packet)


def limit_receiver(receiver: Any) -> Callable[[int, int], bool]:
    """Bound what packets cost a receiver, and make its RTCP task end after any exception.

    Returns:
        A function of the stream and sequence number of a packet that returns whether the receiver
        may process it.
    """
    nack_generator = getattr(receiver, _NACK_GENERATOR)
    if nack_generator is not None:  # None for audio
        setattr(receiver, _NACK_GENERATOR, _NackGenerator(nack_generator))
    admits = _limit_jumps(receiver)
    run, exited = receiver._run_rtcp, getattr(receiver, _RTCP_EXITED)

    async def run_rtcp() -> None:
        """Send reports, and always set the event that stop() waits for."""
        try:
            await run()
        except Exception:  # e.g. a jitter of more than 32 bits from invalid timestamps
            _failures.log(logger.debug, "RTCP reports have ended", exc_info=True)
        finally:
            exited.set()

    receiver._run_rtcp = run_rtcp
    return admits


def _limit_jumps(receiver: Any) -> Callable[[int, int], bool]:
    handle = receiver._handle_rtp_packet
    loop = asyncio.get_running_loop()
    rate = RateLimit(JUMPS_PER_S, JUMPS_BURST_S)
    last: dict[int, int] = {}  # sequence number by stream, of which there are few

    def admits(ssrc: int, number: int) -> bool:
        ahead = (number - last.get(ssrc, number)) & 0xFFFF
        if MAX_GAP < ahead < 0x10000 - MAX_GAP and not rate.allows(loop.time()):
            return False
        last[ssrc] = number
        return True

    async def handle_rtp_packet(packet: Any, arrival_time_ms: int) -> None:
        if admits(packet.ssrc, packet.sequence_number):
            await handle(packet, arrival_time_ms=arrival_time_ms)

    receiver._handle_rtp_packet = handle_rtp_packet
    return admits
