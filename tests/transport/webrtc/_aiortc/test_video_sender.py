"""The encoder's bit rate follows the client's estimates and losses, but not with each packet."""

from __future__ import annotations

import asyncio
import types
from typing import Any

import pytest
from aiortc.codecs.vpx import DEFAULT_BITRATE, Vp8Encoder

from fastrtc.transport.webrtc._aiortc.video_sender import PATCH, follow_loss
from tests.support.patches import without
from tests.support.virtual_time import virtual_time


class Sender:
    """As aiortc's: sets the bit rate of an estimate at once."""

    _ssrc = 1234

    def __init__(self) -> None:
        self._RTCRtpSender__encoder: Any = Vp8Encoder()

    async def _handle_rtcp_packet(self, packet: Any) -> None:
        if hasattr(packet, "remb"):
            self._RTCRtpSender__encoder.target_bitrate = packet.remb

    async def estimate(self, bit_rate: int) -> int:
        await self._handle_rtcp_packet(types.SimpleNamespace(remb=bit_rate))
        return self._RTCRtpSender__encoder.target_bitrate

    async def report(self, loss: float, ssrc: int = 1234) -> int:
        about = types.SimpleNamespace(ssrc=ssrc, fraction_lost=round(256 * loss))
        await self._handle_rtcp_packet(types.SimpleNamespace(reports=[about]))
        return self._RTCRtpSender__encoder.target_bitrate


def sender() -> Sender:
    made = Sender()
    follow_loss(made)
    return made


@virtual_time
async def test_loss_lowers_it_and_an_estimate_bounds_it() -> None:
    one = sender()
    assert await one.estimate(1_000_000) == 1_000_000
    assert await one.report(0.25) == 875_000
    assert await one.report(0.25, ssrc=99) == 875_000
    assert await one.estimate(2_000_000) == 875_000
    assert await one.estimate(600_000) == 600_000


@virtual_time
async def test_it_rises_once_a_second_however_often_the_client_asks() -> None:
    one, changes, last = sender(), 0, DEFAULT_BITRATE
    for k in range(500):
        now = await one.estimate(1_500_000 if k % 2 else 250_000)
        changes += now != last
        last = now
        await asyncio.sleep(0.01)
    assert changes <= 12
    await asyncio.sleep(1)
    assert await one.estimate(1_400_000) == 1_400_000


@virtual_time
async def test_before_the_first_frame_there_is_nothing_to_adapt() -> None:
    one = sender()
    encoder, one._RTCRtpSender__encoder = one._RTCRtpSender__encoder, None
    await one._handle_rtcp_packet(types.SimpleNamespace(reports=[]))
    one._RTCRtpSender__encoder = encoder
    assert await one.report(0.25) == 0.875 * DEFAULT_BITRATE


async def test_without_the_patch_nothing_changes() -> None:
    one = Sender()
    with without(PATCH):
        follow_loss(one)
    assert "_handle_rtcp_packet" not in vars(one)


@virtual_time
async def test_a_failure_of_ours_costs_no_packet(caplog: pytest.LogCaptureFixture) -> None:
    one = sender()
    reports = [types.SimpleNamespace(ssrc=1234, fraction_lost="all")]
    await one._handle_rtcp_packet(types.SimpleNamespace(reports=reports))
    assert "TypeError" in caplog.text
    assert await one.report(0.25) == 0.875 * DEFAULT_BITRATE
