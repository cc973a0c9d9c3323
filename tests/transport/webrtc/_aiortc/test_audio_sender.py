"""Encoded audio leaves as aiortc would send it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from aiortc.rtp import HeaderExtensionsMap, RtpPacket

from fastrtc import Stream
from fastrtc.transport.webrtc._aiortc.audio_sender import PATCH
from tests.support.patches import without
from tests.support.peers import LOCAL, AudioSource, Client, eventually, tone
from tests.webrtc.handlers import AsyncAudioEcho


@asynccontextmanager
async def calling() -> AsyncIterator[tuple[Client, Any]]:
    """A call, and the sender of the server."""
    stream = Stream(
        AsyncAudioEcho(), modality="audio", mode="send-receive", server_rtc_configuration=LOCAL
    )
    async with Client(stream, audio=AudioSource(np.tile(tone(1.0), 30))) as client:
        await eventually(lambda: len(client.loud()) > 10)
        yield client, stream.pcs[client.webrtc_id].getSenders()[0]


def sent_by(sender: Any) -> list[bytes]:
    """The packets that a sender sends from now on, before their encryption."""
    transport, kept = sender.transport, []
    send = transport._send_rtp

    async def keep(data: bytes) -> None:
        kept.append(data)
        await send(data)

    transport._send_rtp = keep
    return kept


def is_rtp(data: bytes) -> bool:
    return not 191 < data[1] < 224


def sent_with_times(sender: Any) -> list[tuple[bytes, int]]:
    """The audio packets that a sender sends from now on, with the time of the frame in each."""
    transport, kept = sender.transport, []
    outbound = sender.track._live().audio_out
    next_frame, send = outbound.frame, transport._send_rtp
    times: list[int] = []

    async def frame() -> Any:
        following = await next_frame()
        times.append(following.pts)
        return following

    async def keep(data: bytes) -> None:
        if is_rtp(data) and times:
            kept.append((data, times[-1]))
        await send(data)

    outbound.frame, transport._send_rtp = frame, keep
    return kept


@pytest.mark.parametrize("ours", [True, False], ids=["ours", "aiortc"])
async def test_packets_are_the_same_as_those_of_aiortc(ours: bool) -> None:
    """Their times are those of the frames, which are more than 20 ms apart after a stall."""
    with without(*([] if ours else [PATCH])):
        async with calling() as (_, sender):
            kept = sent_with_times(sender)
            await eventually(lambda: len(kept) > 10)
            history = sender._RTCRtpSender__rtp_history.values()
            assert (type(next(iter(history))) is RtpPacket) is not ours
    packets = [RtpPacket.parse(data, HeaderExtensionsMap()) for data, _ in kept]
    times = [time for _, time in kept]
    assert all(later - time >= 960 for time, later in pairwise(times)), times
    origins = {(p.timestamp - time) & 0xFFFFFFFF for p, time in zip(packets, times, strict=True)}
    assert len(origins) == 1, origins
    steps = {(b.sequence_number - a.sequence_number) & 0xFFFF for a, b in pairwise(packets)}
    assert steps == {1}
    assert {(p.marker, p.payload_type, p.ssrc) for p in packets} == {(1, 96, sender._ssrc)}
    assert all(data[0] == 0x90 and data[12:14] == b"\xbe\xde" for data, _ in kept)
    ids = {data[16] for data, _ in kept}
    assert ids == {0x10}, "the mid, of one character"


async def test_statistics_and_reports_count_them() -> None:
    async with calling() as (client, sender):
        kept = sent_by(sender)
        await eventually(lambda: any(data[1] == 200 for data in kept))  # a sender report
        stats = (await sender.getStats()).values()
        outbound = next(s for s in stats if s.type == "outbound-rtp")
        assert outbound.packetsSent >= len(client.loud())
        assert outbound.bytesSent > 20 * outbound.packetsSent


async def test_a_lost_packet_is_sent_again() -> None:
    async with calling() as (_, sender):
        kept = sent_by(sender)
        await eventually(lambda: any(map(is_rtp, kept)))
        first = next(filter(is_rtp, kept))
        await sender._retransmit(RtpPacket.parse(first).sequence_number)
        assert kept.count(first) == 2


async def test_other_tracks_continue_the_numbers_and_times() -> None:
    """Otherwise, SRTP would reject their packets if the numbers jumped back."""
    async with calling() as (client, sender):
        kept = sent_by(sender)
        ours = sender.track
        others = AudioSource(np.tile(tone(1.0, frequency=1000), 30))
        for track in (others, None, ours):
            await eventually(lambda: any(map(is_rtp, kept)))
            sent = len(kept)
            sender.replaceTrack(track)
            if track is not None:
                await eventually(lambda n=sent: len(kept) > n + 20)
        heard = len(client.loud())
        await eventually(lambda: len(client.loud()) > heard + 10)
    packets = [RtpPacket.parse(data, HeaderExtensionsMap()) for data in filter(is_rtp, kept)]
    for one, two in zip(packets, packets[1:], strict=False):
        assert (two.sequence_number - one.sequence_number) & 0xFFFF == 1
        assert 0 < (two.timestamp - one.timestamp) & 0xFFFFFFFF < 48_000
    assert [packet.ssrc for packet in packets] == [sender._ssrc] * len(packets)


async def test_the_track_is_stopped_at_the_end() -> None:
    async with calling() as (_, sender):
        track = sender._RTCRtpSender__track
        assert track.readyState == "live"
    assert track.readyState == "ended"
    assert sender._RTCRtpSender__track is None
    assert sender._RTCRtpSender__rtp_exited.is_set()
