from __future__ import annotations

import re

import pytest
from aiortc.rtcdtlstransport import X509_DIGEST_ALGORITHMS

from fastrtc.core.errors import InvalidOffer
from fastrtc.transport.webrtc.candidates import parse_candidate
from fastrtc.transport.webrtc.offer_sections import HASHES
from tests.transport.webrtc.offers import (
    HOST,
    MODALITIES,
    MODES,
    offer,
    parse,
    sections,
    with_codecs,
)


def without_transport(section: str) -> str:
    """A section that is bundle-only, as RFC 8829 section 5.2.1 has it."""
    own = ("a=ice-", "a=fingerprint:", "a=setup:", "a=rtcp-mux", "a=candidate:", "a=end-of")
    lines = [line for line in section.splitlines() if not line.startswith(own)]
    first, rest = lines[0].split(" ", 2), lines[1:]
    return "\r\n".join([f"{first[0]} 0 {first[2]}", "a=bundle-only", *rest]) + "\r\n"


def refuse(section: str) -> str:
    """A section as the client itself rejects it (RFC 3264 section 6)."""
    return re.sub(r"^(m=\w+) \d+", r"\1 0", section)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("unused", ["video:recvonly", "video:inactive", "audio:inactive"])
def test_sections_that_are_not_to_send_are_answered(unused, mode):
    parsed = parse(offer("audio", unused), mode=mode)
    assert parsed.sdp.count("m=") == 3
    assert parsed.rejected == ()
    assert {*parsed.sources.values(), *parsed.sinks.values()} == {"0"}


@pytest.mark.parametrize(
    ("parameters", "fec", "dtx"),
    [
        ("", False, False),
        ("minptime=10;useinbandfec=1", True, False),
        ("usedtx=1;useinbandfec=0", False, True),
        ("useinbandfec=2;usedtx=0", False, False),
    ],
)
def test_fec_and_dtx_are_what_the_receiver_of_audio_asks_for(parameters, fec, dtx):
    lines = re.sub(
        r"(?<=\r\n)(a=rtpmap:(\d+) opus/48000/2\r\n)",
        rf"\1a=fmtp:\2 {parameters}\r\n" if parameters else r"\1",
        offer("audio"),
    )
    parsed = parse(lines)
    assert (parsed.fec, parsed.dtx) == (fec, dtx)
    sent = parse(lines, mode="send")  # nothing is sent to the client
    assert (sent.fec, sent.dtx) == (False, False)


@pytest.mark.parametrize("modality", MODALITIES)
def test_a_camera_or_microphone_that_is_off(modality):
    parsed = parse(offer("audio:inactive", "video:inactive"), modality)
    assert (parsed.sources, parsed.sinks, parsed.receives) == ({}, {}, frozenset())


@pytest.mark.parametrize("data", [True, False])
def test_bundle_only_sections_have_the_transport_of_the_first(data):
    head, audio, *rest = sections(offer("audio", "video", data=data))
    sdp = head + audio + "".join(map(without_transport, rest))
    parsed = parse(sdp, "audio-video")
    assert parsed.sources == {"audio": "0", "video": "1"}
    password = re.search("a=ice-pwd:.*\r\n", audio)[0]
    fingerprints = re.findall("a=fingerprint:.*\r\n", audio)
    for section in sections(parsed.sdp)[1:]:
        assert password in section and all(f in section for f in fingerprints)
        assert "a=rtcp-mux" in section or section.startswith("m=application")


def test_a_section_outside_the_bundle_has_no_transport_but_its_own():
    head, audio, video = sections(offer("audio", "video", data=False))
    sdp = head.replace("BUNDLE 0 1", "BUNDLE 0") + audio + without_transport(video)
    with pytest.raises(InvalidOffer, match="ICE credentials"):
        parse(sdp, "audio-video")


def test_rejected_sections_stay_rejected():
    head, audio, video, data = sections(offer("audio", "video"))
    head = head.replace("BUNDLE 0 1 2", "BUNDLE 0 2")
    parsed = parse(head + audio + refuse(video) + data, "audio-video")
    assert parsed.sources == parsed.sinks == {"audio": "0"}
    assert [section.split()[0] for section in sections(parsed.sdp)[1:]] == [
        "m=audio",
        "m=application",
    ]
    [(index, text)] = parsed.rejected
    assert index == 1
    assert text.startswith("m=video 0 UDP/TLS/RTP/SAVPF ") and "\r\na=mid:1\r\n" in text
    answer = parsed.complete_answer(parsed.sdp)
    assert [s.split()[0] for s in sections(answer)[1:]] == ["m=audio", "m=video", "m=application"]
    assert answer.replace(text, "") == parsed.sdp


def test_an_answer_has_the_fingerprints_of_the_hash_functions_of_its_offer():
    all_of_them = offer("audio")
    one = re.sub(r"a=fingerprint:sha-(384|512).*\r\n", "", all_of_them)
    assert one.count("a=fingerprint:sha-256 ") == 2 and len(one) < len(all_of_them)
    assert parse(one).complete_answer(all_of_them) == one
    assert parse(all_of_them).complete_answer(all_of_them) == all_of_them


@pytest.mark.parametrize("algorithm", ["sha-1", "md5", "sha-224"])
def test_an_offer_with_only_old_hash_functions_is_refused(algorithm):
    """aiortc would refuse the certificate after the handshake, without a reason."""
    old = re.sub("a=fingerprint:sha-[0-9]+", f"a=fingerprint:{algorithm}", offer("audio"))
    with pytest.raises(InvalidOffer, match="no DTLS fingerprint with SHA-256"):
        parse(old)
    both = re.sub("(?=a=fingerprint:sha-256)", f"a=fingerprint:{algorithm} 00\r\n", offer("audio"))
    assert parse(both.replace("sha-256", "SHA-256")).sources == {"audio": "0"}


def test_the_known_hash_functions_are_those_of_aiortc():
    assert set(HASHES) == set(X509_DIGEST_ALGORITHMS)


def test_a_second_data_section_and_other_media_are_rejected():
    head, audio, data = sections(offer("audio"))
    text = "m=text 9 UDP/TLS/RTP/SAVPF 98\r\na=mid:t\r\na=rtpmap:98 t140/1000\r\n"
    parsed = parse(head + audio + text + data + data.replace("a=mid:1", "a=mid:2"))
    assert [index for index, _ in parsed.rejected] == [1, 3]
    assert parsed.rejected[0][1] == (
        "m=text 0 UDP/TLS/RTP/SAVPF 98\r\nc=IN IP4 0.0.0.0\r\na=mid:t\r\n"
    )


def test_an_unused_section_without_a_codec_of_ours_is_rejected_also_as_the_first():
    head, video, audio, data = sections(offer("video:recvonly", "audio"))
    sdp = head + with_codecs(video, "VP9/90000") + without_transport(audio) + data
    sdp += f"a={HOST}\r\n"  # of the data section: nothing, once it is bundled
    own = [f"a={HOST.replace('50000', port)}\r\n" for port in ("50001", "50002")]
    parsed = parse(sdp.replace("a=mid:0\r\n", f"a=mid:0\r\n{''.join(own)}"))
    assert [index for index, _ in parsed.rejected] == [0]
    assert parsed.sdp.index("BUNDLE 1 2") < parsed.sdp.index("m=audio")
    assert all(line in sections(parsed.sdp)[1] for line in own)


def test_trickled_candidates_of_a_rejected_section():
    head, video, audio, data = sections(offer("video:recvonly", "audio"))
    head = head.replace("BUNDLE 0 1 2", "BUNDLE 1 2")
    parsed = parse(head + refuse(video) + audio + data)

    def placed(**fields):
        return parsed.place(parse_candidate({"candidate": HOST, **fields}).candidate)

    assert placed(sdpMid="0") is placed(sdpMLineIndex=0) is placed(sdpMid="0", sdpMLineIndex=1)
    assert placed(sdpMid="0") is None
    for place, fields in enumerate([{"sdpMid": "1"}, {"sdpMid": "2", "sdpMLineIndex": 2}]):
        found = placed(**fields)
        assert (found.sdpMid, found.sdpMLineIndex) == (None, place)
    for unknown in ({"sdpMid": "9"}, {"sdpMLineIndex": 9}, {"sdpMLineIndex": -1}):
        assert placed(**unknown) == parse_candidate({"candidate": HOST, **unknown}).candidate


def test_candidates_of_a_rejected_first_section_are_the_bundles():
    head, video, audio, data = sections(offer("video:recvonly", "audio"))
    mdns = "a=candidate:1 1 udp 2122260223 4a6e.local 50000 typ host\r\n"
    parsed = parse(head + with_codecs(video, "AV1/90000") + mdns + audio + data)
    trickled = parsed.place(parse_candidate({"candidate": HOST, "sdpMid": "0"}).candidate)
    assert trickled.sdpMLineIndex == 0
    assert [candidate.sdpMLineIndex for candidate in parsed.later_candidates] == [0]


def test_two_sections_with_one_mid():
    with pytest.raises(InvalidOffer, match="two sections have the same mid"):
        parse(offer("audio", "video").replace("a=mid:1", "a=mid:0"), "audio-video")


@pytest.mark.parametrize(("video", "one"), [("peer", True), ("another", False), (None, True)])
def test_streams_of_one_cname_have_one_clock(video, one):
    head, *media = sections(offer("audio", "video"))
    names = ("peer", video, "peer")
    named = [
        re.sub(r" cname:\S+", f" cname:{name}" if name else " msid:- track", section)
        for section, name in zip(media, names, strict=True)
    ]
    assert all(" cname:" in section for section in media[:2])
    assert parse(head + "".join(named), "audio-video").one_clock is one
