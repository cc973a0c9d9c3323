"""Media take the short way, and are counted and bounded on it as on the long one."""

from __future__ import annotations

import asyncio
import logging
import types
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import numpy as np
import pytest
from aiortc.rtcrtpreceiver import StreamStatistics
from aiortc.rtp import RtpPacket

from fastrtc import Stream
from fastrtc.transport.webrtc._aiortc import audio_sender, direct_packets
from fastrtc.transport.webrtc._aiortc.audio_packets import PacketTap
from fastrtc.transport.webrtc._aiortc.direct_packets import PATCH, _AudioStream, _DirectTransport
from fastrtc.transport.webrtc._aiortc.transports import dtls_transports
from tests.support.patches import without
from tests.support.peers import LOCAL, AudioSource, Client, VideoSource, eventually, tone
from tests.webrtc.handlers import AsyncAudioEcho, AsyncAudioVideoEcho

OPUS = 111


@asynccontextmanager
async def calling(video: bool = False) -> AsyncIterator[tuple[Client, Any]]:
    """A call, and its DTLS transport on the server."""
    handler = AsyncAudioVideoEcho() if video else AsyncAudioEcho()
    stream = Stream(
        handler,
        modality="audio-video" if video else "audio",
        mode="send-receive",
        server_rtc_configuration=LOCAL,
    )
    audio = AudioSource(np.tile(tone(1.0), 30))
    async with Client(stream, audio=audio, video=VideoSource() if video else None) as client:
        await eventually(lambda: len(client.loud()) > 10)
        (dtls,) = dtls_transports(stream.pcs[client.webrtc_id])
        yield client, dtls


@contextmanager
def queued(dtls: Any) -> Iterator[list[bytes]]:
    """What aioice queues."""
    connection, kept = dtls.transport._connection, []
    received = connection.data_received

    def data_received(data: bytes, component: int) -> None:
        kept.append(data)
        received(data, component)

    connection.data_received = data_received
    yield kept


def media(datagrams: list[bytes]) -> int:
    return sum(127 < data[0] < 192 for data in datagrams)


@pytest.mark.parametrize("video", [False, True], ids=["audio", "video"])
async def test_media_of_a_connected_peer_are_not_queued(video: bool) -> None:
    async with calling(video) as (client, dtls):
        with queued(dtls) as kept:
            heard, seen = len(client.loud()), len(client.video_frames)
            await eventually(lambda: len(client.loud()) > heard + 25)
            await eventually(lambda: not video or len(client.video_frames) > seen + 5)
        assert media(kept) == 0


async def test_without_the_patches_they_are_and_all_goes_on() -> None:
    with without(PATCH, audio_sender.PATCH):
        async with calling() as (client, dtls):
            with queued(dtls) as kept:
                heard = len(client.loud())
                await eventually(lambda: len(client.loud()) > heard + 25)
            assert media(kept) > 10


async def test_they_are_counted_as_aiortc_does() -> None:
    async with calling() as (client, dtls):
        receiver: Any = client.stream.pcs[client.webrtc_id].getReceivers()[0]

        async def counts() -> tuple[int, int]:
            stats = (await receiver.getStats()).values()
            inbound = next(s for s in stats if s.type == "inbound-rtp")
            transport = next(s for s in stats if s.type == "transport")
            assert inbound.packetsLost == 0
            return inbound.packetsReceived, transport.packetsReceived

        before, heard = await counts(), len(client.loud())
        await eventually(lambda: len(client.loud()) > heard + 25)
        after = await counts()
        (source,) = receiver.getSynchronizationSources()

        assert after[0] - before[0] >= 20 and after[1] - before[1] >= 20
        assert source.source == client.pc.getSenders()[0]._ssrc  # type: ignore[attr-defined]


async def test_packets_from_another_address_take_the_long_way() -> None:
    async with calling() as (client, dtls):
        connection: Any = dtls.transport._connection
        protocol = connection._nominated[1].protocol
        with queued(dtls) as kept:
            protocol.datagram_received(b"\x80\x6f" + bytes(40), ("192.0.2.1", 4000))
        assert media(kept) == 1
        heard = len(client.loud())
        await eventually(lambda: len(client.loud()) > heard + 5)


class Sink:
    def __init__(self) -> None:
        self.packets: list[tuple[int, int, int, bytes]] = []

    def push(self, *packet: Any) -> None:
        self.packets.append(packet)


class Audio:
    """An audio stream of a receiver that exists in this test only."""

    def __init__(self) -> None:
        self.sink, self.refused = Sink(), False
        self.statistics = StreamStatistics(48000)
        self.receiver: Any = types.SimpleNamespace(
            _enabled=True,
            _RTCRtpReceiver__codecs={OPUS: None},
            _RTCRtpReceiver__active_ssrc={},
            _RTCRtpReceiver__remote_streams={7: self.statistics},
            _RTCRtpReceiver__jitter_buffer=None,
        )
        tap = PacketTap(self.receiver, self.sink, pytest.fail)
        self.receiver._RTCRtpReceiver__jitter_buffer = tap
        self.stream = _AudioStream(self.receiver, 7, lambda ssrc, number: not self.refused)

    def take(self, data: bytes) -> bool:
        packet = RtpPacket.parse(data)
        return self.stream.take(data, packet.sequence_number, packet.timestamp, 1000.0)


def packet(**changes: Any) -> RtpPacket:
    made = RtpPacket(payload_type=OPUS, sequence_number=5, timestamp=960, ssrc=7, payload=b"opus")
    for name, value in changes.items():
        setattr(made, name, value)
    return made


def test_a_packet_of_audio_is_passed_on() -> None:
    audio = Audio()
    assert audio.take(packet().serialize())
    assert audio.sink.packets == [(5, 960, OPUS, b"opus")]
    assert audio.statistics.packets_received == 1
    assert list(audio.receiver._RTCRtpReceiver__active_ssrc) == [7]


def test_header_extensions_are_skipped() -> None:
    audio = Audio()
    data = packet().serialize()
    extension = b"\xbe\xde\x00\x02" + b"\x10\x30\x00\x00\x00\x00\x00\x00"
    assert audio.take(b"\x90" + data[1:12] + extension + data[12:])
    assert audio.sink.packets == [(5, 960, OPUS, b"opus")]


@pytest.mark.parametrize(
    "data",
    [
        packet(padding_size=4).serialize(),
        packet(csrc=[9]).serialize(),
        packet(payload_type=OPUS + 1).serialize(),
    ],
    ids=["padding", "contributing-source", "another-type"],
)
def test_unusual_packets_are_left_to_aiortc(data: bytes) -> None:
    audio = Audio()
    assert not audio.take(data)
    assert not audio.sink.packets and not audio.statistics.packets_received


@pytest.mark.parametrize("size", [13, 14, 15, 16, 19])
def test_a_truncated_header_extension_is_left_to_aiortc(size: int) -> None:
    audio = Audio()
    data = (b"\x90" + packet().serialize()[1:12] + b"\xbe\xde\x00\x01" + bytes(4))[:size]
    assert not audio.stream.take(data, 5, 960, 1000.0)
    assert not audio.sink.packets


def test_a_receiver_that_is_off_or_has_its_own_buffer_again_is_left_to_aiortc() -> None:
    audio = Audio()
    audio.receiver._enabled = False
    assert not audio.take(packet().serialize())
    audio.receiver._enabled, audio.receiver._RTCRtpReceiver__jitter_buffer = True, object()
    assert not audio.take(packet().serialize())
    assert not audio.sink.packets


def test_a_packet_beyond_the_bounds_of_the_receiver_is_dropped() -> None:
    audio = Audio()
    audio.refused = True
    assert audio.take(packet().serialize())
    assert not audio.sink.packets and not audio.statistics.packets_received


async def test_should_aiortc_ever_wait_all_packets_take_the_long_way(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def wait(*args: Any, **kwargs: Any) -> None:
        await asyncio.Event().wait()

    with caplog.at_level(logging.WARNING, direct_packets.__name__):
        async with calling() as (client, dtls):
            direct = _find(dtls)
            direct._run(wait())
            with queued(dtls) as kept:
                heard = len(client.loud())
                await eventually(lambda: len(client.loud()) > heard + 10)
            assert media(kept) > 5
    assert "aiortc waits while it processes a packet" in caplog.text


def _find(dtls: Any) -> _DirectTransport:
    (protocol, *_) = dtls.transport._connection._protocols
    cells = {type(c.cell_contents): c.cell_contents for c in protocol.datagram_received.__closure__}
    direct: _DirectTransport = cells[_DirectTransport]
    return direct
