"""What a connected peer sends over UDP: each kind costs the server little, and nobody else audio.

The packets are made beforehand, by a real peer with its keys, and handed to the socket of the
server: so what is measured is the server's own.
"""

import asyncio
import contextlib
import itertools
import os
import struct
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from fractions import Fraction
from typing import Any

import av
import numpy as np
import pytest
from aioice import stun
from aiortc import MediaStreamTrack
from aiortc.rtcsctptransport import (
    Chunk,
    ForwardTsnChunk,
    ReconfigChunk,
    SackChunk,
    serialize_packet,
)
from aiortc.rtp import RtcpByePacket, RtcpPsfbPacket, RtcpRrPacket, RtpPacket

from fastrtc import Limits, Stream
from fastrtc.core.limits import RateLimit
from fastrtc.transport.webrtc import packet_budget
from fastrtc.transport.webrtc._aiortc import rtp_sender, video_sender
from fastrtc.transport.webrtc._aiortc.transports import ice_connections
from tests.abuse.test_codecs import Encoded
from tests.support.bystander import GAP_S, MEMORY, Bystander, assert_little, bystander
from tests.support.connections import connections_of
from tests.support.peers import (
    LOCAL,
    AudioSource,
    Client,
    Network,
    VideoSource,
    eventually,
    shape_network,
    tone,
)
from tests.support.stalls import again_after_a_stall
from tests.webrtc.handlers import AsyncAudioVideoEcho


class Attacker:
    """A connected client whose datagrams are kept, and given to the server's socket."""

    def __init__(self, client: Client, other: Bystander) -> None:
        self.client = client
        self.other = other
        (connection,) = ice_connections(client.stream.pcs[client.webrtc_id])
        self.connection: Any = connection
        self.pair = connection._nominated[1]
        self.transport: Any = client.pc.sctp.transport  # type: ignore[union-attr]
        self.sctp: Any = client.pc.sctp
        self.made: list[bytes] = []

    @contextlib.contextmanager
    def _making(self) -> Iterator[None]:
        ice = self.transport.transport
        original = ice._send

        async def keep(data: bytes) -> None:
            self.made.append(data)

        ice._send = keep
        try:
            yield
        finally:
            ice._send = original

    async def chunk(self, chunk: Any) -> None:
        with self._making():
            await self.sctp._send_chunk(chunk)

    async def chunks(self, data: bytes) -> None:
        packet = serialize_packet(
            self.sctp._local_port,
            self.sctp._remote_port,
            self.sctp._remote_verification_tag,
            _Raw(data),  # type: ignore[arg-type]
        )
        await self.data(packet)

    async def data(self, data: bytes) -> None:
        with self._making():
            await self.transport._send_data(data)

    async def rtp(self, data: Any) -> None:
        with self._making():
            await self.transport._send_rtp(data if isinstance(data, bytes) else bytes(data))

    def send_no_media(self) -> None:
        for sender in self.client.pc.getSenders():
            sender.replaceTrack(None)

    def sender(self, kind: str) -> Any:
        """The server's."""
        pc = self.client.stream.pcs[self.client.webrtc_id]
        return next(t.sender for t in pc.getTransceivers() if t.kind == kind)

    def payload_types(self, kind: str) -> list[int]:
        transceivers = self.client.pc.getTransceivers()
        codecs = next(t._codecs for t in transceivers if t.kind == kind)
        return [codec.payloadType for codec in codecs]

    def check(self, **attributes: Any) -> bytes:
        """A connectivity check, authentic unless ``key`` says otherwise."""
        key = attributes.pop("key", self.connection.local_password)
        request = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
        request.attributes["USERNAME"] = (
            f"{self.connection.local_username}:{self.connection.remote_username}"
        )
        request.attributes["PRIORITY"] = 1
        request.attributes.update(attributes)
        request.add_message_integrity(key.encode())
        return bytes(request)

    async def deliver(self, source: Any = None) -> float:
        """Hand the datagrams to the server one after the other.

        Args:
            source: The address of each, by its number; by default the client's.

        Returns:
            The most CPU time that one of them took, in seconds.
        """
        longest = 0.0
        for k, data in enumerate(self.made):
            address = self.pair.remote_addr if source is None else source(k)
            before = time.thread_time()
            self.pair.protocol.datagram_received(data, address)
            await asyncio.sleep(0)  # what waits for it is done with one datagram per turn
            longest = max(longest, time.thread_time() - before)
        session, queue = self.client.session, self.connection._queue
        await eventually(lambda: session.ended or queue.empty())
        return longest

    async def assert_costs_little(self, source: Any = None) -> None:
        """Deliver the datagrams, and measure what the server does."""
        protocol = self.pair.protocol
        send_data, sent = protocol.send_data, 0

        async def counted(data: bytes, addr: Any) -> None:
            nonlocal sent
            sent += len(data)
            await send_data(data, addr)

        async with self.other.undisturbed() as cost:
            protocol.send_data = counted
            longest = await self.deliver(source)
            protocol.send_data = send_data
        assert_little(cost)
        assert longest < GAP_S * cost.slowness
        assert sent < MEMORY


class _Raw(Chunk):
    def __init__(self, data: bytes) -> None:
        self.data = data

    def __bytes__(self) -> bytes:
        return self.data


# SCTP


async def sack_gaps(attacker: Attacker) -> None:
    for _ in range(20):
        sack = SackChunk()
        sack.cumulative_tsn = attacker.sctp._last_received_tsn
        sack.advertised_rwnd, sack.gaps = 100_000, [(0, 65535)] * 280
        await attacker.chunk(sack)


async def parameters_of_no_length(attacker: Attacker) -> None:
    for type in (4, 5, 6, 9, 130):
        await attacker.chunks(struct.pack("!BBHHH", type, 0, 8, 1, 0))
    for type in (1, 2):
        await attacker.chunks(struct.pack("!BBH16sHH", type, 0, 24, bytes(16), 1, 0))


async def heartbeats(attacker: Attacker) -> None:
    for _ in range(20):
        await attacker.chunks(struct.pack("!BBH", 4, 0, 4) * 280)


async def forwarded_streams(attacker: Attacker) -> None:
    for k in range(100):
        chunk = ForwardTsnChunk()
        chunk.cumulative_tsn = (attacker.sctp._local_tsn + k) & 0xFFFFFFFF
        chunk.streams = [((280 * k + n) & 0xFFFF, 1) for n in range(280)]
        await attacker.chunk(chunk)


async def reconfigurations(attacker: Attacker) -> None:
    for _ in range(20):
        chunk = ReconfigChunk()
        chunk.params = [(17, struct.pack("!LHH", n, 1, 0)) for n in range(90)]
        await attacker.chunk(chunk)


async def sacks(attacker: Attacker) -> None:
    for _ in range(400):
        sack = SackChunk()
        sack.cumulative_tsn = attacker.sctp._last_received_tsn
        sack.advertised_rwnd = 100_000
        await attacker.chunk(sack)


async def junk_in_dtls(attacker: Attacker) -> None:
    for _ in range(400):
        await attacker.data(os.urandom(200))


# RTP


def video(attacker: Attacker, sequence: int, **fields: Any) -> RtpPacket:
    packet = RtpPacket(
        payload_type=attacker.payload_types("video")[0],
        sequence_number=sequence & 0xFFFF,
        **{"timestamp": 1, "ssrc": 77, "payload": b"\x10" + bytes(20), **fields},
    )
    return packet


async def sequence_jumps(attacker: Attacker) -> None:
    for k in range(400):
        await attacker.rtp(video(attacker, k * 30000).serialize())


async def a_stream_per_packet(attacker: Attacker) -> None:
    for k in range(400):
        await attacker.rtp(video(attacker, k, ssrc=1000 + k).serialize())


async def a_frame_without_end(attacker: Attacker) -> None:
    for k in range(400):
        await attacker.rtp(video(attacker, k).serialize())


async def timestamps_without_sense(attacker: Attacker) -> None:
    for k in range(300):
        await attacker.rtp(video(attacker, k, timestamp=(k % 2) * 0xFFFFFFFF).serialize())


async def a_codec_per_packet(attacker: Attacker) -> None:
    types = attacker.payload_types("audio")
    for k in range(400):
        packet = RtpPacket(types[k % len(types)], 0, k, 960 * k, 78, bytes([0xF8, 0xFF, 0xFE]))
        await attacker.rtp(packet.serialize())


async def malformed_extensions(attacker: Attacker) -> None:
    body = struct.pack("!BBHLL", 0x90, 96, 1, 1, 79)
    for k in range(500):
        sizes = bytes([(1 + k % 14) << 4 | (k % 3)]) + bytes(3)
        await attacker.rtp(body + struct.pack("!HH", 0xBEDE, 1) + sizes)


# RTCP


async def nacks(attacker: Attacker) -> None:
    """Each asks for all that the server has, 280 times over."""
    history: dict[int, RtpPacket] = attacker.sender("audio")._RTCRtpSender__rtp_history
    await eventually(lambda: len(history) > 100)
    body = struct.pack("!LL", 1, attacker.sender("audio")._ssrc)
    for _ in range(20):
        numbers = sorted(packet.sequence_number for packet in history.values())
        lost = [(numbers[17 * k % 85], 0xFFFF) for k in range(280)]
        fci = b"".join(struct.pack("!HH", *entry) for entry in lost)
        await attacker.rtp(struct.pack("!BBH", 0x81, 205, (len(body + fci)) // 4) + body + fci)
    attacker.send_no_media()


async def key_frames(attacker: Attacker) -> None:
    pli = RtcpPsfbPacket(fmt=1, ssrc=1, media_ssrc=attacker.sender("video")._ssrc)
    for _ in range(400):
        await attacker.rtp(pli)


async def reports(attacker: Attacker) -> None:
    for k in range(400):
        await attacker.rtp(bytes(RtcpRrPacket(ssrc=k, reports=[])) * 100)


async def goodbyes(attacker: Attacker) -> None:
    for k in range(400):
        await attacker.rtp(bytes(RtcpByePacket(sources=[k])))


# STUN and DTLS


async def checks(attacker: Attacker) -> None:
    attacker.made += [attacker.check() for _ in range(600)]


async def checks_without_password(attacker: Attacker) -> None:
    attacker.made += [attacker.check(key="wrong") for _ in range(500)]


async def checks_that_cannot_be_read(attacker: Attacker) -> None:
    body = struct.pack("!HH", 0x24, 2) + bytes(4)  # a priority of two bytes
    head = struct.pack("!HHI", 1, len(body), 0x2112A442)
    attacker.made += [head + bytes([k & 255]) * 12 + body for k in range(500)]


async def changes_of_role(attacker: Attacker) -> None:
    for k in range(300):
        name = ("ICE-CONTROLLED", "ICE-CONTROLLING")[k % 2]
        attacker.made.append(attacker.check(**{name: (0, 2**64 - 1)[k % 2]}))


async def dtls_records(attacker: Attacker) -> None:
    attacker.made += [bytes([22, 254, 253]) + os.urandom(600) for _ in range(500)]


async def large_datagrams(attacker: Attacker) -> None:
    attacker.made += [bytes([first]) * 60_000 for first in (0, 22, 128) for _ in range(50)]


async def neither(attacker: Attacker) -> None:
    attacker.made += [bytes([70]) * 1200 for _ in range(500)]


ATTACKS: list[Callable[[Attacker], Awaitable[None]]] = [
    sack_gaps,
    parameters_of_no_length,
    heartbeats,
    forwarded_streams,
    reconfigurations,
    sacks,
    junk_in_dtls,
    sequence_jumps,
    a_stream_per_packet,
    a_frame_without_end,
    timestamps_without_sense,
    a_codec_per_packet,
    malformed_extensions,
    nacks,
    key_frames,
    reports,
    goodbyes,
    checks,
    checks_without_password,
    checks_that_cannot_be_read,
    changes_of_role,
    dtls_records,
    large_datagrams,
    neither,
]

FROM_ELSEWHERE: list[Callable[[Attacker], Awaitable[None]]] = [
    checks,
    checks_without_password,
    checks_that_cannot_be_read,
    dtls_records,
    large_datagrams,
    neither,
    key_frames,
]


NEED_MEDIA = (nacks, key_frames)


@contextlib.asynccontextmanager
async def attacked(
    attack: Any = None, *, video: MediaStreamTrack | None = None, **options: Any
) -> AsyncIterator[Attacker]:
    """An attacker with audio, video and data; another client hears its echo all the while.

    Args:
        attack: Which it will be. Unless it needs media, there are none, whose cost would have
            to be told from that of the attack.
        video: The attacker's, if it has more than a small picture.
        options: Of the stream.
    """
    has_media = attack is None or attack in NEED_MEDIA
    stream = Stream(
        AsyncAudioVideoEcho(), modality="audio-video", server_rtc_configuration=LOCAL, **options
    )
    audio = AudioSource(tone(60) if has_media else None, then_nothing=True)
    track = video or VideoSource(64, 48, fps=10)
    async with bystander() as other, Client(stream, audio=audio, video=track) as me:
        assert me.channel is not None
        await eventually(lambda: me.channel.readyState == "open")
        attacker = Attacker(me, other)
        if has_media:
            await eventually(lambda: len(me.video_frames) >= 5 and len(me.loud()) >= 5)
        else:
            attacker.send_no_media()
        yield attacker
    assert len(connections_of(stream).registry) == 0


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.__name__)
async def test_it_costs_little(attack: Any) -> None:
    async with attacked(attack) as attacker:
        await attack(attacker)
        await attacker.assert_costs_little()


@pytest.mark.parametrize("attack", FROM_ELSEWHERE, ids=lambda attack: attack.__name__)
async def test_it_costs_little_from_addresses_of_others(attack: Any) -> None:
    """A port each: whoever knows the password could have a check begun for each."""
    async with attacked(attack) as attacker:
        await attack(attacker)
        pairs = len(attacker.connection._check_list)
        await attacker.assert_costs_little(lambda k: ("203.0.113.5", 2000 + k))
        assert len(attacker.connection._check_list) <= pairs + 20
        assert not attacker.client.session.ended


@pytest.mark.parametrize("attack", [junk_in_dtls, sacks, nacks, a_stream_per_packet, checks])
async def test_a_client_that_goes_on_is_disconnected(
    attack: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(packet_budget, "ABUSE_S", 0.3)
    limits = Limits(packets_per_s=150, messages_per_s=20)
    async with attacked(attack, limits=limits) as attacker:
        session = attacker.client.session
        await attack(attacker)
        async with attacker.other.undisturbed():
            await _send_until_it_ends(attacker)
        await eventually(session.closed.is_set)
        assert "too m" in session.reason.text
    assert [r.name.split(".")[0] for r in caplog.records if r.levelname == "WARNING"] == ["fastrtc"]


async def _send_until_it_ends(attacker: Attacker) -> None:
    """Faster than 150 a second on a busy machine, too."""
    for k, data in enumerate(itertools.cycle(attacker.made)):
        if attacker.client.session.ended:
            return
        attacker.pair.protocol.datagram_received(data, attacker.pair.remote_addr)
        await asyncio.sleep(0.005 if k % 5 == 0 else 0)


async def test_a_client_that_skips_more_streams_than_there_are_is_disconnected_at_once() -> None:
    async with attacked(forwarded_streams) as attacker:
        await forwarded_streams(attacker)
        del attacker.made[1:]
        async with attacker.other.undisturbed():
            await attacker.deliver()
            await eventually(attacker.client.session.closed.is_set)


async def test_a_client_that_does_it_briefly_stays_connected(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(packet_budget, "ABUSE_S", 60.0)  # a slow machine takes long for "briefly"
    async with attacked(limits=Limits(packets_per_s=200)) as attacker:
        await neither(attacker)
        async with attacker.other.undisturbed():
            await attacker.deliver()
            await attacker.deliver(lambda k: ("203.0.113.5", 2000))
        heard = len(attacker.client.loud())
        await eventually(lambda: len(attacker.client.loud()) > heard + 5)
        assert not attacker.client.session.ended


# Honest peers


def noisy_frame(size: int) -> bytes:
    """A key frame of VP8 of about so many bytes."""
    for side in range(64, 640, 16):
        context: Any = av.CodecContext.create("libvpx", "w")
        context.width = context.height = side
        context.pix_fmt, context.bit_rate = "yuv420p", 8_000_000
        context.time_base, context.framerate = Fraction(1, 30), 30
        context.options = {"deadline": "realtime", "lag-in-frames": "0"}
        noise = np.random.default_rng(1).integers(0, 255, (side * 3 // 2, side), np.uint8)
        frame = b"".join(map(bytes, context.encode(av.VideoFrame.from_ndarray(noise, "yuv420p"))))
        if len(frame) >= size:
            return frame
    raise AssertionError("no picture is large enough")


@again_after_a_stall
async def test_video_of_4_mbit_of_which_a_third_is_lost_is_never_held_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nothing is refused: no packet, no report, no key frame, no packet that is sent again."""
    refused: list[Any] = []
    not_refusals = {  # key frames, which it asks for again until it has one, and higher bit rates
        (1 / (1 / rtp_sender.KEY_FRAME_EVERY_S), rtp_sender.KEY_FRAME_EVERY_S),
        (1 / video_sender.INCREASES_PER_S, 1.0),
    }

    def note(owner: Any, name: str) -> None:
        original = getattr(owner, name)

        def noted(*args: Any) -> Any:
            verdict = original(*args)
            limit = args[0]
            kind = (limit._interval_s, limit._burst_s) if name == "allows" else name
            if not verdict and kind not in not_refusals:
                refused.append(kind)
            return verdict

        monkeypatch.setattr(owner, name, noted)

    note(packet_budget.PacketBudget, "admits")
    note(packet_budget.PacketBudget, "has_room_for")
    note(RateLimit, "allows")
    frame = noisy_frame(4_000_000 // 8 // 30)
    async with attacked(video=Encoded([frame])) as attacker:
        client = attacker.client
        client.shape_network(Network(lose_every=3))
        shape_network(client.stream.pcs[client.webrtc_id], Network(lose_every=3))
        count = received(attacker)
        assert client.channel is not None
        loop = asyncio.get_running_loop()
        began = loop.time()
        while loop.time() < began + 5 or count() <= 1000:
            assert loop.time() < began + 60, count()
            client.channel.send("x" * 100)
            await asyncio.sleep(0.05)
        assert not client.session.ended
    assert not refused


def received(attacker: Attacker) -> Callable[[], int]:
    """Count the datagrams that come to the server."""
    protocol, count = attacker.pair.protocol, 0
    receive = protocol.datagram_received

    def counted(data: bytes, addr: Any) -> None:
        nonlocal count
        count += 1
        receive(data, addr)

    protocol.datagram_received = counted
    return lambda: count
