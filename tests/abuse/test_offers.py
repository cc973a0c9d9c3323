"""Offers, candidates and guessed ids of strangers: they are refused, and leave nothing behind."""

import asyncio
import json
import logging
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fastrtc import Limits, Stream
from fastrtc.server import output_readers
from tests.support.bystander import assert_little, bystander
from tests.support.connections import connections_of
from tests.support.peers import LOCAL, AudioSource, Client, eventually, strip_candidates, tone
from tests.webrtc.handlers import AsyncAudioEcho

ADDRESS = "candidate:1 1 udp 2130706431 127.0.0.1 {} typ host"
MUTATIONS = 60


def echo(**options: Any) -> Stream:
    options = {"server_rtc_configuration": LOCAL, "modality": "audio", **options}
    return Stream(AsyncAudioEcho(), **options)


@asynccontextmanager
async def http_of(stream: Stream) -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI()
    stream.mount(app)
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://here") as http:
        yield http


def trickled(id: str, port: int = 5000) -> dict[str, Any]:
    return {"candidate": ADDRESS.format(port), "type": "ice-candidate", "webrtc_id": id}


def failed(code: str, **details: Any) -> dict[str, Any]:
    return {"status": "failed", "meta": {"error": code, **details}}


def assert_nothing_is_left(stream: Stream) -> None:
    tables = (stream.pcs, stream.handlers, stream.connections, stream.additional_outputs)
    assert not any(tables) and len(connections_of(stream).registry) == 0


# Sizes


@pytest.mark.parametrize("chunked", [False, True])
async def test_an_offer_of_a_megabyte_is_not_read_to_its_end(chunked: bool) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        yield b'{"sdp": "'
        for _ in range(1024):
            sent += 1024
            yield b"x" * 1024
        yield b'", "type": "offer", "webrtc_id": "a"}'

    stream = echo()
    async with http_of(stream) as http:
        if chunked:
            response = await http.post("/webrtc/offer", content=endless())
            assert sent <= 1 << 20
        else:
            body = {"sdp": "x" * (1 << 20), "type": "offer", "webrtc_id": "a"}
            response = await http.post("/webrtc/offer", json=body)
    assert response.status_code == 413
    assert response.json() == {"detail": "The request has more than 65536 bytes"}
    assert_nothing_is_left(stream)


async def test_how_large_an_offer_may_be_is_an_option() -> None:
    stream = echo(limits=Limits(offer_bytes=100))
    client = Client(stream, audio="sendrecv")
    async with http_of(stream) as http:
        offer = await client.offer()
        assert (await http.post("/webrtc/offer", json=offer)).status_code == 413
    with pytest.raises(ValueError, match="longer than 100"):  # from a route of the program's own
        await client.post(offer)
    await client.close()
    assert_nothing_is_left(stream)


@pytest.mark.parametrize("limits", [5, {"candidates": 5}, Limits])
def test_what_are_no_limits_is_an_error(limits: Any) -> None:
    with pytest.raises(ValueError, match=r"limits must be a fastrtc\.Limits or None"):
        echo(limits=limits)


# Offers that are made to cost

LINES = {
    "feedback": "a=rtpmap:1 a/1\n" * 100 + "a=rtcp-fb:* a\n",
    "parameters": "a=rtpmap:97 x/1\na=fmtp:97 a\n",
    "codecs": "a=rtpmap:96 opus/48000/2\n",
    "sources": "a=ssrc:{} a:\n",
    "extensions": "a=extmap:{} a\n",
    "sections": "m=application 9 UDP/DTLS/SCTP x\na=mid:x{}\n",
    "fingerprints": "a=fingerprint:a a\n",
    "groups": "a=ssrc-group:FID {}\n",
    "unknown": "a={}:\n",
    "bandwidths": "b=AS:{}\n",
}


@pytest.mark.parametrize("lines", LINES.values(), ids=LINES)
async def test_no_offer_below_the_limit_holds_up_another_client(lines: str) -> None:
    """aiortc's parser compares lines with each other: 60,000 characters took it a minute."""
    stream = echo()
    async with bystander() as other, http_of(stream) as http:
        stranger = Client(stream, audio="sendrecv", label=None)
        offer = await stranger.offer()
        count = (Limits().offer_bytes - 8000) // len(json.dumps(lines.format(1000)))
        sdp = offer["sdp"] + "".join(lines.format(k) for k in range(count))
        async with other.undisturbed() as cost:
            response = await http.post("/webrtc/offer", json={**offer, "sdp": sdp})
        assert_little(cost)
        assert response.status_code in (200, 400)
        await stranger.close()
    await stream.close_sessions()
    assert_nothing_is_left(stream)


# Candidates


async def test_thousands_of_candidates_are_refused_and_the_session_lives() -> None:
    stream = echo(limits=Limits(candidates=20))
    async with Client(stream, audio=AudioSource(tone(20))) as client:
        async with bystander() as other, other.undisturbed() as cost:
            answers = []
            for port in range(2000, 5000):
                answers.append(await client.post(trickled(client.webrtc_id, port)))
                await asyncio.sleep(0)  # each request of a client is an event of the loop
        assert_little(cost)
        taken = answers.count({"status": "success"})
        assert 0 < taken <= 20
        assert answers.count(failed("too_many_candidates", limit=20)) == 3000 - taken
        assert await client.post({**trickled(client.webrtc_id), "candidate": None}) == {
            "status": "success"
        }
        before = len(client.loud())
        await eventually(lambda: len(client.loud()) > before + 5)
    assert_nothing_is_left(stream)


async def test_candidates_for_another_connection_need_its_id() -> None:
    stream = echo(concurrency_limit=2)
    async with Client(stream, audio=AudioSource(tone(20)), webrtc_id="mine") as client:
        described = client.pc.remoteDescription
        server = stream.pcs["mine"].remoteDescription.sdp
        for id in ("Mine", "mine ", "min", "minee"):
            await client.post(trickled(id))
        assert stream.pcs["mine"].remoteDescription.sdp == server
        assert client.pc.remoteDescription == described
    await stream.close_sessions()
    assert not connections_of(stream).early._kept


# Ids


async def test_10000_guessed_ids_cost_nothing_that_lasts(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = echo(limits=Limits(ids_waiting=100))
    monkeypatch.setattr(output_readers, "NO_SESSION_TIMEOUT_S", 0.2)

    async def guess(id: str) -> list[Any]:
        return [outputs async for outputs in stream.output_stream(id)]

    async def try_ids(client: Client, first: int) -> None:
        guesses = []
        for k in range(first, first + 1000):
            guesses.append(asyncio.ensure_future(guess(f"{k}")))
            if k % 20 == 0:
                await asyncio.sleep(0)
        waiting = [queue for queue in stream.additional_outputs.values() if not queue.begun]
        assert len(waiting) <= 100
        for k in range(first, first + 1000):
            stream.set_input(f"{k}", "let me in")
            stream.clean_up(f"{k}")
            assert await client.post(trickled(f"{k}")) == {"status": "success"}
            if k % 20 == 0:
                await asyncio.sleep(0)
        assert not any(await asyncio.gather(*guesses))

    async with bystander() as other, Client(stream, audio="sendrecv", webrtc_id="mine") as client:
        reading = stream.output_stream("mine")
        mine = asyncio.ensure_future(anext(reading))
        async with other.undisturbed():
            for first in range(0, 10_000, 1000):
                await try_ids(client, first)
        assert list(stream.additional_outputs) == ["mine"] == list(stream.handlers)
        assert len(connections_of(stream).early._kept) <= 256 and not mine.done()
        mine.cancel()
        await asyncio.wait([mine])
        await reading.aclose()
    await stream.close_sessions()
    assert_nothing_is_left(stream)


async def test_made_up_ids_keep_nobodys_early_candidates_out() -> None:
    """The server has to know them: the client is not told where the server is."""
    stream = echo()
    client = Client(stream, audio=AudioSource(tone(20)))
    offer = await client.offer(trickle=True)

    async def flood(first: int, ids: int) -> None:
        for k in range(first, first + ids):
            assert await client.post(trickled(f"{k}")) == {"status": "success"}

    await flood(0, 1000)
    for text, _, _ in client.candidates():
        candidate = {**trickled(client.webrtc_id), "candidate": text}
        assert await client.post(candidate) == {"status": "success"}
    await flood(1000, 200)  # fewer than there is room for, as an offer follows within 0.1 s
    assert (
        len(connections_of(stream).early._kept)
        == len(connections_of(stream).early._timers)
        == Limits().early_ids
    )
    answer = await client.post(offer)
    await client.take({**answer, "sdp": strip_candidates(answer["sdp"])})
    await client.state("connected")
    await eventually(lambda: len(client.loud()) >= 5)
    await client.close()
    await client.over()
    await stream.close_sessions()
    assert not connections_of(stream).early._kept and not connections_of(stream).early._timers
    assert_nothing_is_left(stream)


@pytest.mark.parametrize(
    "id", ["a\nERROR forged", "a\r\n", "\x1b[31mred", "\x00", "\u2028", "\u202e", "x" * 257, ""]
)
async def test_odd_ids_are_refused_by_every_message(
    id: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "fastrtc")
    stream = echo()
    client = Client(stream, audio="sendrecv")
    async with http_of(stream) as http:
        for body in (await client.offer(), trickled("a")):
            response = await http.post("/webrtc/offer", json={**body, "webrtc_id": id})
            assert response.status_code == 400
    await client.close()
    assert_nothing_is_left(stream)
    assert_log_is_clean(caplog)


# The log


def assert_log_is_clean(caplog: pytest.LogCaptureFixture) -> None:
    """No line has a control character that a stranger could have put there."""
    for record in caplog.records:
        assert not re.search(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]", record.getMessage()), record


async def test_nothing_that_a_stranger_sends_gets_into_the_log_raw(
    caplog: pytest.LogCaptureFixture,
) -> None:
    for name in ("fastrtc", "aiortc", "aioice"):
        caplog.set_level(logging.INFO, name)
    evil = "\x1b[2J\r\nERROR:root:forged"
    stream = echo()
    client = Client(stream, audio="sendrecv")
    offer = await client.offer()
    headers = {"user-agent": "\x1b[31m", "x-forwarded-for": "\x1b[31m"}
    async with http_of(stream) as http:
        for sdp in (
            offer["sdp"].replace("a=mid:0", f"a=mid:{evil}"),
            offer["sdp"].replace("a=ice-ufrag:", f"a=ice-ufrag:{evil}"),
            offer["sdp"] + f"a=candidate:{evil} 1 udp 1 127.0.0.1 5 typ host\r\n",
            offer["sdp"] + "a=candidate:\x1b[2J 1 udp 1 127.0.0.1 5 typ host\r\n",
            offer["sdp"].replace("a=setup:", f"a=setup:{evil}"),
            evil,
        ):
            body = {**offer, "sdp": sdp}
            assert (await http.post("/webrtc/offer", json=body, headers=headers)).status_code == 400
        for candidate in (
            evil,
            f"candidate:{evil} 1 udp 1 127.0.0.1 5 typ host",
            "candidate:\x1b[2J 1 udp 1 \x1b[2J.local 5 typ host",
            {"candidate": ADDRESS.format(5), "sdpMid": evil},
            {"candidate": "candidate:" + "x" * 100_000},
        ):
            body = {"candidate": candidate, "type": evil, "webrtc_id": "a"}
            await http.post("/webrtc/offer", json=body, headers=headers)
    await client.close()
    await stream.close_sessions()
    assert_nothing_is_left(stream)
    assert_log_is_clean(caplog)


async def test_nothing_that_is_said_or_secret_is_in_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG, "fastrtc")
    server = {"urls": "turn:127.0.0.1:9", "username": "u", "credential": "the password of TURN"}
    stream = echo(rtc_configuration={"iceServers": [server]})
    async with Client(stream, audio=AudioSource(tone(5))) as client:
        client.channel.send("a message")
        await client.message("log", "Server received: a message")
        ours, theirs = client.pc.localDescription.sdp, client.pc.remoteDescription.sdp
    keys = re.findall(r"a=(?:ice-pwd|fingerprint):(\S+)", ours + theirs)
    text = "\n".join(r.getMessage() for r in caplog.records if r.name.startswith("fastrtc"))
    assert client.webrtc_id in text
    for secret in (*keys, "a message", "the password of TURN", "candidate:", "typ host", "v=0"):
        assert secret not in text


# Places


async def test_only_so_many_connect_at_a_time_whatever_the_limit_of_connections() -> None:
    stream = echo(concurrency_limit=2**31, limits=Limits(connecting=3))
    clients = [Client(stream, audio=AudioSource()) for _ in range(6)]
    offers = [await client.offer() for client in clients]
    posts = (client.post(offer) for client, offer in zip(clients, offers, strict=True))
    answers = await asyncio.gather(*posts)
    refused = [answer for answer in answers if answer.get("status") == "failed"]
    assert refused == [failed("too_many_connecting", limit=3)] * 3
    first = next(c for c, a in zip(clients, answers, strict=True) if a.get("type") == "answer")
    stream.clean_up(first.webrtc_id)
    async with Client(stream, audio=AudioSource(tone(5))) as honest:
        await eventually(lambda: len(honest.loud()) >= 3)
    for client in clients:
        await client.close()
    await stream.close_sessions()
    assert_nothing_is_left(stream)


# Anything at all


@st.composite
def mutated(draw: st.DrawFn, sdp: str) -> str:
    """A real offer with lines dropped, doubled, moved, cut, or with other characters."""
    lines = sdp.splitlines()
    for _ in range(draw(st.integers(1, 4))):
        k = draw(st.integers(0, len(lines) - 1))
        how = draw(st.sampled_from(["drop", "double", "move", "cut", "write", "number"]))
        if how == "drop" and len(lines) > 1:
            del lines[k]
        elif how == "double":
            lines.insert(k, lines[k])
        elif how == "move":
            lines.insert(draw(st.integers(0, len(lines) - 1)), lines.pop(k))
        elif how == "cut":
            lines[k] = lines[k][: draw(st.integers(0, len(lines[k])))]
        elif how == "write":
            lines[k] += draw(st.text(max_size=10))
        else:
            number = str(draw(st.integers(-1, 2**64)))
            lines[k] = re.sub(r"\d+", lambda _, n=number: n, lines[k], count=1)
    return "\r\n".join(lines) + "\r\n"


def test_no_offer_breaks_the_route_or_takes_a_place_for_good() -> None:
    statuses: set[int] = set()

    async def make_sdp() -> str:
        client = Client(echo(), audio="sendrecv")
        sdp: str = (await client.offer())["sdp"]
        await client.close()
        return sdp

    sdp = asyncio.run(make_sdp())

    async def post(text: str) -> None:
        stream = echo()
        async with http_of(stream) as http:
            body = {"sdp": text, "type": "offer", "webrtc_id": "a"}
            response = await http.post("/webrtc/offer", json=body)
        statuses.add(response.status_code)
        assert response.status_code in (200, 400), response.text
        taken = response.status_code == 200
        assert taken or len(connections_of(stream).registry) == 0
        await stream.close_sessions()
        assert_nothing_is_left(stream)

    @settings(max_examples=MUTATIONS, suppress_health_check=[HealthCheck.too_slow])
    @given(mutated(sdp))
    def run(text: str) -> None:
        asyncio.run(post(text))

    run()
    assert statuses == {200, 400}, "some must be good, and some bad, to show anything"
