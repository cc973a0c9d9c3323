"""Offers and candidates that are refused, or go wrong: the place is free again at once."""

import asyncio
import gc
import json
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from fastapi.responses import JSONResponse

from fastrtc import Stream
from fastrtc.core.errors import HandlerError
from fastrtc.transport.webrtc import early_candidates, peer
from tests.support.connections import connections_of, places
from tests.support.peers import LOCAL, AudioSource, Client, VideoSource, eventually, tone
from tests.webrtc.handlers import AsyncAudioEcho, AudioEcho, flip


def echo(handler: Any = None, **options: Any) -> Stream:
    options = {"server_rtc_configuration": LOCAL, "modality": "audio", **options}
    return Stream(handler or AsyncAudioEcho(), **options)


class Made:
    """Makes handlers, and knows which ones were made."""

    def __init__(self, base: Any = AsyncAudioEcho) -> None:
        made: list[Any] = []

        class Known(base):
            def copy(self) -> Any:
                mine = super().copy()
                made.append(mine)
                return mine

        self.handler = Known()
        self.made = made


async def assert_next_one_talks(stream: Stream) -> None:
    """The one place there is can be had, even by the same id."""
    async with Client(stream, audio=AudioSource(tone(5))) as client:
        await eventually(lambda: len(client.loud()) >= 5)
    await stream.close_sessions()  # also those that failed before


def failed(code: str, **details: Any) -> dict[str, Any]:
    return {"status": "failed", "meta": {"error": code, **details}}


# --- Refusals --------------------------------------------------------------------------------


@pytest.mark.parametrize("limit", [1, 2])
async def test_limit(limit: int) -> None:
    stream = echo(concurrency_limit=limit)
    first = [Client(stream, audio=AudioSource(tone(9))) for _ in range(limit)]
    for client in first:
        await client.connect()
    late = Client(stream, audio=AudioSource(tone(9)))
    offer = await late.offer()
    response = await stream.handle_offer(offer, set_outputs=lambda outputs: None)
    assert isinstance(response, JSONResponse) and response.status_code == 200
    assert json.loads(response.body) == failed("concurrency_limit_reached", limit=limit)
    assert late.webrtc_id not in stream.pcs and len(stream.pcs) == limit

    stream.clean_up(first[0].webrtc_id)
    await late.connect()  # at once
    another = Client(stream, audio="sendrecv")
    assert await another.call() == failed("concurrency_limit_reached", limit=limit)
    for client in [*first, late, another]:
        await client.close()
        await client.over()
    assert places(stream) == 0


@pytest.mark.parametrize("limit", [None, "default"])
async def test_limit_is_one_unless_it_is_said(limit: Any) -> None:
    stream = echo(concurrency_limit=limit)
    async with Client(stream, audio=AudioSource()):
        second = Client(stream, audio=AudioSource())
        assert await second.call() == failed("concurrency_limit_reached", limit=1)
        await second.close()


async def test_limit_counts_offers_that_are_being_answered() -> None:
    stream = echo(concurrency_limit=2)
    clients = [Client(stream, audio=AudioSource()) for _ in range(5)]
    answers = await asyncio.gather(*(client.call() for client in clients))
    assert [a.get("type") for a in answers].count("answer") == 2
    assert answers.count(failed("concurrency_limit_reached", limit=2)) == 3
    for client in clients:
        await client.close()
    await stream.close_sessions()
    assert places(stream) == 0


async def test_id_in_use() -> None:
    stream = echo(concurrency_limit=5)
    async with Client(stream, audio=AudioSource(tone(9)), webrtc_id="mine") as first:
        second = Client(stream, audio=AudioSource(), webrtc_id="mine")
        assert await second.call() == failed("connection_already_exists")
        await second.close()
        await eventually(lambda: len(first.loud()) >= 5)
        assert first.states == ["connecting", "connected"]
        assert list(stream.pcs) == ["mine"]
    assert places(stream) == 0


CANDIDATE = "candidate:1 1 udp 2130706431 127.0.0.1 50000 typ host"


async def test_candidate_of_an_unknown_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """It may be early; when no offer came in time, the next one is refused."""
    monkeypatch.setattr(early_candidates, "KEPT_S", 0.05)
    stream = echo()
    client = Client(stream, webrtc_id="nobody")
    body = {"candidate": CANDIDATE, "type": "ice-candidate", "webrtc_id": "nobody"}
    assert await client.post(body) == {"status": "success"}
    await eventually(lambda: not connections_of(stream).early._kept)
    assert await client.post(body) == failed("unknown_connection")
    assert (
        not stream.pcs
        and not connections_of(stream).early._kept
        and not connections_of(stream).early._timers
    )
    # but the offer that comes at last is answered
    late = Client(stream, audio=AudioSource(tone(5)), webrtc_id="nobody")
    async with late:
        await eventually(lambda: len(late.loud()) >= 5)
    await client.close()


async def test_candidate_of_a_connection_that_has_ended() -> None:
    stream = echo()
    async with Client(stream, audio=AudioSource()) as client:
        body = {"candidate": CANDIDATE, "type": "ice-candidate", "webrtc_id": client.webrtc_id}
        assert await client.post(body) == {"status": "success"}
        stream.clean_up(client.webrtc_id)
        assert await client.post(body) == failed("connection_closed")
    assert await client.post(body) == failed("connection_closed")
    assert places(stream) == 0


@pytest.mark.parametrize(
    "candidate",
    [
        "nonsense",
        "candidate:1 1 udp",
        {"candidate": "candidate:1 1 udp x 127.0.0.1 5 typ host"},
        {"candidate": 5},
        {"candidate": CANDIDATE, "sdpMid": 7},
        {"candidate": CANDIDATE, "sdpMLineIndex": "0"},
        {"candidate": "candidate:1 1 udp 1 127.0.0.1 99999 typ host"},
        ["candidate"],
        7,
    ],
)
async def test_malformed_candidate(candidate: Any) -> None:
    stream = echo()
    async with Client(stream, audio=AudioSource(tone(9))) as client:
        body = {"candidate": candidate, "type": "ice-candidate", "webrtc_id": client.webrtc_id}
        assert await client.post(body) == failed("invalid_candidate_format")
        await eventually(lambda: len(client.loud()) >= 5)


# --- Offers that do not fit ------------------------------------------------------------------


TRACKS: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    ({"modality": "audio"}, {"video": "sendrecv"}, "Unsupported track kind video"),
    ({"modality": "audio"}, {"audio": "sendrecv", "video": "sendrecv"}, "Unsupported track kind"),
    ({"modality": "audio", "mode": "receive"}, {"video": "sendonly"}, "Unsupported track kind"),
]


@pytest.mark.parametrize(("options", "tracks", "text"), TRACKS)
async def test_wrong_tracks(options: Any, tracks: Any, text: str) -> None:
    stream = echo(AudioEcho(), **options)
    client = Client(stream, **tracks)
    with pytest.raises(ValueError, match=text):
        await client.call()
    assert places(stream) == 0
    await client.close()


async def test_wrong_tracks_for_video() -> None:
    stream = echo(flip, modality="video")
    client = Client(stream, audio="sendrecv")
    with pytest.raises(ValueError, match="Unsupported track kind audio"):
        await client.call()
    assert places(stream) == 0
    await client.close()
    async with Client(stream, video=VideoSource()) as client:
        await eventually(lambda: len(client.video_frames) >= 3)


async def test_extra_tracks_may_be_allowed() -> None:
    stream = echo(allow_extra_tracks=True)
    async with Client(stream, audio=AudioSource(tone(9)), video=VideoSource()) as client:
        await eventually(lambda: len(client.loud()) >= 5)
        assert not client.video_frames
        assert len(stream.connections[client.webrtc_id]) == 1
    assert places(stream) == 0


async def broken_offers(client: Client) -> dict[str, Any]:
    sdp = (await client.offer())["sdp"]
    return {
        "empty": "",
        "blank": " \r\n",
        "words": "this is no sdp",
        "no text": 5,
        "nothing": None,
        "half a line": sdp[:40],
        "no media": sdp.split("m=")[0],
        "no password": sdp.replace("a=ice-pwd", "a=ice-dwp"),
        "no fingerprint": sdp.replace("a=fingerprint", "a=thumbprint"),
        "no codec": sdp.replace("opus", "sopu").replace("PCM", "MCP").replace("G722", "G277"),
        "bad candidate": sdp.replace("a=candidate:", "a=candidate:x "),
        "bad port": sdp.replace("m=audio 9", "m=audio nine").replace("m=audio ", "m=audio x"),
        "endless": sdp + "a=x\r\n" * 100_000,
    }


async def test_malformed_offers() -> None:
    stream = echo()
    client = Client(stream, audio="sendrecv")
    for name, sdp in (await broken_offers(client)).items():
        body = {"sdp": sdp, "type": "offer", "webrtc_id": client.webrtc_id}
        with pytest.raises(ValueError) as caught:
            await client.post(body)
        assert str(caught.value), name
        assert len(connections_of(stream).registry) == 0, name
    for id in (None, "", 5):
        with pytest.raises(ValueError, match="webrtc_id"):
            await client.post({**await client.offer(), "webrtc_id": id})
    await client.close()
    assert places(stream) == 0
    await assert_next_one_talks(stream)


async def test_over_http() -> None:
    """A refusal is 200, a bad offer 400 with the reason, a huge one 413, one without id 422."""
    stream = echo()
    app = FastAPI()
    stream.mount(app)
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://here") as http:

        async def post(body: Any) -> httpx.Response:
            return await http.post("/webrtc/offer", json=body)

        client = Client(stream, audio="sendrecv")
        offer = await client.offer()
        for name, sdp in (await broken_offers(client)).items():
            if not isinstance(sdp, str):
                continue
            response = await post({**offer, "sdp": sdp})
            assert response.status_code == (413 if name == "endless" else 400), name
            assert response.json()["detail"], name
        assert (await post({"sdp": offer["sdp"], "type": "offer"})).status_code == 422
        answer = await post({**offer, "more": 1})
        assert answer.status_code == 200 and answer.json()["type"] == "answer"
        again = await post({**offer, "webrtc_id": "another"})
        assert again.status_code == 200
        assert again.json() == failed("concurrency_limit_reached", limit=1)
        candidate = {"candidate": "x", "type": "ice-candidate", "webrtc_id": client.webrtc_id}
        assert (await post(candidate)).json() == failed("invalid_candidate_format")
        await client.take(answer.json())
        await client.state("connected")
        await client.close()
        await client.over()
    assert places(stream) == 0


# --- Offers that go wrong --------------------------------------------------------------------


@pytest.mark.parametrize("base", [AsyncAudioEcho, AudioEcho])
async def test_copy_that_raises(base: Any) -> None:
    class Bad(base):
        bad = True

        def copy(self) -> Any:
            if self.bad:
                raise RuntimeError("no handler today")
            return base()

    handler = Bad()
    stream = echo(handler)
    client = Client(stream, audio="sendrecv")
    with pytest.raises(RuntimeError, match="no handler today"):
        await client.call()
    assert places(stream) == 0
    await client.close()
    handler.bad = False
    await assert_next_one_talks(stream)


async def test_copy_that_gives_nothing() -> None:
    class Bad(AsyncAudioEcho):
        def copy(self) -> Any:
            return None

    stream = echo(Bad())
    client = Client(stream, audio="sendrecv")
    with pytest.raises(HandlerError, match="copy"):
        await client.call()
    assert places(stream) == 0
    await client.close()


async def test_configuration_that_cannot_be_had() -> None:
    calls = 0

    async def configuration() -> Any:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise RuntimeError("no credentials")
        return LOCAL

    known = Made()
    stream = echo(known.handler, server_rtc_configuration=configuration)
    client = Client(stream, audio="sendrecv")
    with pytest.raises(RuntimeError, match="no credentials"):
        await client.call()
    assert places(stream) == 0
    assert not known.made
    await client.close()
    await assert_next_one_talks(stream)
    assert calls == 2


async def test_caller_that_goes_before_there_is_a_handler() -> None:
    waiting = asyncio.Event()
    patient = True

    async def configuration() -> Any:
        waiting.set()
        if patient:
            await asyncio.Event().wait()
        return LOCAL

    stream = echo(server_rtc_configuration=configuration)
    client = Client(stream, audio="sendrecv")
    call = asyncio.ensure_future(client.call())
    await waiting.wait()
    assert len(connections_of(stream).registry) == 1
    call.cancel()
    await asyncio.wait([call])
    assert call.cancelled()
    assert places(stream) == 0
    await client.close()
    patient = False
    await assert_next_one_talks(stream)


@pytest.mark.parametrize("base", [AsyncAudioEcho, AudioEcho])
async def test_caller_that_goes_while_it_is_answered(
    base: Any, monkeypatch: pytest.MonkeyPatch, trace: dict[str, list[str]]
) -> None:
    known = Made(base)
    stream = echo(known.handler)
    client = Client(stream, audio="sendrecv")
    offer = await client.offer()
    waiting = asyncio.Event()
    original = peer.RTCPeerConnection.setLocalDescription

    async def never(self: Any, description: Any) -> None:
        waiting.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(peer.RTCPeerConnection, "setLocalDescription", never)
    call = asyncio.ensure_future(client.post(offer))
    await waiting.wait()
    monkeypatch.setattr(peer.RTCPeerConnection, "setLocalDescription", original)
    call.cancel()
    await asyncio.wait([call])
    assert call.cancelled()
    assert places(stream) == 0
    await eventually(lambda: known.made[0].calls == ["shutdown"])
    await client.close()
    await assert_next_one_talks(stream)
    assert trace[client.webrtc_id] == ["new", "closing", "closed"]
    assert known.made[0].calls == ["shutdown"]


async def test_connection_that_is_closed_while_it_is_answered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    known = Made()
    stream = echo(known.handler)
    client = Client(stream, audio="sendrecv")
    offer = await client.offer()
    original = peer.RTCPeerConnection.setLocalDescription

    async def closes(self: Any, description: Any) -> None:
        stream.clean_up(client.webrtc_id)
        await original(self, description)

    with monkeypatch.context() as patched:
        patched.setattr(peer.RTCPeerConnection, "setLocalDescription", closes)
        assert await client.post(offer) == failed("connection_closed")
    assert places(stream) == 0
    await eventually(lambda: known.made[0].calls == ["shutdown"])
    await client.close()
    await assert_next_one_talks(stream)


@pytest.mark.parametrize("base", [AsyncAudioEcho, AudioEcho])
async def test_peer_that_never_connects(
    base: Any, monkeypatch: pytest.MonkeyPatch, trace: dict[str, list[str]]
) -> None:
    monkeypatch.setattr(peer, "CONNECT_TIMEOUT_S", 0.3)
    known = Made(base)
    stream = echo(known.handler)
    client = Client(stream, audio="sendrecv")
    response = await client.post(await client.offer())
    session = connections_of(stream).session(client.webrtc_id)
    assert response["type"] == "answer" and client.webrtc_id in stream.pcs
    await eventually(lambda: len(connections_of(stream).registry) == 0)
    assert places(stream) == 0
    await eventually(session.closed.is_set)
    assert known.made[0].calls == ["shutdown"]
    assert trace[client.webrtc_id] == ["new", "closing", "closed"]
    assert "not connected" in session.reason.text
    await client.close()
    monkeypatch.setattr(peer, "CONNECT_TIMEOUT_S", 30.0)
    await assert_next_one_talks(stream)


@pytest.mark.parametrize("ends", ["server", "client"])
async def test_end_in_the_middle_of_the_handshake(ends: str, trace: dict[str, list[str]]) -> None:
    """ICE is there, DTLS is not: nothing complains, as the log would show."""
    known = Made()
    stream = echo(known.handler)
    client = Client(stream, audio=AudioSource())

    async def without_dtls(send: Any, data: bytes) -> None:
        if not 19 < data[0] < 64:  # RFC 7983 section 7
            await send(data)

    await client.offer()
    client.shape_network(without_dtls)
    await client.call()
    ice = stream.pcs[client.webrtc_id].getTransceivers()[0].receiver.transport.transport
    await eventually(lambda: ice.state == "completed")
    await asyncio.sleep(0.05)
    if ends == "server":
        assert stream.clean_up(client.webrtc_id)
        assert places(stream) == 0
        await client.close()
    else:
        await client.vanish()
        await stream.close_sessions()
    await client.over()
    gc.collect()  # an exception that nobody takes is logged when its task goes
    assert known.made[0].calls == ["shutdown"]
    assert trace[client.webrtc_id] == ["new", "closing", "closed"]
    await assert_next_one_talks(stream)


async def test_peer_that_is_somebody_else(trace: dict[str, list[str]]) -> None:
    """The certificate is not the one whose fingerprint was in the offer: DTLS fails."""
    known = Made()
    stream = echo(known.handler)
    client = Client(stream, audio=AudioSource())
    offer = await client.offer()
    lines = []
    for line in offer["sdp"].splitlines():
        if line.startswith("a=fingerprint:"):
            line = line[:-11] + ":".join("00" if p != "00" else "11" for p in line[-11:].split(":"))
        lines.append(line)
    await client.take(await client.post({**offer, "sdp": "\r\n".join(lines) + "\r\n"}))
    session = client.session
    await eventually(lambda: len(connections_of(stream).registry) == 0)
    assert places(stream) == 0
    await eventually(session.closed.is_set)
    assert known.made[0].calls == ["shutdown"]
    assert trace[client.webrtc_id] == ["new", "closing", "closed"]
    await client.close()
    await assert_next_one_talks(stream)
