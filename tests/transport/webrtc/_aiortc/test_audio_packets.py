from __future__ import annotations

from typing import Any

from aiortc import RTCConfiguration, RTCPeerConnection
from aiortc.rtp import RtpPacket

from fastrtc.transport.webrtc._aiortc.audio_packets import take_packets

JITTER_BUFFER = "_RTCRtpReceiver__jitter_buffer"


class Sink:
    def __init__(self) -> None:
        self.packets: list[tuple[int, int, int, bytes]] = []

    def push(self, *packet: Any) -> None:
        self.packets.append(packet)


async def test_packets_of_a_receiver_are_taken():
    pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    receiver = pc.addTransceiver("audio").receiver
    sink = Sink()
    assert take_packets(receiver, sink)
    packet = RtpPacket(payload_type=96, sequence_number=7, timestamp=960, payload=b"opus")
    packet._data = b"opus"  # as the receiver does, after it has removed the padding
    assert getattr(receiver, JITTER_BUFFER).add(packet) == (False, None)
    assert sink.packets == [(7, 960, 96, b"opus")]
    await pc.close()
