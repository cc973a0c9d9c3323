from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastrtc.core.errors import InvalidCandidate
from fastrtc.transport.webrtc.candidates import END_OF_CANDIDATES, Candidate, parse_candidate
from tests.transport.webrtc.offers import (
    HOST,
)

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


@given(json | st.binary())
def test_any_value(value):
    candidate_or_refusal(value)


@given(
    st.fixed_dictionaries(
        {"candidate": json},
        optional={"sdpMid": json, "sdpMLineIndex": json, "usernameFragment": json},
    )
)
def test_any_fields(value):
    candidate_or_refusal(value)


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


@pytest.mark.parametrize(
    "value",
    [
        None,
        {"candidate": "candidate:1 1 udp 2130706431 192.0.2.1 5000 typ host", "sdpMid": "0"},
        {"candidate": "candidate:1 1 udp 1 192.0.2.1 5000 typ host", "sdpMLineIndex": 1},
    ],
)
def test_a_candidate_can_be_sent_on(value: Any) -> None:
    parsed = parse_candidate(value)
    assert parse_candidate(parsed.to_json()) == parsed
