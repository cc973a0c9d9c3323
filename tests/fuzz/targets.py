"""What is fuzzed: a function of bytes for each reader."""

import contextlib
import itertools
import json
from collections.abc import Callable
from typing import Any

import atheris

with atheris.instrument_imports(include=["fastrtc", "aiortc.sdp", "aiortc.rtcsctptransport"]):
    from fastrtc.core.errors import InvalidCandidate, InvalidOffer
    from fastrtc.transport._compat_limits import vp8_size
    from fastrtc.transport.signalling import parse_candidate, parse_offer
    from fastrtc.transport.telephony.address import public_host
    from fastrtc.transport.telephony.protocol import PhoneProtocol
    from fastrtc.transport.websocket_messages import BrowserMessages

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


def host(data: bytes) -> None:
    forwarded, _, host_header = data.decode("latin-1").partition("\n")
    headers = {"forwarded": forwarded, "x-forwarded-host": forwarded, "host": host_header}
    found = public_host(headers)
    assert found is None or not set(found) & set(" /\r\n\"'<>"), found


def vp8(data: bytes) -> None:
    size = vp8_size(data)
    assert size is None or all(0 <= side < 1 << 14 for side in size)


TARGETS: dict[str, Callable[[bytes], None]] = {
    function.__name__: function for function in (offer, candidate, websocket, telephone, host, vp8)
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
    "vp8": [b"\x50\x06\x00\x9d\x01\x2a\xa0\x00\x78\x00"],
}
