"""What is fuzzed: a function of bytes for each reader."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import functools
import itertools
import json
import struct
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import atheris
from fastapi import HTTPException, Request, Response

with atheris.instrument_imports(
    include=[
        "fastrtc",
        "aioice.stun",
        "aiortc.rtcsctptransport",
        "aiortc.rtp",
        "aiortc.sdp",
        "python_multipart",
    ]
):
    from aioice import stun
    from aiortc.rtcsctptransport import SackChunk, parse_packet, serialize_packet
    from aiortc.rtp import RtcpPacket
    from aiortc.sdp import SessionDescription

    from fastrtc.core.errors import InvalidCandidate, InvalidOffer, Unauthorized
    from fastrtc.core.identity import Headers
    from fastrtc.core.limits import Limits
    from fastrtc.handlers.stream import AsyncStreamHandler
    from fastrtc.protocols.openai_realtime.machine import RealtimeMachine
    from fastrtc.protocols.openai_realtime.response import Ids
    from fastrtc.protocols.openai_realtime.session_config import SessionConfig
    from fastrtc.protocols.rtvi.messages import InvalidMessage, read_text
    from fastrtc.protocols.rtvi.offers import InvalidRequest, read_candidates, read_offer
    from fastrtc.protocols.rtvi.outgoing import Outgoing
    from fastrtc.protocols.whip.fragment import InvalidFragment, parse_fragment
    from fastrtc.server.telephone import Telephone
    from fastrtc.server.tokens import Tokens, find_token
    from fastrtc.session.hooks import Hooks
    from fastrtc.session.session import Session
    from fastrtc.transport.socket.messages import BrowserMessages
    from fastrtc.transport.telephony.address import public_host
    from fastrtc.transport.telephony.protocol import PhoneProtocol
    from fastrtc.transport.webrtc._aiortc.picture_size import vp8_size
    from fastrtc.transport.webrtc.candidates import parse_candidate
    from fastrtc.transport.webrtc.packet_budget import (
        MAX_DATAGRAM,
        MalformedPacket,
        clip_gaps,
        sctp_chunks,
    )
    from fastrtc.transport.webrtc.signalling import parse_offer
    from tests.fuzz import faces
from tests.fuzz.cost import assert_cheap, expand

__all__ = ["BY_LINE", "SEEDS", "TARGETS"]

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


def fragment(data: bytes) -> None:
    """A fragment with candidates, which a WHIP client sends."""
    with contextlib.suppress(InvalidFragment):
        for one in parse_fragment(data.decode(errors="replace")).candidates:
            with contextlib.suppress(InvalidCandidate):
                parse_candidate(one)


def fragment_cost(data: bytes) -> None:
    """A fragment of up to 64 KiB."""
    text = expand(data.decode(errors="replace"), Limits().offer_bytes)
    assert_cheap(lambda: fragment(text.encode(errors="replace")))


def realtime(data: bytes) -> None:
    """Events of a client of the OpenAI Realtime API, one in each line."""
    machine = RealtimeMachine(SessionConfig("sess_1", "model", None), Ids("a"))
    machine.begin()
    for line in data.split(b"\n"):
        machine.receive(line)
        events, _ = machine.take()
        json.dumps(events)


def realtime_cost(data: bytes) -> None:
    """Many of them, or long ones."""
    text = expand(data.decode(errors="replace"), Limits().message_bytes)
    assert_cheap(lambda: realtime(text.encode(errors="replace")))


def rtvi(data: bytes) -> None:
    """Lines are texts of an RTVI client, bodies of its requests, and messages to it."""
    outgoing = Outgoing()
    for line in itertools.islice(data.split(b"\n"), 20):
        text = line.decode(errors="replace")
        with contextlib.suppress(InvalidMessage):
            read_text(text)
        for read in (read_offer, read_candidates):
            with contextlib.suppress(InvalidRequest):
                read(line)
        outgoing.expect(text[:9], text)
        for message in outgoing.translate(text):
            json.loads(message)


def rtvi_cost(data: bytes) -> None:
    """A text or a body of up to 64 KiB."""
    text = expand(data.decode(errors="replace"), Limits().offer_bytes)
    assert_cheap(lambda: rtvi(text.replace("\n", "").encode(errors="replace")))


@functools.cache
def _faces() -> faces.Faces:
    return faces.Faces()


def requests(data: bytes) -> None:
    """Requests to the routes of RTVI, WHIP, WHEP and the OpenAI Realtime API: see `faces`."""
    _faces().run(data.decode(errors="replace"))


def requests_cost(data: bytes) -> None:
    """Such requests, of up to 64 KiB."""
    text = expand(data.decode(errors="replace"), Limits().offer_bytes)
    assert_cheap(lambda: _faces().run(text))


def renegotiation(data: bytes) -> None:
    """Offers of an RTVI client that has a connection."""
    _faces().renegotiate(data.decode(errors="replace"))


def websocket(data: bytes) -> None:
    _converse(BrowserMessages(), data)


def telephone(data: bytes) -> None:
    _converse(PhoneProtocol(), data)


def _converse(protocol: Any, data: bytes) -> None:
    """Lines are messages; one that begins with a null byte is binary."""
    for line in itertools.islice(data.split(b"\n"), 20):
        binary = line.startswith(b"\0")
        protocol.receive(line[1:] if binary else line.decode(errors="replace"))


class _Listening(AsyncStreamHandler):
    """A handler that gets the messages of its client."""

    async def receive(self, frame: Any) -> None: ...

    async def emit(self) -> None: ...

    def copy(self) -> _Listening:
        return _Listening()

    async def on_message(self, message: dict[str, Any]) -> None:
        assert isinstance(message["type"], str)


def client_message(data: bytes) -> None:
    """Lines are the messages of one client of a stream with a method."""

    async def receive() -> None:
        methods = {"double": (lambda value: value * 2, 1)}
        session = Session(
            "fuzz",
            _Listening(),
            deliver=lambda outputs: None,
            release=lambda session: None,
            hooks=Hooks(methods=methods),
        )
        sent: list[str] = []
        session.outbox.open(sent.append)
        for line in itertools.islice(data.decode(errors="replace").split("\n"), 20):
            session.messages.receive_text(line)
        assert all(len(text) < 70_000 for text in sent)
        session.close("enough")
        await session.closed.wait()

    asyncio.run(receive())


def token(data: bytes) -> None:
    """No token but those that were issued is accepted."""
    text = data.decode("latin-1")
    headers = Headers([("authorization", f"Bearer {text}"), ("sec-websocket-protocol", text)])
    for one in (text, find_token(headers, {"token": text}) or ""):
        with contextlib.suppress(Unauthorized):
            TOKENS.verify(one)
            raise AssertionError("a token was forged")


def client_message_cost(data: bytes) -> None:
    """A message of up to 64 KiB, and a token as long."""
    text = expand(data.decode(errors="replace"), 64 << 10)
    assert_cheap(lambda: client_message(text.replace("\n", "").encode(errors="replace")))
    assert_cheap(lambda: token(text.encode("latin-1", errors="replace")))


def offer_cost(data: bytes) -> None:
    """An offer of up to 64 KiB; what is made of it is parsed again by aiortc, on the loop."""
    sdp = expand(data.decode(errors="replace"), Limits().offer_bytes)

    def read() -> None:
        with contextlib.suppress(InvalidOffer):
            parsed = parse_offer(sdp, "audio-video", "send-receive", extra_tracks=True)
            parsed.complete_answer(str(SessionDescription.parse(parsed.sdp)))

    assert_cheap(read)


def candidate_cost(data: bytes) -> None:
    """A candidate in a body of up to 64 KiB."""
    text = expand(data.decode(errors="replace"), Limits().offer_bytes)

    def read() -> None:
        candidate(text.encode(errors="replace"))
        with contextlib.suppress(InvalidCandidate):
            parse_candidate(text)

    assert_cheap(read)


def message_cost(data: bytes) -> None:
    """A message of up to 64 KiB to a WebSocket, then the same as a provider of telephones."""
    text = expand(data.decode(errors="replace"), 64 << 10)

    def read(kind: type[BrowserMessages | PhoneProtocol]) -> None:
        protocol = kind()
        protocol.receive(text.replace("\n", ""))
        protocol.receive(text)

    for kind in (BrowserMessages, PhoneProtocol):
        assert_cheap(functools.partial(read, kind))


def host_cost(data: bytes) -> None:
    """Headers of up to 64 KiB, which is what `uvicorn` takes."""
    headers = expand(data.decode("latin-1"), 64 << 10).replace("\n", ",").encode("latin-1")
    assert_cheap(lambda: host(headers))


def conversation_cost(data: bytes) -> None:
    """Some thousands of messages to one WebSocket, then the same by way of a telephone."""
    text = expand(data.decode(errors="replace"), 128 << 10)

    def read(kind: type[BrowserMessages | PhoneProtocol]) -> None:
        protocol = kind()
        for line in text.split("\n"):
            for event in protocol.receive(line):
                assert dataclasses.is_dataclass(event), event

    for kind in (BrowserMessages, PhoneProtocol):
        assert_cheap(functools.partial(read, kind))


def webhook(data: bytes) -> None:
    """A request as Twilio sends it when a call comes in: query, headers, an empty line, a form."""
    for telephone in UNSIGNED, SIGNED:
        answering = telephone.answer(_request(data), has_voice=True, reserve=_reserve)
        with contextlib.suppress(HTTPException):
            answer = _finished(answering)
            if answer.status_code == 200:
                assert telephone is UNSIGNED, "a signature was forged"
                ElementTree.fromstring(answer.body)


async def _reserve(id: str | None) -> bool:
    return True


def _request(data: bytes) -> Request:
    head, _, form = data.partition(b"\n\n")
    query, *lines = head.split(b"\n")
    pairs = (line.partition(b":") for line in lines)
    return Request(
        {
            "type": "http",
            "method": "POST" if form else "GET",
            "scheme": "http",
            "path": "/telephone/incoming",
            "query_string": query,
            "headers": [(name.strip().lower(), value.strip()) for name, _, value in pairs],
            "server": ("127.0.0.1", 8000),
        },
        _receives(form),
    )


def webhook_cost(data: bytes) -> None:
    """A form of up to 64 KiB, or headers as long."""
    text = expand(data.decode("latin-1"), 64 << 10)
    assert_cheap(lambda: webhook(text.encode("latin-1")))


def _receives(body: bytes) -> Callable[[], Coroutine[Any, Any, dict[str, Any]]]:
    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body}

    return receive


def _finished(coroutine: Coroutine[Any, Any, Response]) -> Response:
    """Run what has nothing to wait for."""
    try:
        coroutine.send(None)
    except StopIteration as stopped:
        answer: Response = stopped.value
        return answer
    raise AssertionError("it waits for something")


TOKENS = Tokens("a secret that nothing guesses")
UNSIGNED, SIGNED = Telephone(), Telephone("a token")


def host(data: bytes) -> None:
    forwarded, _, host_header = data.decode("latin-1").partition("\n")
    headers = {"forwarded": forwarded, "x-forwarded-host": forwarded, "host": host_header}
    headers["x-forwarded-port"] = host_header
    found = public_host(headers)
    assert found is None or not set(found) & set(" /\r\n\"'<>"), found


def vp8(data: bytes) -> None:
    size = vp8_size(data)
    assert size is None or all(0 <= side < 1 << 14 for side in size)


class _Raw:
    def __init__(self, data: bytes) -> None:
        self._data = data

    def __bytes__(self) -> bytes:
        return self._data


def sctp_cost(data: bytes) -> None:
    """What passes our check is read by aiortc, in time; too short ones end their connection."""
    packet = serialize_packet(5000, 5000, 1, _Raw(data[:MAX_DATAGRAM]))  # type: ignore[arg-type]

    def read() -> None:
        with contextlib.suppress(MalformedPacket, struct.error, ValueError):
            for _ in sctp_chunks(packet):
                pass
            for chunk in parse_packet(packet)[3]:
                if isinstance(chunk, SackChunk):
                    gaps = clip_gaps(chunk.gaps, 1000)
                    assert sum(end - begin + 1 for begin, end in gaps) <= 1000, gaps

    assert_cheap(read)


def rtcp_cost(data: bytes) -> None:

    def read() -> None:
        with contextlib.suppress(ValueError, struct.error):
            RtcpPacket.parse(data[:MAX_DATAGRAM])

    assert_cheap(read)


def stun_cost(data: bytes) -> None:

    def read() -> None:
        with contextlib.suppress(ValueError, struct.error, IndexError):
            stun.parse_message(data[:MAX_DATAGRAM])

    assert_cheap(read)


TARGETS: dict[str, Callable[[bytes], None]] = {
    function.__name__: function
    for function in (
        offer,
        candidate,
        fragment,
        realtime,
        realtime_cost,
        rtvi,
        requests,
        requests_cost,
        renegotiation,
        websocket,
        telephone,
        client_message,
        token,
        client_message_cost,
        host,
        vp8,
        offer_cost,
        candidate_cost,
        fragment_cost,
        rtvi_cost,
        message_cost,
        host_cost,
        conversation_cost,
        webhook,
        webhook_cost,
        sctp_cost,
        rtcp_cost,
        stun_cost,
    )
}

BY_LINE = frozenset({"offer", "fragment", "requests", "renegotiation"})
"""Targets whose inputs are also mutated line by line."""

START = {"streamSid": "MZ1", "callSid": "CA1", "mediaFormat": {"encoding": "audio/x-mulaw"}}
SEEDS: dict[str, list[bytes]] = {
    "sctp_cost": [
        struct.pack("!BBHLLHH", 3, 0, 24, 1, 1000, 2, 0) + struct.pack("!HHHH", 1, 3, 5, 9),
        struct.pack("!BBHLHHL", 0, 3, 20, 1, 1, 0, 51) + b"text",
        struct.pack("!BBHHH", 4, 0, 8, 1, 4) + struct.pack("!BBHLHH", 192, 0, 12, 1, 1, 1),
        struct.pack("!BBHHH", 130, 0, 20, 13, 16) + bytes(12),
    ],
    "rtcp_cost": [
        struct.pack("!BBHLLHH", 0x81, 205, 3, 1, 2, 100, 0xFFFF),
        struct.pack("!BBHL", 0x80, 201, 1, 1) + struct.pack("!BBHL", 0x81, 203, 1, 1),
    ],
    "stun_cost": [struct.pack("!HHI12sHHL", 1, 8, 0x2112A442, bytes(12), 0x24, 4, 1)],
    "realtime": [
        b'{"type": "session.update", "session": {"type": "realtime", "tools": [{"type": "function",'
        b' "name": "f"}], "audio": {"input": {"turn_detection": {"type": "server_vad"}}}}}\n'
        b'{"type": "input_audio_buffer.append", "audio": "AAAA"}\n'
        b'{"type": "conversation.item.create", "item": {"type": "message", "role": "user",'
        b' "id": "a", "content": [{"type": "input_text", "text": "b"}]}}\n'
        b'{"type": "response.create"}\n{"type": "response.cancel"}\n'
        b'{"type": "conversation.item.truncate", "item_id": "a", "audio_end_ms": 1}',
    ],
    "realtime_cost": [
        b'*5000*{"type": "conversation.item.create", "item": {"type": "function_call_output",'
        b' "call_id": "#", "output": "a"}}\n',
        b'{"type": "session.update", "session": {"tools": [\n*9999*{"type": "function"},\n]}}',
        b'*900*{"type": "session.update", "session": {"a#": 1}}\n',
    ],
    "offer": [OFFER.encode()],
    "candidate": [
        b"candidate:1 1 udp 2122260223 192.168.1.5 5000 typ srflx raddr 10.0.0.1 rport 9",
        b'{"candidate": "candidate:1 1 tcp 1 ::1 9 typ host tcptype active", "sdpMid": "0"}',
    ],
    "fragment": [
        b"a=ice-ufrag:EsAw\na=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\nm=audio 9 RTP/AVP 0\na=mid:0\n"
        b"a=candidate:1 1 udp 2122260223 192.0.2.1 61764 typ host\na=end-of-candidates\n"
    ],
    "rtvi": [
        b'{"label": "rtvi-ai", "type": "client-message", "id": "a", "data": {"t": "x", "d": [1]}}\n'
        b'{"type": "signalling", "message": {"type": "trackStatus", "receiver_index": 0}}\nping: 1',
        b'{"sdp": "v=0", "type": "offer", "pc_id": "a", "restart_pc": true, "requestData": {}}\n'
        b'{"pc_id": "a", "candidates": [{"candidate": "candidate:1 1 udp 1 10.0.0.1 9 typ host",'
        b' "sdp_mid": "0", "sdp_mline_index": 0}]}\n{"type": "result", "id": "a", "data": 1}',
    ],
    "requests": [text.encode() for text in faces.REQUESTS],
    "requests_cost": [
        text.encode()
        for text in (
            f"POST /whip\ncontent-type: application/sdp\n\n{faces.OFFER}*3000*a=x:#",
            "PATCH /whip/{whip}\ncontent-type: application/trickle-ice-sdpfrag\nif-match: *\n\n"
            "*1000*a=candidate:# 1 udp 1 127.0.0.1 9 typ host",
            "POST /v1/realtime/calls\ncontent-type: multipart/form-data; boundary=b\n\n"
            '*900*--b\r\nContent-Disposition: form-data; name="#"\r\n\r\n',
            'POST /v1/realtime/client_secrets\n\n{"session": {"tools": [\n*999*{"type": "#"},\n'
            "{}]}}",
            "DELETE /whip/x\n*900*authorization: Bearer frtc1.#\n",
        )
    ],
    "renegotiation": [
        "====\n".join(offers).encode()
        for offers in (
            [faces.OFFER, faces.OFFER],
            [faces.offer_of("audio", "video", "video", "application", "video")],
            [faces.offer_of("audio", "audio"), faces.OFFER.replace("sendrecv", "inactive")],
            [(Path(__file__).parents[1] / "transport/webrtc/chromium_156.sdp").read_text()],
        )
    ],
    "rtvi_cost": [b'{"pc_id": "a", "candidates": [\n*9000*{"candidate": "#"},\n{}]}'],
    "fragment_cost": [
        b"*1000*a=candidate:# 1 udp 1 10.0.0.1 9 typ host",
        b"*32*m=audio #\n*9000*a=mid:#",
    ],
    "websocket": [
        b'{"event": "start", "websocket_id": "a"}\n'
        b'{"event": "media", "media": {"payload": "//8="}}\n{"event": "stop"}',
        b'{"event": "start", "websocket_id": "a", "audio": {"encoding": "pcm16", "binary": true,'
        b' "input_sample_rate": 48000}}\n\0abcd\n{"event": "ping"}',
    ],
    "client_message": [
        b'{"type": "mine", "data": [1]}\n{"type": "call", "id": "a", "name": "double", "data": 2}',
        b'{"type": "result", "id": "server-1", "error": "no"}\nhandshake\n{"type": 1}',
    ],
    "token": [b"frtc1.eyJlIjoxLCJuIjoiYSJ9.MAC", b"frtc1.."],
    "client_message_cost": [b'{"type": "x", "data": [\n*9000*{"a#": [1]},\n1]}', b"frtc1.*9000*a#"],
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
            b"*9*\xff\xffa=fingerprint:a #\n*9*a=ice-options:#\n*5000*a=x#",
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
    "conversation_cost": [
        b'{"event": "start", "websocket_id": "a", "streamSid": "a", "audio": {"binary": true}}\n'
        b'*4000*{"event": "media", "media": {"payload": "//8="}}\n'
        b'*999*{"event": "mark", "mark": {"name": "#"}}\n'
        b'*999*{"event": "dtmf", "dtmf": {"digit": "5"}}',
        b'{"event": "start", "stream_id": "s", "start": {"media_format": {"encoding": "PCMU",'
        b' "sample_rate": 8000}}}\n'
        b'*2000*{"event": "media", "media": {"payload": "//8=", "chunk": "#"}}\n'
        b'*2000*{"event": "media", "media": {"payload": "//8=", "chunk": "#0"}}',
        b'{"event": "start", "start": {"streamId": "s", "mediaFormat":'
        b' {"encoding": "audio/x-mulaw", "sampleRate": 8000}}}\n'
        b'*999*{"event": "playedStream", "name": "#"}\n*999*{"event": "#"}',
    ],
    "webhook": [
        b"\nhost: example.com:8443\nx-forwarded-proto: https\n"
        b"x-twilio-signature: L/OH5YylLD5NRKLltdqwSvS0BnU=\n"
        b"content-type: application/x-www-form-urlencoded\n\n"
        b"CallSid=CA1&From=%2B14158675310&To=sip%3Aa%40b",
        b"CallSid=CA1&From=1\nforwarded: host=[2001:db8::1]:8443;proto=https",
    ],
    "webhook_cost": [
        b"\nhost: a\nx-twilio-signature: L/OH5YylLD5NRKLltdqwSvS0BnU=\n"
        b"content-type: application/x-www-form-urlencoded\n\n\n" + fields
        for fields in (b"*9000*#=1&\n*9000*a#&", b"*9999*a=#&", b"*9999*%2B%2B%2B")
    ]
    + [b"\nhost: a\n\n*4000*x-forwarded-host: a#,\n"],
    "vp8": [b"\x50\x06\x00\x9d\x01\x2a\xa0\x00\x78\x00"],
}
