from __future__ import annotations

import itertools
import re
import threading
import time
import tracemalloc
from pathlib import Path

import pytest
from aiortc.sdp import SessionDescription
from hypothesis import given
from hypothesis import strategies as st

from fastrtc.core.errors import FastRTCError, InvalidCandidate, InvalidOffer
from fastrtc.core.limits import Limits
from fastrtc.transport.webrtc.candidates import parse_candidate
from fastrtc.transport.webrtc.offer import Offer
from fastrtc.transport.webrtc.signalling import (
    LARGE_OFFER,
    MAX_LINE,
    MAX_LINES,
    MAX_SECTIONS,
    read_offer,
)
from tests.support.bystander import slowness
from tests.transport.webrtc.offers import (
    DIRECTIONS,
    HOST,
    MODALITIES,
    MODES,
    offer,
    parse,
    sections,
    with_codecs,
)

# --- Offers --------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("modality", MODALITIES)
def test_offers_of_every_direction(modality, mode):
    kinds = modality.split("-")
    for directions in itertools.product(DIRECTIONS, repeat=len(kinds)):
        offered = dict(zip(kinds, directions, strict=True))
        parsed = parse(offer(*(f"{k}:{d}" for k, d in offered.items())), modality, mode)
        sends = {k for k, d in offered.items() if d in ("sendrecv", "sendonly")}
        receives = {k for k, d in offered.items() if d in ("sendrecv", "recvonly")}
        assert parsed.receives == receives
        assert set(parsed.sources) == (sends if mode != "receive" else set())
        assert set(parsed.sinks) == (receives if mode != "send" else set())
        assert (parsed.later_candidates, parsed.rejected) == ((), ())


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("modality", MODALITIES)
@pytest.mark.parametrize("offered", MODALITIES)
def test_offers_of_every_kind(offered, modality, mode):
    sdp = offer(*offered.split("-"))
    wanted, has = set(modality.split("-")), set(offered.split("-"))
    if has - wanted:
        with pytest.raises(InvalidOffer, match=f"Unsupported track kind {(has - wanted).pop()}"):
            parse(sdp, modality, mode)
    else:
        assert parse(sdp, modality, mode).receives == has & wanted
    assert parse(sdp, modality, mode, extra_tracks=True).receives == has & wanted


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("modality", MODALITIES)
@pytest.mark.parametrize("extra_tracks", [True, False])
def test_a_data_channel_alone_is_enough(modality, mode, extra_tracks):
    parsed = parse(offer(), modality, mode, extra_tracks=extra_tracks)
    assert (parsed.sources, parsed.sinks, parsed.receives) == ({}, {}, frozenset())
    assert "m=application" in parsed.sdp


def test_no_data_channel_is_needed():
    assert isinstance(parse(offer("audio", data=False)), Offer)


def test_of_two_sections_of_a_kind_one_may_send_and_one_receive():
    sdp = offer("audio:recvonly", "audio:sendonly")
    parsed = parse(sdp)
    assert (parsed.sources, parsed.sinks) == ({"audio": "1"}, {"audio": "0"})
    assert (parse(sdp, mode="send").sources, parse(sdp, mode="send").sinks) == ({"audio": "1"}, {})
    parsed = parse(offer("audio:recvonly", "audio"))
    assert parsed.sources == parsed.sinks == {"audio": "1"}
    parsed = parse(offer("audio:sendonly", "audio:recvonly", "audio:recvonly"))
    assert (parsed.sources, parsed.sinks) == ({"audio": "0"}, {"audio": "1"})


@pytest.mark.parametrize("mode", MODES)
def test_a_second_track_of_a_kind_that_is_sent_is_extra(mode):
    sdp = offer("audio", "audio:sendonly")
    with pytest.raises(InvalidOffer, match="Unsupported track kind audio: more than one"):
        parse(sdp, mode=mode)
    assert isinstance(parse(sdp, mode=mode, extra_tracks=True), Offer)


# --- Codecs --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("codecs", "fmtp", "named"),
    [
        (["VP9/90000"], "", "has VP9, the server supports VP8, H264"),
        (["VP9/90000", "AV1/90000", "rtx/90000"], "", "has VP9, AV1, the server"),
        (
            ["H264/90000"],
            "a=fmtp:100 profile-level-id=640c1f;packetization-mode=1\r\n",
            r"has H264 \(profile-level-id 640c1f, packetization-mode 1\), the server supports VP8, "
            r"H264 \(profile-level-id 42001f, packetization-mode 1\), H264 \(.* 42e01f, .*\)$",
        ),
        (["rtx/90000"], "", "has none"),
        ([f"X{k}/90000" for k in range(20)], "", "X7 and 12 more, the server"),
        (["X" * 1000 + "/90000"], "", "has X{64}, the server"),
    ],
)
@pytest.mark.parametrize("direction", DIRECTIONS)
def test_a_codec_that_cannot_be_negotiated_is_named(codecs, fmtp, named, direction):
    head, video, data = sections(offer(f"video:{direction}"))
    with pytest.raises(InvalidOffer, match=f"^No common video codec: the offer .*{named}"):
        parse(head + with_codecs(video, *codecs) + fmtp + data, "video")


def test_an_audio_codec_that_cannot_be_negotiated_is_named():
    head, audio, data = sections(offer("audio"))
    with pytest.raises(InvalidOffer, match="audio codec: .* iSAC, .* opus, G722, PCMU, PCMA$"):
        parse(head + with_codecs(audio, "iSAC/16000", "CN/8000") + data)


def test_codecs_that_are_not_ours_are_left_out():
    head, video, data = sections(offer("video"))
    codecs = ["VP9/90000", "VP8/90000", "rtx/90000", "AV1/90000", "VP8/90000"]
    fmtp = "a=fmtp:102 apt=101\r\na=rtcp-fb:101 nack pli\r\na=rtcp-fb:101 transport-cc\r\n"
    section = sections(parse(head + with_codecs(video, *codecs) + fmtp + data, "video").sdp)[1]
    assert re.findall("a=rtpmap:(.*)\r\n", section) == ["101 VP8/90000", "102 rtx/90000"]
    assert "a=rtcp-fb:101 nack pli\r\n" in section and "transport-cc" not in section


def test_a_track_without_a_direction_goes_both_ways():
    parsed = parse(offer("audio").replace("a=sendrecv\r\n", ""))
    assert "audio" in parsed.receives and "a=sendrecv" in parsed.sdp


@pytest.mark.parametrize("end", ["\r\n", "\n", "\r"])
def test_lines_may_end_as_they_like(end):
    parsed = parse(offer("audio").replace("\r\n", end))
    assert "\r\n" in parsed.sdp
    assert parsed.sdp.endswith("\r\n")


def test_an_offer_is_a_value_error_of_ours():
    with pytest.raises(ValueError) as caught:
        parse("")
    assert isinstance(caught.value, FastRTCError)


@pytest.mark.parametrize("sdp", ["", " \r\n", None, 5, b"v=0", {"sdp": "v=0"}, ["v=0"]])
def test_an_offer_without_sdp(sdp):
    with pytest.raises(InvalidOffer, match="has no sdp"):
        parse(sdp)


@pytest.mark.parametrize("sdp", ["hello", "v=0", "v=0\r\nm=audio\r\n", "m=audio x y z", "\0", "a="])
def test_a_text_that_is_no_sdp(sdp):
    with pytest.raises(InvalidOffer, match="malformed SDP"):
        parse(sdp)


def test_an_sdp_without_media():
    head = offer("audio").partition("m=")[0]
    with pytest.raises(InvalidOffer, match="no media"):
        parse(re.sub("a=group.*\r\n", "", head))


def test_an_endless_offer_is_not_looked_at():
    with pytest.raises(InvalidOffer, match="longer than"):
        parse(offer("audio") + "a=x\r\n" * 100_000)


def test_an_offer_of_thousands_of_candidates_is_refused():
    line = "a=candidate:1 1 udp 2122260223 192.168.1.5 {} typ host\r\n"
    few, many = ("".join(line.format(port) for port in range(1, n)) for n in (11, 1001))
    assert parse(offer("audio") + few).candidates == 10
    with pytest.raises(InvalidOffer, match="more than 128 candidates"):
        parse(offer("audio") + many)


@pytest.mark.parametrize("character", ["\x00", "\x1b", "\x0b", "\x85", "\u2028", "\u202e"])
def test_control_characters_which_would_come_into_the_log_are_refused(character: str):
    with pytest.raises(InvalidOffer, match="control characters"):
        parse(offer("audio") + f"a=x{character}ERROR forged\r\n")
    with pytest.raises(InvalidCandidate):
        parse_candidate(f"candidate:1{character} 1 udp 1 192.168.1.5 5 typ host")


@pytest.mark.parametrize(
    ("lines", "what"),
    [("a=ice-ufrag", "ICE credentials"), ("a=ice-pwd", "ICE"), ("a=fingerprint", "DTLS")],
)
def test_an_offer_without_credentials(lines, what):
    with pytest.raises(InvalidOffer, match=what):
        parse(re.sub(f"{lines}.*\r\n", "", offer("audio")))


def test_mdns_candidates_are_set_aside_with_the_section_they_are_of():
    sdp = offer("audio", "video")
    names = ["4a6e.local", "5b7f.local"]
    before, audio, video, data = re.split("(?=m=)", sdp)
    lines = [f"a=candidate:1 1 udp 2122260223 {name} 50000 typ host\r\n" for name in names]
    direct = f"a={HOST}\r\n"
    parsed = parse(before + audio + lines[0] + direct + video + lines[1] + data, "audio-video")
    assert ".local" not in parsed.sdp
    assert direct in parsed.sdp
    assert [(c.ip, c.sdpMLineIndex) for c in parsed.later_candidates] == [
        (names[0], 0),
        (names[1], 1),
    ]


def test_a_malformed_mdns_candidate_is_left_out():
    parsed = parse(offer("audio") + "a=candidate:1 1 udp x 4a6e.local 50000 typ host\r\n")
    assert parsed.later_candidates == ()
    assert ".local" not in parsed.sdp


# --- Offers that are made to cost ----------------------------------------------------------------

CHROMIUM = Path(__file__).with_name("chromium_156.sdp").read_text()
"""As Chromium 156 offers to receive audio and video, with a data channel."""


@pytest.mark.parametrize("modality", MODALITIES)
def test_an_offer_of_a_browser_is_far_from_every_bound(modality):
    assert isinstance(parse(CHROMIUM, modality), Offer)
    for section in sections(CHROMIUM)[1:]:
        for kind, most in MAX_LINES.items():
            assert section.count(f"\na={kind}:") <= most / 3, kind
        assert max(map(len, section.splitlines())) <= MAX_LINE / 4
    assert len(CHROMIUM) < Limits().offer_bytes / 4


@pytest.mark.parametrize("kind", MAX_LINES)
@pytest.mark.parametrize("where", ["first", "section"])
def test_lines_of_a_kind_are_bounded(kind, where):
    line = f"a={kind} x\r\n" if "*" in kind else f"a={kind}:x\r\n"
    head, audio, data = sections(offer("audio"))
    lines = line * (MAX_LINES[kind] + 1)
    sdp = head + lines + audio + data if where == "first" else head + audio + lines + data
    with pytest.raises(
        InvalidOffer, match=f"more than {MAX_LINES[kind]} lines a={re.escape(kind)}"
    ):
        parse(sdp)


def test_sections_and_the_length_of_a_line_are_bounded():
    video = sections(offer("video:inactive"))[1]
    many = "".join(video.replace("a=mid:0", f"a=mid:{k}") for k in range(1, MAX_SECTIONS + 1))
    with pytest.raises(InvalidOffer, match=f"more than {MAX_SECTIONS} media sections"):
        parse(offer("audio", data=False) + many)
    with pytest.raises(InvalidOffer, match=f"line of more than {MAX_LINE} characters"):
        parse(offer("audio") + "a=x:" + "y" * MAX_LINE + "\r\n")


CODECS = "".join(f"a=rtpmap:{k % 72} a/1\r\n" for k in range(MAX_LINES["rtpmap"] - 1))
COSTLY = {
    "codecs": "".join(f"a=rtpmap:{k} opus/48000/2\r\n" for k in range(72)),
    "feedback": CODECS + "a=rtcp-fb:5 a\r\n" * MAX_LINES["rtcp-fb"],
    "feedback of all": CODECS + "a=rtcp-fb:* a\r\n" * MAX_LINES["rtcp-fb:*"],
    "parameters": CODECS + "a=fmtp:71 a\r\n" * MAX_LINES["fmtp"],
    "sources": "".join(f"a=ssrc:{k} a:\r\n" for k in range(MAX_LINES["ssrc"])),
    "extensions": "".join(
        f"a=extmap:{k} urn:ietf:params:rtp-hdrext:sdes:mid\r\n" for k in range(MAX_LINES["extmap"])
    ),
    "fingerprints": "a=fingerprint:a a\r\n" * MAX_LINES["fingerprint"],
    "parameters of one": "a=fmtp:96 " + ";" * (MAX_LINE - 20) + "\r\n",
    "candidates": f"a={HOST}\r\n" * 4,
}
CPU_S = 0.2  # s; the worst of them takes some 0.06 s
MEMORY = 10e6  # bytes; some 5 MB
SHARE = 4  # memory is measured in a fraction of the offer, because tracemalloc is slow


def costly(lines: str, size: int = Limits().offer_bytes) -> str:
    """As many sections with some lines as an offer of a size may have."""
    head, audio = sections(offer("audio", data=False))
    sdp = head.replace("BUNDLE 0", "BUNDLE " + " ".join(map(str, range(MAX_SECTIONS)))) + audio
    more = f"m=audio 9 UDP/TLS/RTP/SAVPF 96\r\na=recvonly\r\na=rtpmap:96 opus/48000/2\r\n{lines}"
    for k in range(1, MAX_SECTIONS):
        section = f"{more}a=mid:{k}\r\n"
        if len(sdp) + len(section) > size:
            break
        sdp += section
    return sdp


def cpu_s(function, sdp: str) -> float:
    """Return the CPU time of a call on a usual machine: the least of five, as the speed varies."""
    slow, spent = slowness(), []
    for _ in range(5):
        before = time.thread_time()
        function(sdp)
        spent.append(time.thread_time() - before)
    return min(spent) / max(slow, slowness())


@pytest.mark.parametrize("lines", COSTLY.values(), ids=COSTLY)
def test_the_most_costly_offer_costs_little(lines):
    sdp = costly(lines)
    parsed = parse(sdp)
    assert cpu_s(parse, sdp) < CPU_S
    assert len(parsed.sdp) < Limits().offer_bytes  # aiortc parses that again, on the loop
    assert cpu_s(SessionDescription.parse, parsed.sdp) < CPU_S / 4
    part = costly(lines, Limits().offer_bytes // SHARE)
    tracemalloc.start()
    try:
        parse(part)
        assert tracemalloc.get_traced_memory()[1] < MEMORY / SHARE
    finally:
        tracemalloc.stop()


async def test_a_large_offer_is_parsed_beside_the_loop():
    seen: list[str] = []

    class Watched(str):
        def splitlines(self, keepends=False):
            seen.append(threading.current_thread().name)
            return super().splitlines(keepends)

    async def read(sdp):
        return await read_offer(Watched(sdp), "audio", "send-receive", extra_tracks=False)

    small, large = offer("audio"), costly(COSTLY["feedback"])
    assert len(small) < LARGE_OFFER < len(large)
    assert isinstance(await read(small), Offer) and isinstance(await read(large), Offer)
    assert seen == [threading.current_thread().name, "fastrtc-parse_large_offer"]
    with pytest.raises(InvalidOffer, match="longer than"):
        await read(large * 2)
    with pytest.raises(InvalidOffer, match="malformed SDP"):
        await read("v=0\r\n" * LARGE_OFFER)


# --- Offers that went wrong on their way ---------------------------------------------------------

OPTIONS = st.tuples(st.sampled_from(MODALITIES), st.sampled_from(MODES), st.booleans())


def offer_or_refusal(sdp: str, options: tuple[str, str, bool]) -> None:
    modality, mode, extra_tracks = options
    try:
        parsed = parse(sdp, modality, mode, extra_tracks=extra_tracks)
    except InvalidOffer as error:
        assert str(error)
    else:
        assert isinstance(parsed, Offer)


@given(st.text(), OPTIONS)
def test_any_text(sdp, options):
    offer_or_refusal(sdp, options)


LINES = st.one_of(
    st.from_regex(r"[a-z]=[ -~]{0,40}", fullmatch=True),
    st.from_regex(
        r"a=(rtpmap|fmtp|rtcp-fb|ssrc|ssrc-group|msid|mid|group|candidate|fingerprint|setup"
        r"|sctp-port|sctpmap|max-message-size|rtcp|extmap|ice-options|sendrecv|inactive):"
        r"[ -~]{0,30}",
        fullmatch=True,
    ),
    st.from_regex(
        r"m=(audio|video|application|text) [0-9]{1,6} [A-Z/]{1,20}( [0-9]{1,4}){0,3}",
        fullmatch=True,
    ),
    st.text(max_size=20),
)


@given(st.lists(LINES, max_size=20), OPTIONS)
def test_any_lines(lines, options):
    offer_or_refusal("v=0\r\n" + "\r\n".join(lines), options)


@given(st.sampled_from(MODALITIES), st.integers(0, 6000), OPTIONS)
def test_offers_that_were_cut_off(offered, length, options):
    offer_or_refusal(offer(*offered.split("-"))[:length], options)


edits = st.lists(
    st.tuples(
        st.sampled_from(["drop", "double", "swap", "insert", "cut", "letter", "word"]),
        st.floats(0, 1, exclude_max=True),
        st.floats(0, 1, exclude_max=True),
        LINES,
    ),
    min_size=1,
    max_size=8,
)


def edited(lines: list[str], edit: tuple[str, float, float, str]) -> list[str]:
    what, where, there, text = edit
    if not lines:
        return lines
    i, line = int(where * len(lines)), lines[int(where * len(lines))]
    at = int(there * len(line))
    words = line.split(" ")
    word = int(there * len(words))
    changed = {
        "drop": [],
        "double": [line, line],
        "swap": [lines[int(there * len(lines))]],
        "insert": [line, text],
        "cut": [line[:at]],
        "letter": [line[:at] + text[:1] + line[at + 1 :]],
        "word": [" ".join([*words[:word], text[2:10], *words[word + 1 :]])],
    }[what]
    return lines[:i] + changed + lines[i + 1 :]


@given(st.sampled_from(MODALITIES), edits, OPTIONS)
def test_offers_with_mistakes(offered, edits, options):
    lines = offer(*offered.split("-")).split("\r\n")
    for edit in edits:
        lines = edited(lines, edit)
    offer_or_refusal("\r\n".join(lines), options)
