"""Fragments with candidates, as in RFC 8840 and RFC 9725, and anything else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastrtc.protocols.ice import Credentials
from fastrtc.protocols.whip.fragment import (
    MAX_FRAGMENT,
    Fragment,
    InvalidFragment,
    parse_fragment,
)
from fastrtc.transport.webrtc.candidates import parse_candidate

# RFC 9725 section 4.3.2
TRICKLE = """\
a=group:BUNDLE 0 1
m=audio 9 UDP/TLS/RTP/SAVPF 111
a=mid:0
a=ice-ufrag:EsAw
a=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1
a=candidate:1387637174 1 udp 2122260223 192.0.2.1 61764 typ host generation 0 ufrag EsAw
a=candidate:473322822 1 tcp 1518280447 192.0.2.1 9 typ host tcptype active generation 0
a=end-of-candidates
"""
OWN = Credentials("EsAw", "P2uYro0UCOQ4zxjKXaWCBui1")


def test_candidates_of_a_trickling_client() -> None:
    fragment = parse_fragment(TRICKLE)
    assert fragment.credentials == (OWN,) and fragment.ended
    first, second = (parse_candidate(one).candidate for one in fragment.candidates)
    assert first is not None and (first.ip, first.port, first.sdpMid) == ("192.0.2.1", 61764, "0")
    assert second is not None and second.protocol == "tcp"
    assert not fragment.restarts([OWN])


def test_credentials_at_the_level_of_the_session_and_crlf() -> None:
    lines = "a=ice-ufrag:EsAw\r\na=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\nm=audio 9 RTP/AVP 0\r\n"
    fragment = parse_fragment(lines + "a=mid:a\r\na=candidate:1 1 udp 1 192.0.2.1 9 typ host\r\n")
    assert fragment.credentials == (OWN,) and not fragment.ended
    assert fragment.candidates[0]["sdpMid"] == "a"


def test_sections_without_a_mid_count() -> None:
    candidate = "a=candidate:1 1 udp 1 192.0.2.1 9 typ host\n"
    fragment = parse_fragment(f"{candidate}m=audio 9 RTP/AVP 0\nm=video 9 RTP/AVP 0\n{candidate}")
    assert [one.get("sdpMLineIndex") for one in fragment.candidates] == [None, 1]


def test_a_restart_is_known_by_other_credentials() -> None:
    restart = parse_fragment("a=ice-ufrag:ysXw\na=ice-pwd:vw5LmwG4y/e6dPP/zAP9Gp5k\n")
    assert restart.restarts([OWN]) and not restart.candidates
    assert not parse_fragment("a=end-of-candidates").restarts([])


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "neither candidates nor ICE credentials"),
        ("m=audio 9 RTP/AVP 0\na=mid:0\n", "neither candidates nor ICE credentials"),
        ("hello", "no line of a fragment"),
        ("a=\n", "no line of a fragment"),
        ("a=ice-ufrag:EsAw\n", "without the other"),
        ("m=audio 9 RTP/AVP 0\na=ice-pwd:x\n", "without the other"),
        ("a=end-of-candidates\x00", "control characters"),
        ("a=x\n" * 1025, "more than 1024 lines"),
        ("m=a\n" * 33, "more than 32 media sections"),
        ("a=x:" + "y" * MAX_FRAGMENT, "longer than"),
    ],
)
def test_malformed_fragments(text: str, reason: str) -> None:
    with pytest.raises(InvalidFragment, match=reason):
        parse_fragment(text)


LINES = st.sampled_from(
    ["a=mid:0", "m=audio 9 RTP/AVP 0", "a=ice-ufrag:EsAw", "a=ice-pwd:x", "a=end-of-candidates"]
) | st.text(max_size=40).map(lambda text: f"a=candidate:{text}")


@given(st.lists(LINES | st.text(max_size=30), max_size=40).map("\n".join) | st.text(max_size=200))
def test_any_text_is_a_fragment_or_an_error(text: str) -> None:
    try:
        fragment = parse_fragment(text)
    except InvalidFragment as error:
        assert str(error)
    else:
        assert isinstance(fragment, Fragment)
        assert fragment.candidates or fragment.credentials or fragment.ended
        for one in fragment.candidates:
            try:
                parse_candidate(one)
            except ValueError:
                pass


TOKENS = st.text("abcdefgh0123456789", min_size=1, max_size=8)


@given(
    mids=st.lists(TOKENS, max_size=5, unique=True),
    counts=st.lists(st.integers(0, 3), min_size=5, max_size=5),
    ends=st.booleans(),
    newline=st.sampled_from(["\n", "\r\n"]),
)
def test_each_candidate_keeps_its_section(
    mids: list[str], counts: list[int], ends: bool, newline: str
) -> None:
    lines, expected = ["a=ice-ufrag:EsAw", f"a=ice-pwd:{OWN.password}"], []
    for mid, count in zip(mids, counts, strict=False):
        lines += ["m=audio 9 RTP/AVP 0", f"a=mid:{mid}"]
        for k in range(count):
            lines.append(f"a=candidate:{k} 1 udp 1 192.0.2.{k} 9 typ host")
            expected.append((mid, f"192.0.2.{k}"))
        lines += ["a=end-of-candidates"] * ends
    fragment = parse_fragment(newline.join(lines) + newline)
    parsed = [parse_candidate(one).candidate for one in fragment.candidates]
    assert [(one.sdpMid, one.ip) for one in parsed if one is not None] == expected
    assert fragment.credentials == (OWN,)
    assert fragment.ended == (ends and bool(mids))
