import asyncio
import types
from typing import Any

import pytest

from fastrtc.transport.webrtc._aiortc.rtp_sender import (
    KEY_FRAME_EVERY_S,
    RETRANSMISSIONS_AHEAD,
    limit_sender,
)


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
    limit_sender(made)
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
    assert sender.key_frames == pytest.approx(10 / KEY_FRAME_EVERY_S, abs=3)
