"""Opus in-band FEC with a peer that loses packets: both ends send it, and hear from it."""

from __future__ import annotations

import re
from typing import Any

import av
import numpy as np
import pytest

from fastrtc import Stream
from fastrtc.audio.libopus import FIRST_CELT
from fastrtc.transport.webrtc import expected_loss
from fastrtc.transport.webrtc.opus import OpusEncoder, make_decoder
from tests.support.peers import LOCAL, AudioSource, Client, eventually, tone
from tests.support.speech import speech
from tests.webrtc.handlers import AsyncAudioEcho

FRAME = 960
EVERY = 5  # of them, one is lost


class Protected(AudioSource):
    """Sends speech in packets with FEC, as a browser does that was told of loss."""

    def __init__(self) -> None:
        super().__init__(then_nothing=True)
        samples = speech("The quick brown fox jumps over the lazy dog, and then it sleeps.")
        encoder = OpusEncoder(1)
        encoder.expect_loss(20)
        frames = range(0, samples.size - FRAME, FRAME)
        self.packets = [encoder.encode(samples[np.newaxis, k : k + FRAME], k) for k in frames]
        self.samples = samples[: len(self.packets) * FRAME]

    async def recv(self) -> av.Packet:  # type: ignore[override]
        await super().recv()
        return self.packets[self.sent // FRAME - 1]


class Losing(Client):
    """Asks for FEC, as browsers do, and loses packets on their way in and out."""

    loses_in = loses_out = False

    async def offer(self, *, trickle: bool = False) -> dict[str, Any]:
        body = await super().offer(trickle=trickle)
        payload_type = re.search(r"a=rtpmap:(\d+) opus/", body["sdp"])[1]  # type: ignore[index]
        line = f"a=fmtp:{payload_type} minptime=10;useinbandfec=1\r\n"
        sdp = re.sub(r"(?<=\r\n)(?=a=rtcp-fb|a=setup)", line, body["sdp"], count=1)
        return {**body, "sdp": sdp}

    async def take(self, answer: dict[str, Any]) -> None:
        await super().take(answer)
        self.payloads: list[bytes] = []
        receiver: Any = self.pc.getReceivers()[0]
        transport: Any = receiver.transport
        handle, send = receiver._handle_rtp_packet, transport._send_rtp

        async def handle_rtp_packet(packet: Any, arrival_time_ms: int) -> None:
            if not (self.loses_in and packet.sequence_number % EVERY == 0):
                self.payloads.append(packet.payload)
                await handle(packet, arrival_time_ms)

        async def send_rtp(data: bytes) -> None:
            number = int.from_bytes(data[2:4], "big")
            is_media = data[1] & 0x7F < 64 or data[1] & 0x7F >= 96  # RFC 5761 section 4
            if not (self.loses_out and is_media and number % EVERY == 0):
                await send(data)

        receiver._handle_rtp_packet, transport._send_rtp = handle_rtp_packet, send_rtp


@pytest.mark.external("espeak-ng")
async def test_the_handler_hears_lost_packets_from_the_copies_that_the_client_sends() -> None:
    handler = AsyncAudioEcho(input_sample_rate=48000)
    stream = Stream(handler, modality="audio", mode="send", server_rtc_configuration=LOCAL)
    source = Protected()
    decoder = make_decoder(1)
    clean = np.concatenate([decoder.decode(bytes(p)) for p in source.packets], axis=1)[0]
    async with Losing(stream, audio=source) as client:
        assert re.search(r"a=fmtp:\d+ .*useinbandfec=1", client.response["sdp"])
        heard = stream.handlers[client.webrtc_id].samples
        await eventually(lambda: heard().size >= 20 * FRAME)
        client.loses_out = True
        await eventually(lambda: heard().size >= clean.size - 2 * FRAME)
    samples = heard()[: clean.size].astype(float)
    wrong = np.linalg.norm(samples - clean[: samples.size]) / np.linalg.norm(clean)
    assert 0 < wrong < 0.2  # 0.08; 0.48 if the decoder conceals without copies


async def test_the_client_is_sent_copies_while_it_reports_loss(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(expected_loss, "BACK_OFF", 0.0)
    stream = Stream(AsyncAudioEcho(), modality="audio", server_rtc_configuration=LOCAL)
    async with Losing(stream, audio=AudioSource(tone(60.0))) as client:

        def in_speech_mode() -> list[bool]:
            """Of the latest packets; only these modes have FEC."""
            return [payload[0] < FIRST_CELT for payload in client.payloads[-5:]]

        await eventually(lambda: len(client.payloads) > 20)
        assert in_speech_mode() == [False] * 5
        client.loses_in = True
        await eventually(lambda: in_speech_mode() == [True] * 5)
        client.loses_in = False
        await eventually(lambda: in_speech_mode() == [False] * 5)
