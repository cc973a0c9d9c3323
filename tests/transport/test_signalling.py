from __future__ import annotations

import asyncio
import functools
import itertools
import re

import pytest
from aiortc import RTCPeerConnection
from hypothesis import given, settings
from hypothesis import strategies as st

from fastrtc.core.errors import FastRTCError, InvalidCandidate, InvalidOffer
from fastrtc.transport.signalling import (
    END_OF_CANDIDATES,
    Candidate,
    Offer,
    parse_candidate,
    parse_offer,
)

MODES = ("send-receive", "send", "receive")
MODALITIES = ("audio", "video", "audio-video")
DIRECTIONS = ("sendrecv", "sendonly", "recvonly")
SERVES = {
    "send-receive": {"sendrecv", "sendonly", "recvonly"},
    "send": {"sendrecv", "sendonly"},
    "receive": {"sendrecv", "recvonly"},
}

HOST = "candidate:1 1 udp 2122260223 192.168.1.5 50000 typ host"


@functools.cache
def offer(*tracks: str, data: bool = True) -> str:
    """The SDP that aiortc offers; tracks as in `audio:sendonly`."""

    async def make() -> str:
        pc = RTCPeerConnection()
        for track in tracks:
            kind, _, direction = track.partition(":")
            pc.addTransceiver(kind, direction=direction or "sendrecv")
        if data:
            pc.createDataChannel("text")
        try:
            return (await pc.createOffer()).sdp
        finally:
            await pc.close()

    return asyncio.run(make())


def parse(sdp, modality="audio", mode="send-receive", *, extra_tracks=False) -> Offer:
    return parse_offer(sdp, modality, mode, extra_tracks=extra_tracks)


# --- Offers --------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("modality", MODALITIES)
def test_offers_of_every_direction(modality, mode):
    kinds = modality.split("-")
    for directions in itertools.product(DIRECTIONS, repeat=len(kinds)):
        sdp = offer(*(f"{k}:{d}" for k, d in zip(kinds, directions, strict=True)))
        if set(directions) <= SERVES[mode]:
            parsed = parse(sdp, modality, mode)
            assert parsed.later_candidates == ()
            receives = {
                k for k, d in zip(kinds, directions, strict=True) if d in ("sendrecv", "recvonly")
            }
            assert parsed.receives - {"application"} == receives
        else:
            with pytest.raises(InvalidOffer, match=f"Modality must be {modality} in mode {mode}"):
                parse(sdp, modality, mode)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("modality", MODALITIES)
@pytest.mark.parametrize("offered", MODALITIES)
def test_offers_of_every_kind(offered, modality, mode):
    sdp = offer(*offered.split("-"))
    wanted, has = set(modality.split("-")), set(offered.split("-"))
    if has - wanted:
        with pytest.raises(InvalidOffer, match=f"Unsupported track kind {(has - wanted).pop()}"):
            parse(sdp, modality, mode)
    elif wanted - has:
        with pytest.raises(InvalidOffer, match="Modality must be audio-video.*has no"):
            parse(sdp, modality, mode)
    else:
        assert isinstance(parse(sdp, modality, mode), Offer)
    if not wanted - has:
        assert isinstance(parse(sdp, modality, mode, extra_tracks=True), Offer)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("modality", MODALITIES)
@pytest.mark.parametrize("extra_tracks", [True, False])
def test_a_data_channel_alone_is_not_enough(modality, mode, extra_tracks):
    with pytest.raises(InvalidOffer, match=f"Modality must be {modality}.*has no"):
        parse(offer(), modality, mode, extra_tracks=extra_tracks)


def test_no_data_channel_is_needed():
    assert isinstance(parse(offer("audio", data=False)), Offer)


def test_a_second_track_of_a_kind_is_extra():
    sdp = offer("audio:recvonly", "audio:sendonly")
    with pytest.raises(InvalidOffer, match="Unsupported track kind audio: more than one"):
        parse(sdp)
    assert isinstance(parse(sdp, mode="send", extra_tracks=True), Offer)


def test_extra_tracks_do_not_stand_in_for_the_right_ones():
    with pytest.raises(InvalidOffer, match="Modality must be audio in mode send"):
        parse(offer("audio:recvonly", "video:sendonly"), mode="send", extra_tracks=True)


def test_a_track_without_a_direction_goes_both_ways():
    sdp = offer("audio").replace("a=sendrecv\r\n", "")
    assert "audio" in parse(sdp).receives


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


@settings(deadline=None)
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


@settings(deadline=None)
@given(st.lists(LINES, max_size=20), OPTIONS)
def test_any_lines(lines, options):
    offer_or_refusal("v=0\r\n" + "\r\n".join(lines), options)


@settings(deadline=None)
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


@settings(deadline=None)
@given(st.sampled_from(MODALITIES), edits, OPTIONS)
def test_offers_with_mistakes(offered, edits, options):
    lines = offer(*offered.split("-")).split("\r\n")
    for edit in edits:
        lines = edited(lines, edit)
    offer_or_refusal("\r\n".join(lines), options)


# --- Candidates ----------------------------------------------------------------------------------

CHROME = {
    "candidate": "candidate:842163049 1 udp 1677729535 203.0.113.7 46154 typ srflx "
    "raddr 192.168.1.5 rport 46154 generation 0 ufrag 8Vwv network-cost 999",
    "sdpMid": "0",
    "sdpMLineIndex": 0,
    "usernameFragment": "8Vwv",
}
FIREFOX = {
    "candidate": "candidate:0 1 UDP 2122252543 192.168.1.5 44551 typ host",
    "sdpMid": "0",
    "sdpMLineIndex": 0,
    "usernameFragment": "f3a1b2c4",
}
FIREFOX_TCP = {
    "candidate": "candidate:3 1 TCP 2105524479 192.168.1.5 9 typ host tcptype active",
    "sdpMid": "1",
}
SAFARI = {
    "candidate": "candidate:1 1 udp 2113937151 5f6c3d1e-0a4b.local 61665 typ host generation 0 "
    "ufrag rXJ2 network-cost 50",
    "sdpMLineIndex": 1,
}


@pytest.mark.parametrize(
    ("value", "ip", "port", "type", "mid", "index"),
    [
        (CHROME, "203.0.113.7", 46154, "srflx", "0", 0),
        (FIREFOX, "192.168.1.5", 44551, "host", "0", 0),
        (FIREFOX_TCP, "192.168.1.5", 9, "host", "1", None),
        (SAFARI, "5f6c3d1e-0a4b.local", 61665, "host", None, 1),
        (HOST, "192.168.1.5", 50000, "host", None, 0),
        (f"a={HOST}\r\n", "192.168.1.5", 50000, "host", None, 0),
        (HOST.removeprefix("candidate:"), "192.168.1.5", 50000, "host", None, 0),
        ({"candidate": HOST}, "192.168.1.5", 50000, "host", None, 0),
        ({**FIREFOX, "sdpMid": "", "sdpMLineIndex": 2}, "192.168.1.5", 44551, "host", None, 2),
        ({"candidate": HOST, "sdpMid": None}, "192.168.1.5", 50000, "host", None, 0),
        ({"candidate": HOST, "sdpMid": "audio"}, "192.168.1.5", 50000, "host", "audio", None),
        ({"candidate": HOST.replace("192.168.1.5", "fe80::1")}, "fe80::1", 50000, "host", None, 0),
    ],
    ids=[
        "Chrome", "Firefox", "Firefox TCP", "Safari", "text", "line", "bare text", "object",
        "empty mid", "null mid", "mid", "IPv6",
    ],
)  # fmt: skip
def test_candidates_as_browsers_send_them(value, ip, port, type, mid, index):
    candidate = parse_candidate(value).candidate
    assert candidate is not None
    assert (candidate.ip, candidate.port, candidate.type) == (ip, port, type)
    assert (candidate.sdpMid, candidate.sdpMLineIndex) == (mid, index)
    assert candidate.component == 1


def test_details_of_candidates():
    chrome = parse_candidate(CHROME).candidate
    assert (chrome.relatedAddress, chrome.relatedPort) == ("192.168.1.5", 46154)
    assert (chrome.foundation, chrome.priority, chrome.protocol) == ("842163049", 1677729535, "udp")
    assert parse_candidate(FIREFOX_TCP).candidate.tcpType == "active"


@pytest.mark.parametrize(
    "value",
    [
        None,
        "",
        {},
        {"candidate": ""},
        {"candidate": None},
        {"candidate": "", "sdpMid": "0", "sdpMLineIndex": 0, "usernameFragment": "8Vwv"},
        {"candidate": "", "sdpMid": "", "sdpMLineIndex": None},
    ],
    ids=str,
)
def test_the_end_of_candidates(value):
    assert parse_candidate(value) == END_OF_CANDIDATES == Candidate(None)


@pytest.mark.parametrize("text", ["end-of-candidates", "a=end-of-candidates", " ", "candidate:"])
def test_the_end_of_candidates_as_text(text):
    for value in (text, {"candidate": text, "sdpMid": "0"}):
        assert parse_candidate(value) == END_OF_CANDIDATES


@pytest.mark.parametrize(
    "value",
    [
        "hello",
        "candidate:1 1 udp",
        HOST.replace("50000", "many"),
        HOST.replace("50000", "65536"),
        HOST.replace("50000", "-1"),
        HOST.replace("2122260223", "high"),
        HOST + " rport x",
        5,
        True,
        [HOST],
        b"candidate",
        {"candidate": 5},
        {"candidate": [HOST]},
        {"candidate": {"candidate": HOST}},
        {"candidate": HOST, "sdpMid": 0},
        {"candidate": HOST, "sdpMLineIndex": "0"},
        {"candidate": HOST, "sdpMLineIndex": 1.5},
        {"candidate": HOST, "sdpMLineIndex": True},
    ],
    ids=str,
)
def test_garbage(value):
    with pytest.raises(InvalidCandidate) as caught:
        parse_candidate(value)
    assert str(caught.value)
    assert isinstance(caught.value, ValueError)


def candidate_or_refusal(value) -> None:
    try:
        assert isinstance(parse_candidate(value), Candidate)
    except InvalidCandidate:
        pass


json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)


@settings(deadline=None)
@given(json | st.binary())
def test_any_value(value):
    candidate_or_refusal(value)


@settings(deadline=None)
@given(
    st.fixed_dictionaries(
        {"candidate": json},
        optional={"sdpMid": json, "sdpMLineIndex": json, "usernameFragment": json},
    )
)
def test_any_fields(value):
    candidate_or_refusal(value)


@settings(deadline=None)
@given(
    st.lists(
        st.sampled_from([*CHROME["candidate"].split(), *FIREFOX_TCP["candidate"].split(), ""])
        | st.text(max_size=6)
        | st.integers().map(str),
        max_size=16,
    )
)
def test_any_words(words):
    candidate_or_refusal(" ".join(words))


def test_a_long_candidate_gives_a_short_message():
    with pytest.raises(InvalidCandidate) as caught:
        parse_candidate("x" * 100_000)
    assert len(str(caught.value)) < 300
