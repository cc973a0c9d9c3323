"""What is fuzzed: a function of bytes for each reader."""

import contextlib
import itertools
import json
from collections.abc import Callable
from typing import Any

import atheris

with atheris.instrument_imports(include=["fastrtc", "aiortc.sdp", "aiortc.rtcsctptransport"]):
    from aiortc.sdp import SessionDescription

    from fastrtc.core.errors import InvalidCandidate, InvalidOffer
    from fastrtc.core.limits import Limits
    from fastrtc.transport._compat_limits import vp8_size
    from fastrtc.transport.signalling import parse_candidate, parse_offer
    from fastrtc.transport.telephony.address import public_host
    from fastrtc.transport.telephony.protocol import PhoneProtocol
    from fastrtc.transport.websocket_messages import BrowserMessages
from tests.fuzz.cost import budget, expand

__all__ = ["SEEDS", "TARGETS"]

OFFER = """v=0\r
o=- 1 1 IN IP4 0.0.0.0\r
s=-\r
t=0 0\r
a=group:BUNDLE 0\r
m=audio 9 UDP/TLS/RTP/SAVPF 96 0\r
c=IN IP4 0.0.0.0\r
a=sendrecv\r
a=mid:0\r
a=rtcp-mux\r
a=rtpmap:96 opus/48000/2\r
a=fmtp:96 useinbandfec=1\r
a=candidate:1 1 udp 2122260223 192.168.1.5 5000 typ host\r
a=candidate:2 1 udp 2122260223 4b4c.local 5000 typ host generation 0\r
a=ice-ufrag:abcd\r
a=ice-pwd:abcdefghijklmnopqrstuv\r
a=fingerprint:sha-256 00:11:22:33\r
a=setup:actpass\r
"""


def offer(data: bytes) -> None:
    with contextlib.suppress(InvalidOffer):
        parse_offer(data.decode(errors="replace"), "audio", "send-receive", extra_tracks=True)


def candidate(data: bytes) -> None:
    value: Any = data.decode(errors="replace")
    with contextlib.suppress(ValueError, RecursionError):
        value = json.loads(value)
    with contextlib.suppress(InvalidCandidate):
        parse_candidate(value)


def websocket(data: bytes) -> None:
    _converse(BrowserMessages(), data)


def telephone(data: bytes) -> None:
    _converse(PhoneProtocol(), data)


def _converse(protocol: Any, data: bytes) -> None:
    """Lines are messages; one that begins with a null byte is binary."""
    for line in itertools.islice(data.split(b"\n"), 20):
        binary = line.startswith(b"\0")
        protocol.receive(line[1:] if binary else line.decode(errors="replace"))


def offer_cost(data: bytes) -> None:
    """An offer of up to 64 KiB; what is made of it is parsed again by aiortc, on the loop."""
    sdp = expand(data.decode(errors="replace"), Limits().offer_bytes)
    with budget(), contextlib.suppress(InvalidOffer):
        parsed = parse_offer(sdp, "audio-video", "send-receive", extra_tracks=True)
        parsed.complete_answer(str(SessionDescription.parse(parsed.sdp)))


def candidate_cost(data: bytes) -> None:
    """A candidate in a body of up to 64 KiB."""
    text = expand(data.decode(errors="replace"), Limits().offer_bytes)
    with budget():
        candidate(text.encode(errors="replace"))
        with contextlib.suppress(InvalidCandidate):
            parse_candidate(text)


def message_cost(data: bytes) -> None:
    """A message of up to 64 KiB to a WebSocket, then the same as a provider of telephones."""
    text = expand(data.decode(errors="replace"), 64 << 10)
    for protocol in (BrowserMessages(), PhoneProtocol()):
        with budget():
            protocol.receive(text.replace("\n", ""))
            protocol.receive(text)


def host_cost(data: bytes) -> None:
    """Headers of up to 64 KiB, which is what `uvicorn` takes."""
    with budget():
        host(expand(data.decode("latin-1"), 64 << 10).replace("\n", ",").encode("latin-1"))


def host(data: bytes) -> None:
    forwarded, _, host_header = data.decode("latin-1").partition("\n")
    headers = {"forwarded": forwarded, "x-forwarded-host": forwarded, "host": host_header}
    found = public_host(headers)
    assert found is None or not set(found) & set(" /\r\n\"'<>"), found


def vp8(data: bytes) -> None:
    size = vp8_size(data)
    assert size is None or all(0 <= side < 1 << 14 for side in size)


TARGETS: dict[str, Callable[[bytes], None]] = {
    function.__name__: function
    for function in (
        offer,
        candidate,
        websocket,
        telephone,
        host,
        vp8,
        offer_cost,
        candidate_cost,
        message_cost,
        host_cost,
    )
}

START = {"streamSid": "MZ1", "callSid": "CA1", "mediaFormat": {"encoding": "audio/x-mulaw"}}
SEEDS: dict[str, list[bytes]] = {
    "offer": [OFFER.encode()],
    "candidate": [
        b"candidate:1 1 udp 2122260223 192.168.1.5 5000 typ srflx raddr 10.0.0.1 rport 9",
        b'{"candidate": "candidate:1 1 tcp 1 ::1 9 typ host tcptype active", "sdpMid": "0"}',
    ],
    "websocket": [
        b'{"event": "start", "websocket_id": "a"}\n'
        b'{"event": "media", "media": {"payload": "//8="}}\n{"event": "stop"}',
        b'{"event": "start", "websocket_id": "a", "audio": {"encoding": "pcm16", "binary": true,'
        b' "input_sample_rate": 48000}}\n\0abcd\n{"event": "ping"}',
    ],
    "telephone": [
        json.dumps({"event": "start", "streamSid": "MZ1", "start": START}).encode()
        + b'\n{"event": "media", "media": {"payload": "//8="}}\n'
        b'{"event": "dtmf", "dtmf": {"digit": "5"}}\n{"event": "mark", "mark": {"name": "m1"}}',
        b'{"event": "start", "stream_id": "s", "start": {"media_format": {"encoding": "PCMU",'
        b' "sample_rate": 8000}}}\n{"event": "error", "payload": {"code": 1}}',
        b'{"event": "start", "start": {"streamId": "s", "callId": "c", "mediaFormat":'
        b' {"encoding": "audio/x-l16", "sampleRate": 16000}}, "extra_headers": "{a: b}"}',
    ],
    "host": [b'for=1.2.3.4;host="example.com:8443";proto=https\nlocalhost:80', b"[::1]:80\na"],
    "offer_cost": [
        OFFER.encode() + lines
        for lines in (
            b"*99*a=rtpmap:# a/1\n*256*a=rtcp-fb:* a",
            b"*128*a=rtpmap:# opus/48000/2\n*128*a=fmtp:96 a=b;c=#",
            b"*64*a=ssrc:# cname:a\n*32*a=ssrc-group:FID #\n*64*a=extmap:# urn:a",
            b"*9*a=fingerprint:a #\n*9*a=ice-options:#\n*9*a=msid:a #\n*5000*a=x#",
            b"*64*a=candidate:# 1 udp 1 10.0.0.1 9 typ host\n*9*a=sctpmap:# a 1",
            b"m=video 9 UDP/TLS/RTP/SAVPF 97 98\na=mid:1\n*40*a=rtpmap:# H264/90000\n"
            b"*40*a=fmtp:# profile-level-id=42e01f;packetization-mode=1\n*40*a=rtcp-fb:# nack pli",
            b"*30*m=application 9 UDP/DTLS/SCTP webrtc-datachannel\na=mid:#\na=sctp-port:5000",
        )
    ],
    "candidate_cost": [
        b"candidate:1 1 udp 2122260223 192.168.1.5 5000 typ host\n*500* raddr 10.0.0.1 rport #",
        b'{"candidate": {\n*900*"a#": [\n"sdpMid": "0"',
    ],
    "message_cost": [
        b'{"event": "start", "streamSid": "a", "start": {"customParameters": {\n'
        b'*900*"p#": "a",\n"x": 1}}}',
        b'{"event": "media", "media": {"payload": "\n*500*//8//8//8\n"}}',
        b"*5000*[\n*5000*{}\n",
    ],
    "host_cost": [b'*900*for=1.2.3.4;host="example.com:#";proto=https', b"*900*[::#]:80"],
    "vp8": [b"\x50\x06\x00\x9d\x01\x2a\xa0\x00\x78\x00"],
}
