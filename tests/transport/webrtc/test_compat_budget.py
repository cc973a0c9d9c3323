import asyncio
import types
from typing import Any

import pytest
from aiortc import RTCConfiguration, RTCPeerConnection
from aiortc.rtp import RtpPacket

from fastrtc.transport.webrtc import _compat_budget
from fastrtc.transport.webrtc._compat import ice_connections
from fastrtc.transport.webrtc._compat_budget import (
    MAX_GAP,
    RETRANSMISSIONS_AHEAD,
    _limit_receiver,
    _limit_sender,
    _NackGenerator,
)


async def test_the_names_that_are_used_of_aiortc_and_aioice_are_there() -> None:
    """Where one is missing, a bound is."""
    pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    transceiver = pc.addTransceiver("video")
    pc.createDataChannel("text")
    (connection, *_) = ice_connections(pc)
    transport = transceiver.receiver.transport
    names = {
        connection: (
            "request_received respond_error check_incoming check_start check_state switch_role "
            "gather_candidates data_received _remote_candidates _check_list _nominated _protocols "
            "_queue"
        ),
        transport: "_handle_rtp_data _handle_rtcp_data",
        transport.transport: "_recv _connection",
        transceiver.receiver: (
            "_handle_rtp_packet _run_rtcp _RTCRtpReceiver__nack_generator "
            "_RTCRtpReceiver__rtcp_exited"
        ),
        transceiver.sender: (
            "_retransmit _send_keyframe _handle_rtcp_packet _RTCRtpSender__packet_count"
        ),
        pc.sctp: (
            "_handle_data _receive_sack_chunk _receive_forward_tsn_chunk _sent_queue "
            "_inbound_streams _sack_misordered"
        ),
    }
    missing = [name for owner in names for name in names[owner].split() if not hasattr(owner, name)]
    assert not missing
    await pc.close()


class Sender:
    def __init__(self) -> None:
        self._RTCRtpSender__packet_count = 0
        self.again: list[int] = []
        self.key_frames = 0

    async def _retransmit(self, sequence_number: int) -> None:
        self.again.append(sequence_number)

    def _send_keyframe(self) -> None:
        self.key_frames += 1

    async def _handle_rtcp_packet(self, packet: Any) -> None:
        for number in packet.lost:
            await self._retransmit(number)


@pytest.fixture
async def sender() -> Any:
    made = Sender()
    _limit_sender(made)
    return made


async def test_no_more_is_sent_again_than_was_sent(sender: Any) -> None:
    for k in range(1000):
        await sender._retransmit(k)
    assert len(sender.again) == RETRANSMISSIONS_AHEAD
    sender._RTCRtpSender__packet_count += 50
    for k in range(1000):
        await sender._retransmit(k)
    assert len(sender.again) == RETRANSMISSIONS_AHEAD + 50


async def test_when_half_is_lost_all_is_sent_again(sender: Any) -> None:
    for k in range(2000):
        sender._RTCRtpSender__packet_count += 1
        await sender._retransmit(k)
    assert len(sender.again) == 2000


async def test_a_packet_is_sent_once_however_often_a_report_has_it(sender: Any) -> None:
    await sender._handle_rtcp_packet(types.SimpleNamespace(lost=[5, 6, 5, 6, 7] * 100))
    assert sender.again == [5, 6, 7]


async def test_key_frames_are_made_now_and_then(
    sender: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = 0.0
    monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: clock)
    for k in range(1000):
        clock = k / 100
        sender._send_keyframe()
    assert sender.key_frames == pytest.approx(10 / _compat_budget.KEY_FRAME_EVERY_S, abs=3)


@pytest.mark.parametrize(("ahead", "asked"), [(1, 0), (2, 1), (MAX_GAP, MAX_GAP - 1)])
def test_few_missing_packets_are_asked_for(ahead: int, asked: int) -> None:
    generator = _NackGenerator()
    generator.add(RtpPacket(sequence_number=65500))
    assert generator.add(RtpPacket(sequence_number=(65500 + ahead) & 0xFFFF)) is (asked > 0)
    assert len(generator.missing) == asked


@pytest.mark.parametrize("ahead", [MAX_GAP + 1, 1000, 0x7FFF])
def test_after_a_jump_nothing_is_asked_for_but_what_is_missing_then(ahead: int) -> None:
    generator = _NackGenerator()
    generator.add(RtpPacket(sequence_number=10))
    generator.add(RtpPacket(sequence_number=12))
    assert not generator.add(RtpPacket(sequence_number=12 + ahead))
    assert not generator.missing
    assert generator.add(RtpPacket(sequence_number=(14 + ahead) & 0xFFFF))
    assert generator.missing == {13 + ahead}


class Receiver:
    def __init__(self) -> None:
        self._RTCRtpReceiver__rtcp_exited = asyncio.Event()
        self.packets: list[int] = []

    async def _run_rtcp(self) -> None:
        raise OverflowError("a jitter of 33 bits")

    async def _handle_rtp_packet(self, packet: Any, arrival_time_ms: int) -> None:
        self.packets.append(packet.sequence_number)


async def test_reports_that_cannot_be_made_let_the_receiver_be_stopped() -> None:
    receiver: Any = Receiver()
    _limit_receiver(receiver)
    await receiver._run_rtcp()
    assert receiver._RTCRtpReceiver__rtcp_exited.is_set()


async def test_packets_after_too_many_jumps_are_left_out_and_those_in_order_are_not() -> None:
    receiver: Any = Receiver()
    _limit_receiver(receiver)
    for k in range(1000):
        await receiver._handle_rtp_packet(RtpPacket(sequence_number=k * 9999 & 0xFFFF), 0)
    assert 20 < len(receiver.packets) < 50
    last = receiver.packets[-1]
    for k in range(1, 301):
        await receiver._handle_rtp_packet(RtpPacket(sequence_number=(last + k) & 0xFFFF), 0)
    assert receiver.packets[-1] == (last + 300) & 0xFFFF
