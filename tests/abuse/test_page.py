"""The numbers of `docs/security.md` are those of the code."""

import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from fastrtc import Limits
from fastrtc.core.limits import BURST_S
from fastrtc.core.tasks import MAX_THREADS
from fastrtc.pacing import realtime_limit
from fastrtc.server import authorization
from fastrtc.transport import stalled_client
from fastrtc.transport.webrtc import audio_receiver, ice_targets, packet_budget, signalling
from fastrtc.transport.webrtc._aiortc import (
    address,
    ice,
    rtp_receiver,
    rtp_sender,
    sctp_messages,
    sctp_work,
)

PAGE = (Path(__file__).parents[2] / "docs" / "security.md").read_text(encoding="utf-8")
NUMBER = re.compile(r"(?<![\w.])\d+(?:\.\d+)?(?![\w.]\d)")


def line_with(words: str) -> str:
    (line,) = (line for line in PAGE.splitlines() if words in line)
    return line


def numbers_in(text: str) -> list[float]:
    return [float(number) for number in NUMBER.findall(text)]


def shown(name: str, value: Any) -> str:
    """A limit as the page writes it."""
    if name == "pixels":
        return "4096 x 2304" if value == 4096 * 2304 else f"{value}"
    if name.endswith("_bytes"):
        return f"{value >> 20} MiB" if value >= 1 << 20 else f"{value >> 10} KiB"
    if isinstance(value, bool):
        return f"`{value}`"
    return f"{value:g} s" if name.endswith("_within_s") else f"{value}"


@pytest.mark.parametrize("name", [field.name for field in fields(Limits)])
def test_each_limit_has_its_default(name: str) -> None:
    default = line_with(f"| `{name}`").split(" | ")[1]
    assert default == shown(name, getattr(Limits(), name))


JUMPS = rtp_receiver.JUMPS_PER_S
CODECS = audio_receiver.CODEC_CHANGES_PER_S
PACKETS: dict[str, list[float]] = {
    "STUN |": [packet_budget.STUN_PER_S, packet_budget.STUN_OF_OTHERS_PER_S],
    "RTCP |": [packet_budget.RTCP_BYTES_PER_S / 1000],
    "RTP streams": [packet_budget.MAX_SSRCS],
    f"sequence numbers that jump by more than {rtp_receiver.MAX_GAP}": [
        JUMPS,
        JUMPS * rtp_receiver.JUMPS_BURST_S,
    ],
    "changes of the audio codec": [CODECS, CODECS * audio_receiver.CODEC_BURST_S],
    "retransmission requests": [rtp_sender.RETRANSMISSIONS_AHEAD],
    "key frame requests": [rtp_sender.KEY_FRAME_EVERY_S],
    "SACK, heartbeats": [sctp_work.SCTP_WORK_PER_MESSAGE],
    "FORWARD TSN": [sctp_messages.MAX_STREAMS],
    f"datagrams of more than {packet_budget.MAX_DATAGRAM} bytes": [],
}


@pytest.mark.parametrize("begins", PACKETS)
def test_each_kind_of_packet_has_its_limit(begins: str) -> None:
    limit = line_with(f"| {begins}").split(" | ")[1]
    assert numbers_in(limit) == PACKETS[begins]


LINES = signalling.MAX_LINES
SENTENCES: dict[str, list[float]] = {
    "It may be sync or async": [
        MAX_THREADS,
        authorization.AUTHORIZE_TIMEOUT_S,
    ],
    "| `messages_per_s` of a client": [BURST_S],
    "| `packets_per_s` of a WebRTC client": [packet_budget.BURST_S, packet_budget.ABUSE_S],
    "`a=rtcp-fb`": [
        signalling.MAX_SECTIONS,
        *(LINES[kind] for kind in ("rtpmap", "fmtp", "rtcp-fb", "extmap", "ssrc")),
    ],
    "faster than real time": [audio_receiver.MAX_AHEAD_S, realtime_limit.AHEAD_S],
    "unfinished messages": [sctp_messages.MAX_FRAGMENTS, sctp_messages.MAX_STREAMS],
    "client that does not read": [
        stalled_client.MAX_WAITING >> 20,
        stalled_client.PATIENCE_S,
        stalled_client.MAX_EVER >> 20,
    ],
    "times as much to all addresses": [ice_targets.SEND_FACTOR],
    "multicast DNS names": [
        ice_targets.MAX_NAMES,
        ice_targets.MIN_PORT,
        *ice_targets.TURN_PORTS,
    ],
    "in private networks are accepted": [ice_targets.MAX_CANDIDATES_PER_HOST],
    "`ice-ufrag`": [ice_targets.MAX_UFRAG],
}


@pytest.mark.parametrize("words", SENTENCES)
def test_each_number_in_a_sentence_is_that_of_the_code(words: str) -> None:
    assert set(SENTENCES[words]) <= set(numbers_in(line_with(words)))


def test_numbers_that_are_words() -> None:
    assert 1 / address.CHECK_INTERVAL_S == 5 and "five times per second" in PAGE
    assert ice.MAX_ROLE_CONFLICTS == 1
    assert "answered with a role conflict is repeated once" in PAGE
