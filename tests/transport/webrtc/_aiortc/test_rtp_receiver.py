import asyncio
from typing import Any

import pytest
from aiortc.rtcrtpreceiver import NackGenerator
from aiortc.rtp import RtpPacket

from fastrtc.transport.webrtc._aiortc.rtp_receiver import MAX_GAP, _NackGenerator, limit_receiver


@pytest.mark.parametrize(("ahead", "asked"), [(1, 0), (2, 1), (MAX_GAP, MAX_GAP - 1)])
def test_few_missing_packets_are_asked_for(ahead: int, asked: int) -> None:
    generator = _NackGenerator(NackGenerator())
    generator.add(RtpPacket(sequence_number=65500))
    assert generator.add(RtpPacket(sequence_number=(65500 + ahead) & 0xFFFF)) is (asked > 0)
    assert len(generator.missing) == asked


@pytest.mark.parametrize("ahead", [MAX_GAP + 1, 1000, 0x7FFF])
def test_after_a_jump_nothing_is_asked_for_but_what_is_missing_then(ahead: int) -> None:
    generator = _NackGenerator(NackGenerator())
    generator.add(RtpPacket(sequence_number=10))
    generator.add(RtpPacket(sequence_number=12))
    assert not generator.add(RtpPacket(sequence_number=12 + ahead))
    assert not generator.missing
    assert generator.add(RtpPacket(sequence_number=(14 + ahead) & 0xFFFF))
    assert generator.missing == {13 + ahead}


class Receiver:
    def __init__(self) -> None:
        self._RTCRtpReceiver__rtcp_exited = asyncio.Event()
        self._RTCRtpReceiver__nack_generator = None
        self.packets: list[int] = []

    async def _run_rtcp(self) -> None:
        raise OverflowError("a jitter of 33 bits")

    async def _handle_rtp_packet(self, packet: Any, arrival_time_ms: int) -> None:
        self.packets.append(packet.sequence_number)


async def test_reports_that_cannot_be_made_let_the_receiver_be_stopped() -> None:
    receiver: Any = Receiver()
    limit_receiver(receiver)
    await receiver._run_rtcp()
    assert receiver._RTCRtpReceiver__rtcp_exited.is_set()


async def test_packets_after_too_many_jumps_are_left_out_and_those_in_order_are_not() -> None:
    receiver: Any = Receiver()
    limit_receiver(receiver)
    for k in range(1000):
        await receiver._handle_rtp_packet(RtpPacket(sequence_number=k * 9999 & 0xFFFF), 0)
    assert 20 < len(receiver.packets) < 50
    last = receiver.packets[-1]
    for k in range(1, 301):
        await receiver._handle_rtp_packet(RtpPacket(sequence_number=(last + k) & 0xFFFF), 0)
    assert receiver.packets[-1] == (last + 300) & 0xFFFF
