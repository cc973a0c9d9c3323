import struct
from typing import Any

import pytest
from aiortc.rtcsctptransport import (
    DataChunk,
    ForwardTsnChunk,
    HeartbeatChunk,
    InitChunk,
    ReconfigChunk,
    SackChunk,
    parse_packet,
    serialize_packet,
)
from hypothesis import given
from hypothesis import strategies as st

from fastrtc.transport.webrtc.packet_budget import (
    ABUSE_S,
    BURST_S,
    MAX_DATAGRAM,
    MAX_SSRCS,
    PAUSE_S,
    RTCP_BYTES_PER_S,
    STUN_PER_S,
    MalformedPacket,
    PacketBudget,
    Persistence,
    clip_gaps,
    kind_of,
    sctp_chunks,
)

STUN = bytes([0, 1]) + bytes(18)
DTLS = bytes([22]) + bytes(20)


def rtp(ssrc: int = 1) -> bytes:
    return struct.pack("!BBHLL", 0x80, 96, 0, 0, ssrc)


def rtcp(ssrc: int = 1, size: int = 8) -> bytes:
    return struct.pack("!BBHL", 0x80, 201, 1, ssrc) + bytes(size - 8)


# Datagrams


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (STUN, "stun"),
        (DTLS, "dtls"),
        (rtp(), "rtp"),
        (rtcp(), "rtcp"),
        (b"\x80\xe0" + bytes(10), "rtp"),  # payload type 96 with a marker
        (b"\x80", "other"),
        (b"\x46" + bytes(20), "other"),
        (b"\xff", "other"),
        (b"", "other"),
    ],
)
def test_datagrams_are_told_by_their_first_bytes(data: bytes, kind: str):
    assert kind_of(data) == kind


def test_whoever_keeps_to_the_rate_is_let_through():
    budget = PacketBudget(500)
    assert all(budget.admits(rtp(), True, k / 500) for k in range(5000))
    assert budget.dropped == 0


def test_a_burst_is_let_through_and_then_the_rate():
    budget = PacketBudget(100)
    admitted = sum(budget.admits(rtp(), True, 0.0) for _ in range(1000))
    assert admitted == pytest.approx(100 * BURST_S, abs=1)
    assert budget.dropped == 1000 - admitted
    later = sum(budget.admits(rtp(), True, 10.0 + k / 1000) for k in range(10_000))
    assert later == pytest.approx(100 * (10 + BURST_S), abs=2)


def test_others_do_not_use_up_what_the_peer_may_send():
    budget = PacketBudget(100)
    for data in (rtp(), STUN):
        for _ in range(5000):
            budget.admits(data, False, 0.0)
        assert budget.admits(data, True, 0.0)


def test_stun_has_a_rate_of_its_own():
    budget = PacketBudget(100_000)
    admitted = sum(budget.admits(STUN, True, 0.0) for _ in range(5000))
    assert admitted == pytest.approx(STUN_PER_S * BURST_S, abs=1)
    assert budget.admits(rtp(), True, 0.0)


def test_rtcp_is_counted_in_bytes():
    budget = PacketBudget(100_000)
    admitted = sum(budget.admits(rtcp(size=1000), True, 0.0) for _ in range(5000))
    assert admitted == pytest.approx(RTCP_BYTES_PER_S * BURST_S / 1000, abs=1)


@pytest.mark.parametrize("data", [b"", rtp() + bytes(MAX_DATAGRAM), b"\x46" + bytes(20)])
def test_what_is_of_no_use_is_dropped(data: bytes):
    assert not PacketBudget(100).admits(data, True, 0.0)


def test_dtls_is_taken_from_the_peer_only():
    budget = PacketBudget(100)
    assert budget.admits(DTLS, True, 0.0)
    assert not budget.admits(DTLS, False, 0.0)


@pytest.mark.parametrize("packet", [rtp, rtcp])
def test_there_is_room_for_so_many_streams(packet: Any):
    budget = PacketBudget(100)
    for ssrc in range(MAX_SSRCS):
        assert budget.has_room_for(packet(ssrc))
        budget.note_stream(packet(ssrc))
    assert not budget.has_room_for(packet(1000))
    assert budget.has_room_for(packet(0)) and budget.has_room_for(DTLS)


def test_what_goes_on_is_told_from_what_happened():
    persistence = Persistence()
    assert not any(persistence.persists(10 + k / 10) for k in range(round(ABUSE_S * 10)))
    assert persistence.persists(10 + ABUSE_S + 0.1)
    assert not persistence.persists(10 + ABUSE_S + PAUSE_S + 0.2)


# SCTP


def packet(*chunks: Any) -> bytes:
    head = serialize_packet(5000, 5000, 1, chunks[0])[:12]
    return head + b"".join(bytes(chunk) for chunk in chunks)


def sack(gaps: int, duplicates: int = 0) -> SackChunk:
    chunk = SackChunk()
    chunk.gaps, chunk.duplicates = [(1, 1)] * gaps, [1] * duplicates
    return chunk


def forward(streams: int) -> ForwardTsnChunk:
    chunk = ForwardTsnChunk()
    chunk.streams = [(k, 1) for k in range(streams)]
    return chunk


def with_params(chunk: Any, count: int) -> Any:
    chunk.params = [(5, b"abc")] * count
    return chunk


def data(stream: int) -> DataChunk:
    chunk = DataChunk()
    chunk.stream_id, chunk.user_data = stream, b"hello"
    return chunk


def test_chunks_are_told_with_what_they_hold():
    chunks = [
        data(7),
        sack(3, 2),
        forward(4),
        with_params(HeartbeatChunk(), 3),
        with_params(InitChunk(), 2),
        with_params(ReconfigChunk(), 2),
    ]
    found = list(sctp_chunks(packet(*chunks)))
    assert [chunk.type for chunk in found] == [chunk.type for chunk in chunks]
    assert [chunk.items for chunk in found] == [0, 5, 4, 3, 2, 2]
    assert found[0].stream == 7


@pytest.mark.parametrize("type", [1, 2, 4, 5, 6, 9, 130])
@pytest.mark.parametrize("length", [0, 1, 3])
def test_a_parameter_of_no_length_is_malformed(type: int, length: int):
    """aiortc would read it again and again, and freeze the process."""
    body = bytes(16 if type < 3 else 0) + struct.pack("!HH", 1, length)
    with pytest.raises(MalformedPacket):
        list(sctp_chunks(bytes(12) + struct.pack("!BBH", type, 0, 4 + len(body)) + body))


@pytest.mark.parametrize(
    "chunk",
    [
        struct.pack("!BBH", 0, 3, 3),
        struct.pack("!BBH", 0, 3, 5),
        struct.pack("!BBH", 0, 3, 4),
        struct.pack("!BBH", 3, 0, 8) + bytes(4),
        struct.pack("!BBHLLHH", 3, 0, 16, 1, 1, 1, 0),
        struct.pack("!BBHLH", 192, 0, 10, 1, 1) + bytes(2),
        bytes(with_params(ReconfigChunk(), 3)),
    ],
)
def test_lengths_that_cannot_be_are_malformed(chunk: bytes):
    with pytest.raises(MalformedPacket):
        list(sctp_chunks(bytes(12) + chunk))


@given(st.binary(max_size=200))
def test_what_is_well_formed_here_is_read_by_aiortc(body: bytes):
    raw = bytes(12) + body
    try:
        chunks = list(sctp_chunks(raw))
    except MalformedPacket:
        return
    assert len(chunks) <= len(body) // 4

    class Raw:
        def __bytes__(self) -> bytes:
            return body

    if len(body) >= 4:
        try:
            parse_packet(serialize_packet(0, 0, 0, Raw()))  # type: ignore[arg-type]
        except struct.error:
            assert any(chunk.type in (1, 2, 7) for chunk in chunks)  # too short: it ends itself


# SACK


@pytest.mark.parametrize(
    ("gaps", "most", "kept"),
    [
        ([(2, 3), (5, 9)], 20, [(2, 3), (5, 9)]),
        ([(0, 65535)] * 280, 20, []),
        ([(1, 65535)] * 280, 20, [(1, 20)]),
        ([(2, 3), (1, 9)], 20, [(2, 3)]),
        ([(2, 3), (3, 9), (5, 6)], 20, [(2, 3), (5, 6)]),
        ([(9, 2)], 20, []),
        ([(2, 3)], 0, []),
        ([], 20, []),
    ],
)
def test_gaps_that_cannot_be_are_left_out(gaps: Any, most: int, kept: Any):
    assert clip_gaps(gaps, most) == kept


@given(
    st.lists(st.tuples(st.integers(0, 65535), st.integers(0, 65535)), max_size=300),
    st.integers(0, 5000),
)
def test_gaps_cover_no_more_than_what_was_sent(gaps: list[tuple[int, int]], most: int):
    clipped = clip_gaps(gaps, most)
    assert sum(end - begin + 1 for begin, end in clipped) <= most
