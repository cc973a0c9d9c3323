"""HTTP requests to the routes of each protocol: a real app, with a session of each.

An input has up to `MAX_REQUESTS` requests, separated by lines `====`. Each has a line with method
and path, lines with headers, an empty line, and the body. `{whip}`, `{whep}`, `{rtvi}` and `{call}`
are the ids of the sessions, `{etag}` is the tag of the first, `{offer}` is an offer, and
`{json-offer}` the same in a string of JSON.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
from typing import Any
from urllib.parse import urlsplit

from aiortc.sdp import SessionDescription
from fastapi import FastAPI

from fastrtc import AsyncStreamHandler, Stream
from fastrtc.core.errors import InvalidOffer
from fastrtc.protocols.table import MODULES
from fastrtc.protocols.whip.preconditions import entity_tag
from fastrtc.server.endpoint import endpoint_of
from fastrtc.transport.webrtc._aiortc.transports import ice_connections
from fastrtc.transport.webrtc.peer import Peer
from fastrtc.transport.webrtc.renegotiation import MAX_TRANSCEIVERS, answer_again
from fastrtc.transport.webrtc.signalling import parse_offer

__all__ = ["OFFER", "REQUESTS", "Faces", "offer_of"]

MAX_REQUESTS = 4
MAX_OFFERS = 4
MAX_AGE_S = 10.0
"""After which a session is replaced, which ends if it is not connected in 30 s."""

SECTION = """m={kind} 9 UDP/TLS/RTP/SAVPF {payload}
c=IN IP4 0.0.0.0
a={direction}
a=mid:{mid}
a=rtcp-mux
a=rtpmap:{payload} {codec}
a=ice-ufrag:abcd
a=ice-pwd:abcdefghijklmnopqrstuv
a=fingerprint:sha-256 {fingerprint}
a=setup:actpass
"""
DATA = """m=application 9 UDP/DTLS/SCTP webrtc-datachannel
c=IN IP4 0.0.0.0
a=mid:{mid}
a=sctp-port:5000
a=max-message-size:262144
a=ice-ufrag:abcd
a=ice-pwd:abcdefghijklmnopqrstuv
a=fingerprint:sha-256 {fingerprint}
a=setup:actpass
"""
FINGERPRINT = ":".join(["AB"] * 32)


def offer_of(*kinds: str, direction: str = "sendrecv") -> str:
    """Return an offer with sections of these kinds in a bundle, with lines that end with LF."""
    codecs = {"audio": ("96", "opus/48000/2"), "video": ("97", "VP8/90000")}
    text = "v=0\no=- 1 1 IN IP4 0.0.0.0\ns=-\nt=0 0\n"
    text += f"a=group:BUNDLE {' '.join(map(str, range(len(kinds))))}\n"
    for mid, kind in enumerate(kinds):
        given: dict[str, Any] = {"mid": mid, "fingerprint": FINGERPRINT, "direction": direction}
        if kind == "application":
            text += DATA.format(**given)
        else:
            payload, codec = codecs[kind]
            text += SECTION.format(kind=kind, payload=payload, codec=codec, **given)
    return text


OFFER = offer_of("audio", "video", "video", "application")

FRAGMENT = (
    "a=ice-ufrag:{ufrag}\na=ice-pwd:abcdefghijklmnopqrstuv\nm=audio 9 UDP/TLS/RTP/SAVPF 96\n"
    "a=mid:0\na=candidate:1 1 udp 2122260223 127.0.0.1 9 typ host\na=end-of-candidates\n"
)
SDP = "content-type: application/sdp\n"
TRICKLE = "content-type: application/trickle-ice-sdpfrag\n"
JSON = "content-type: application/json\n"
FORM = (
    "content-type: multipart/form-data; boundary=b\n\n--b\r\n"
    'Content-Disposition: form-data; name="sdp"\r\n\r\n{offer}\r\n--b\r\n'
    'Content-Disposition: form-data; name="session"\r\nContent-Type: application/json\r\n\r\n'
    '{"type": "realtime", "model": "m", "tools": []}\r\n--b--\r\n'
)

REQUESTS: list[str] = [
    f"POST /whip\n{SDP}\n{{offer}}",
    f"POST /whip\n{SDP}\n{offer_of('audio', direction='sendonly')}",
    f"POST /whep\n{SDP}\n{offer_of('audio', 'video', direction='recvonly')}",
    f"PATCH /whip/{{whip}}\n{TRICKLE}if-match: {{etag}}\n\n{FRAGMENT.format(ufrag='abcd')}",
    f'PATCH /whip/{{whip}}\n{TRICKLE}if-match: "*"\n\n{FRAGMENT.format(ufrag="efgh")}',
    f"PATCH /whep/{{whep}}\n{TRICKLE}if-match: *\n\na=end-of-candidates\n",
    "DELETE /whip/{whip}\n====\nDELETE /whep/{whip}\n====\nOPTIONS /whip/{whip}\norigin: null",
    f'POST /api/offer\n{JSON}\n{{"sdp": "{{json-offer}}", "type": "offer", "requestData": {{}}}}',
    f'POST /api/offer\n{JSON}\n{{"sdp": "{{json-offer}}", "type": "offer", "pc_id": "{{rtvi}}",'
    ' "restart_pc": true}',
    f'PATCH /api/offer\n{JSON}\n{{"pc_id": "{{rtvi}}", "candidates": [{{"sdp_mid": "0",'
    ' "candidate": "candidate:1 1 udp 1 127.0.0.1 9 typ host", "sdp_mline_index": 0}]}',
    f"POST /v1/realtime/calls?model=m\n{SDP}authorization: Bearer ek_frtc1.a\n\n{{offer}}",
    f"POST /v1/realtime/calls\n{FORM}",
    "POST /v1/realtime/calls/{call}/hangup",
    f'POST /v1/realtime/client_secrets\n{JSON}\n{{"session": {{"type": "realtime", "model": "m",'
    ' "audio": {"input": {"turn_detection": {"type": "server_vad"}}}},'
    ' "expires_after": {"anchor": "created_at", "seconds": 60}}',
]
"""A request of each kind."""


class Quiet(AsyncStreamHandler):
    """A handler that says nothing, and takes a screen."""

    async def receive(self, frame: Any) -> None: ...

    async def emit(self) -> None:
        await asyncio.Event().wait()

    async def screen_receive(self, picture: Any) -> None: ...

    def copy(self) -> Quiet:
        return Quiet()


class Faces:
    """An app with all protocols, which has a session of each, on an event loop of its own."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.stream = Stream(
            Quiet(),
            modality="audio",
            mode="send-receive",
            allow_extra_tracks=True,
            concurrency_limit=100,
            server_rtc_configuration={"iceServers": []},
            authorize=lambda request: True,
            verbose=False,
        )
        self.stream.tokens("a secret that nothing guesses", required=False)
        self.app = FastAPI()
        self.stream.mount(self.app, protocols=["fastrtc", *MODULES])
        self.endpoint = endpoint_of(self.stream)
        self.sessions: dict[str, str] = {}
        self._opened: dict[str, float] = {}
        self._named: set[str] = set()  # by requests, which may have ended them

    def run(self, text: str) -> None:
        """Send requests, and check the responses.

        Raises:
            AssertionError: If a response is not as the protocol demands, or a session has ended
                that no request has named.
        """
        self.loop.run_until_complete(self._run(text))

    def renegotiate(self, text: str) -> None:
        """Let an RTVI client send further offers, separated by lines `====`.

        Raises:
            AssertionError: If an answer does not fit its offer, or another transport is made.
        """
        self.loop.run_until_complete(self._renegotiate(text))

    def close(self) -> None:
        """End all sessions."""
        self.loop.run_until_complete(self._end([one.id for one in self.endpoint.places]))
        while tasks := asyncio.all_tasks(self.loop):
            self.loop.run_until_complete(asyncio.wait(tasks))
        self.loop.run_until_complete(self.loop.shutdown_default_executor())
        self.loop.close()

    async def _run(self, text: str) -> None:
        await self._open_sessions()
        self._named |= {name for name in self.sessions if f"{{{name}}}" in text}
        for request in re.split(r"^====\n", text, flags=re.MULTILINE)[:MAX_REQUESTS]:
            self._check(*await self._request(self._filled(request)))
        known = set(self.sessions.values())
        ended = {name for name, id in self.sessions.items() if self.endpoint.places.get(id) is None}
        assert ended <= self._named, f"these sessions have ended: {ended}"
        await self._end([one.id for one in self.endpoint.places if one.id not in known])

    async def _open_sessions(self) -> None:
        texts = {
            "whip": f"POST /whip\n{SDP}\n{OFFER}",
            "whep": f"POST /whep\n{SDP}\n{OFFER}",
            "call": f"POST /v1/realtime/calls\n{SDP}\n{OFFER}",
            "rtvi": f'POST /api/offer\n{JSON}\n{{"sdp": {json.dumps(OFFER)}, "type": "offer"}}',
        }
        now = self.loop.time()
        old = [name for name, at in self._opened.items() if now - at > MAX_AGE_S]
        await self._end([self.sessions[name] for name in old])
        for name, text in texts.items():
            if self.endpoint.places.get(self.sessions.get(name, "")) is None:
                before = {one.id for one in self.endpoint.places}
                _, status, _, body = await self._request(text)
                assert status in (200, 201), body
                self._named.discard(name)
                self._opened[name] = now
                (self.sessions[name],) = {one.id for one in self.endpoint.places} - before

    def _filled(self, text: str) -> str:
        whip = self.sessions["whip"]
        values = {
            **self.sessions,
            "whip": whip.partition("-")[2],
            "whep": self.sessions["whep"].partition("-")[2],
            "etag": entity_tag(whip),
            "offer": OFFER,
            "json-offer": json.dumps(OFFER)[1:-1],
        }
        for name, value in values.items():
            text = text.replace(f"{{{name}}}", value)
        return text

    async def _request(self, text: str) -> tuple[str, int, dict[str, str], bytes]:
        """Send a request to the app; return its path, and the status, headers and body."""
        head, _, body = text.partition("\n\n")
        first, *lines = head.split("\n")
        method, _, target = first.partition(" ")
        url = _split(target)
        pairs = (line.partition(":") for line in lines if ":" in line)
        headers = [
            (name.strip().lower().encode(errors="replace"), value.strip().encode(errors="replace"))
            for name, _, value in pairs
        ]
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method.upper()[:20],
            "scheme": "http",
            "path": url[0],
            "raw_path": url[0].encode(errors="replace"),
            "query_string": url[1].encode(errors="replace"),
            "root_path": "",
            "headers": headers,
            "client": ("127.0.0.1", 5000),
            "server": ("127.0.0.1", 8000),
            "state": {},
        }
        sent: list[dict[str, Any]] = []
        content = iter([body[: len(body) // 2].encode(errors="replace")])  # in two pieces
        rest = body[len(body) // 2 :].encode(errors="replace")

        async def receive() -> dict[str, Any]:
            for piece in content:
                return {"type": "http.request", "body": piece, "more_body": True}
            return {"type": "http.request", "body": rest, "more_body": False}

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        await self.app(scope, receive, send)
        start, *pieces = sent
        fields = {name.decode().lower(): value.decode() for name, value in start["headers"]}
        return url[0], start["status"], fields, b"".join(one.get("body", b"") for one in pieces)

    def _check(self, path: str, status: int, headers: dict[str, str], body: bytes) -> None:
        assert status < 500 or status == 503, (path, status, body)
        own = (*(f"/{name}" for name in ("whip", "whep", "api/offer")), "/v1/realtime")
        if status < 400 or status == 405 or not path.startswith(own):
            return
        content = json.loads(body)
        if content.keys() == {"detail"}:  # no route of ours
            assert status == 404, (path, status, body)
        elif path.startswith(("/whip", "/whep")):
            assert headers["content-type"] == "application/problem+json"
            assert content["status"] == status and content["detail"]
        elif path.startswith("/api"):
            assert content["error"] and content["detail"]
        else:
            assert content["error"].keys() == {"type", "code", "message", "param", "event_id"}

    async def _renegotiate(self, text: str) -> None:
        offers = []
        for sdp in re.split(r"^====\n", text, flags=re.MULTILINE)[:MAX_OFFERS]:
            with contextlib.suppress(InvalidOffer):
                offers.append(parse_offer(sdp, "audio", "send-receive", extra_tracks=True))
        if not offers:
            return
        known = {one.id for one in self.endpoint.places}
        body = f'{{"sdp": {json.dumps(OFFER)}, "type": "offer"}}'
        _, status, _, content = await self._request(f"POST /api/offer\n{JSON}\n{body}")
        assert status == 200, content
        id = json.loads(content)["pc_id"]
        connection = self.endpoint.places.get(id)
        assert connection is not None and id not in known
        peer = connection.transport
        assert isinstance(peer, Peer)
        before = [*ice_connections(peer.pc)]
        for offer in offers:
            with contextlib.suppress(InvalidOffer):
                answer = await answer_again(peer, offer)
                sections = SessionDescription.parse(answer).media
                offered = SessionDescription.parse(offer.sdp).media
                assert len(sections) == len(offered) + len(offer.rejected)
        assert [*ice_connections(peer.pc)] == before, "another transport was made"
        assert len(peer.pc.getTransceivers()) <= MAX_TRANSCEIVERS
        assert not connection.session.ended
        await self._end([id])

    async def _end(self, ids: list[str]) -> None:
        for id in ids:
            connection = self.endpoint.places.get(id)
            if connection is not None:
                connection.session.close("enough")
                await connection.session.closed.wait()


def _split(target: str) -> tuple[str, str]:
    """Return the path and the query of a target; servers pass on none without a slash."""
    try:
        url = urlsplit(target)
    except ValueError:
        return "/", ""
    return f"/{url.path.lstrip('/')}", url.query
