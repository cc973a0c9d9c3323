"""Video that is sent follows what the client reports: key frames when asked for, and bit rate."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
from aiortc.codecs.vpx import VpxPayloadDescriptor

from fastrtc import Stream
from tests.support.peers import LOCAL, Client, VideoSource, eventually


class Watching(Client):
    """Notes the key frames of VP8, and may lose packets."""

    loses = False

    async def take(self, answer: dict[str, Any]) -> None:
        await super().take(answer)
        self.key_frames: list[float] = []
        self.receiver: Any = self.pc.getReceivers()[0]
        handle = self.receiver._handle_rtp_packet

        async def watch(packet: Any, arrival_time_ms: int) -> None:
            if self.loses and packet.sequence_number % 3 == 0:
                return
            descriptor, data = VpxPayloadDescriptor.parse(packet.payload)
            self.ssrc = packet.ssrc
            if descriptor.partition_start and not data[0] & 1:  # RFC 6386 section 9.1
                self.key_frames.append(asyncio.get_running_loop().time())
            await handle(packet, arrival_time_ms)

        self.receiver._handle_rtp_packet = watch


def moving(frame: np.ndarray) -> np.ndarray:
    """A picture that needs bits: noise that is never the same."""
    return np.random.default_rng().integers(0, 256, frame.shape, np.uint8)


async def test_a_key_frame_is_sent_as_soon_as_the_client_asks() -> None:
    stream = Stream(moving, server_rtc_configuration=LOCAL)
    async with Watching(stream, video=VideoSource(fps=30)) as client:
        await eventually(lambda: len(client.video_frames) >= 10)
        await asyncio.sleep(0.4)  # the first key frames
        took = []
        for _ in range(3):
            before, asked = len(client.key_frames), asyncio.get_running_loop().time()
            await client.receiver._send_rtcp_pli(client.ssrc)
            await eventually(lambda before=before: len(client.key_frames) > before)
            took.append(client.key_frames[-1] - asked)
            await asyncio.sleep(0.4)
        assert min(took) < 1.0, "the next frame, not some later one"


async def test_the_bit_rate_falls_while_the_client_loses_packets() -> None:
    stream = Stream(moving, server_rtc_configuration=LOCAL)
    async with Watching(stream, video=VideoSource(fps=30)) as client:
        await eventually(lambda: len(client.video_frames) >= 10)
        (sender,) = stream.pcs[client.webrtc_id].getSenders()
        encoder: Any = sender._RTCRtpSender__encoder
        at_first = encoder.target_bitrate
        client.loses = True
        await eventually(lambda: encoder.target_bitrate < 0.8 * at_first)
        client.loses = False
        lowest = encoder.target_bitrate
        await eventually(lambda: encoder.target_bitrate > lowest)
