"""Candidates that come one by one, early, late, or not at all."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from fastrtc import Stream
from tests.support.connections import connections_of
from tests.support.peers import LOCAL, AudioSource, Client, eventually, strip_candidates, tone
from tests.webrtc.handlers import AsyncAudioEcho

Candidates = list[tuple[str, str, int]]


def chrome(text: str, mid: str, index: int) -> Any:
    return {
        "candidate": f"{text} generation 0 ufrag Jd2e network-id 1 network-cost 50",
        "sdpMid": mid,
        "sdpMLineIndex": index,
        "usernameFragment": "Jd2e",
    }


def firefox(text: str, mid: str, index: int) -> Any:
    return {
        "candidate": text.replace(" udp ", " UDP "),
        "sdpMLineIndex": index,
        "sdpMid": mid,
        "usernameFragment": "54fe7f3a",
    }


def safari(text: str, mid: str, index: int) -> Any:
    return {
        "candidate": f"{text} generation 0 ufrag 6dGl",
        "sdpMid": mid,
        "sdpMLineIndex": index,
        "usernameFragment": None,
    }


FORMS: dict[str, Callable[[str, str, int], Any]] = {
    "chrome": chrome,
    "firefox": firefox,
    "safari": safari,
    "only-mid": lambda text, mid, index: {"candidate": text, "sdpMid": mid},
    "only-index": lambda text, mid, index: {"candidate": text, "sdpMLineIndex": index},
    "neither": lambda text, mid, index: {"candidate": text},
    "text": lambda text, mid, index: text,
    "sdp-line": lambda text, mid, index: {"candidate": f"a={text}\r\n", "sdpMid": mid},
}

ENDS: dict[str, Any] = {
    "null": None,
    "empty": "",
    "empty-object": {},
    "null-in-object": {"candidate": None},
    "chrome": {"candidate": "", "sdpMid": "0", "sdpMLineIndex": 0, "usernameFragment": "Jd2e"},
    "firefox": {"candidate": "", "sdpMid": "", "sdpMLineIndex": None, "usernameFragment": ""},
}


def echo(**options: Any) -> Stream:
    options = {"server_rtc_configuration": LOCAL, **options}
    return Stream(AsyncAudioEcho(), modality="audio", **options)


async def post_candidate(client: Client, candidate: Any) -> Any:
    return await client.post(
        {"candidate": candidate, "type": "ice-candidate", "webrtc_id": client.webrtc_id}
    )


async def take_without_candidates(client: Client, answer: dict[str, str]) -> None:
    """The server's candidates are kept from the client: who connects is the server."""
    await client.take({**answer, "sdp": strip_candidates(answer["sdp"])})


def known_to_server(stream: Stream, client: Client) -> int:
    pc = stream.pcs[client.webrtc_id]
    return len(pc.getTransceivers()[0].receiver.transport.transport.getRemoteCandidates())


async def assert_talks(client: Client) -> None:
    await client.state("connected")
    await eventually(lambda: len(client.loud()) >= 5)
    await client.close()
    await client.over()


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
async def test_candidates_after_the_answer(form: Any) -> None:
    stream = echo()
    client = Client(stream, audio=AudioSource(tone(5)))
    answer = await client.post(await client.offer(trickle=True))
    await take_without_candidates(client, answer)
    assert known_to_server(stream, client) == 0
    for text, mid, index in client.candidates():
        assert await post_candidate(client, form(text, mid, index)) == {"status": "success"}
    assert known_to_server(stream, client) > 0
    await assert_talks(client)


async def test_candidates_before_the_offer() -> None:
    stream = echo()
    client = Client(stream, audio=AudioSource(tone(5)))
    offer = await client.offer(trickle=True)
    for text, mid, index in client.candidates():
        assert await post_candidate(client, chrome(text, mid, index)) == {"status": "success"}
    assert await post_candidate(client, "") == {"status": "success"}
    answer = await client.post(offer)
    assert known_to_server(stream, client) > 0
    await take_without_candidates(client, answer)
    await assert_talks(client)
    assert not connections_of(stream).early._kept and not connections_of(stream).early._timers


async def test_the_end_may_overtake_the_candidates_and_come_twice() -> None:
    stream = echo()
    client = Client(stream, audio=AudioSource(tone(5)))
    offer = await client.offer(trickle=True)
    for end in ("", None):
        assert await post_candidate(client, end) == {"status": "success"}
    for text, mid, index in client.candidates():
        assert await post_candidate(client, chrome(text, mid, index)) == {"status": "success"}
    answer = await client.post(offer)
    assert known_to_server(stream, client) > 0
    await take_without_candidates(client, answer)
    await assert_talks(client)


async def test_candidates_beside_the_offer() -> None:
    """As a browser sends them: without waiting for the answer, in requests that overtake."""
    stream = echo()
    client = Client(stream, audio=AudioSource(tone(5)))
    offer = await client.offer(trickle=True)
    candidates = client.candidates()
    half = len(candidates) // 2
    results = await asyncio.gather(
        *(post_candidate(client, firefox(*c)) for c in candidates[:half]),
        client.post(offer),
        *(post_candidate(client, firefox(*c)) for c in candidates[half:]),
        post_candidate(client, None),
    )
    answer = results.pop(half)
    assert results == [{"status": "success"}] * (len(candidates) + 1)
    await take_without_candidates(client, answer)
    await assert_talks(client)


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
async def test_end_of_candidates(end: Any) -> None:
    stream = echo()
    client = Client(stream, audio=AudioSource(tone(5)))
    answer = await client.post(await client.offer(trickle=True))
    await take_without_candidates(client, answer)
    for candidate in client.candidates():
        await post_candidate(client, chrome(*candidate))
    assert await post_candidate(client, end) == {"status": "success"}
    assert await post_candidate(client, end) == {"status": "success"}  # a second one is no harm
    await assert_talks(client)


async def test_end_of_candidates_without_the_word() -> None:
    """A body that has no candidate at all."""
    stream = echo()
    client = Client(stream, audio=AudioSource(tone(5)))
    await client.call()
    body = {"type": "ice-candidate", "webrtc_id": client.webrtc_id}
    assert await client.post(body) == {"status": "success"}
    await assert_talks(client)


async def test_candidates_after_it_is_connected() -> None:
    stream = echo()
    async with Client(stream, audio=AudioSource(tone(5))) as client:
        for candidate in client.candidates():
            assert await post_candidate(client, safari(*candidate)) == {"status": "success"}
        await post_candidate(client, None)
        late = "candidate:9 1 udp 2130706431 127.0.0.1 9 typ host"
        assert await post_candidate(client, late) == {"status": "success"}
        for elsewhere in ({"sdpMLineIndex": 99}, {"sdpMid": "no such"}):
            stray = {"candidate": late, **elsewhere}
            assert await post_candidate(client, stray) == {"status": "success"}
        await eventually(lambda: len(client.loud()) >= 10)
        assert client.states == ["connecting", "connected"]


async def test_candidates_of_all_sorts_in_the_offer() -> None:
    """TCP, IPv6 and relayed ones, and lines that make no sense, are passed over."""
    stream = echo()
    client = Client(stream, audio=AudioSource(tone(5)))
    offer = await client.offer()
    foundation = "candidate:1234 1"
    extra = [
        f"{foundation} tcp 1518280447 192.0.2.1 9 typ host tcptype active generation 0",
        f"{foundation} udp 2122262783 2001:db8::1 50001 typ host generation 0 network-id 2",
        f"{foundation} udp 41885439 203.0.113.7 50002 typ relay raddr 192.0.2.1 rport 50003",
    ]
    lines = "".join(f"a={line}\r\n" for line in extra)
    sdp = offer["sdp"].replace("a=candidate:", lines + "a=candidate:", 1)
    answer = await client.post({**offer, "sdp": sdp})
    await client.take(answer)
    await assert_talks(client)


async def test_local_names_delay_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page that asks for no device hides its addresses behind names that nobody may know."""
    asked = asyncio.Event()

    async def never(*args: Any) -> Any:
        asked.set()
        await asyncio.Event().wait()

    monkeypatch.setattr("aioice.ice.get_or_create_mdns_protocol", never)
    stream = echo()
    client = Client(stream, audio=AudioSource(tone(5)))
    offer = await client.offer(trickle=True)
    hidden = (
        "candidate:1 1 udp 2113937151 d7a8e8a5-7e5b-4b3a-8f2d-1c0b8f0c2a11.local 50001 typ host"
    )
    sdp = offer["sdp"].replace("a=mid:", f"a={hidden} generation 0\r\na=mid:", 1)
    assert ".local" in sdp
    answer = await asyncio.wait_for(client.post({**offer, "sdp": sdp}), 10)
    await asyncio.wait_for(asked.wait(), 10)
    trickled = {"candidate": hidden.replace("50001", "50002"), "sdpMid": "0"}
    assert await asyncio.wait_for(post_candidate(client, trickled), 10) == {"status": "success"}
    await client.take(answer)  # the client reaches the server, which so learns where it is
    await assert_talks(client)


@pytest.mark.parametrize("end", ["offered", "trickled"])
async def test_the_end_of_candidates_comes_before_them(end: str) -> None:
    """Of one section, as in Firefox, or of a browser that hides its addresses (RFC 8863)."""
    stream = echo()
    client = Client(stream, audio=AudioSource(tone(5)))
    offer = await client.offer(trickle=True)
    if end == "offered":
        ended = offer["sdp"].replace("a=ice-ufrag", "a=end-of-candidates\r\na=ice-ufrag")
        offer = {**offer, "sdp": ended}
    answer = await client.post(offer)
    if end == "trickled":
        assert await post_candidate(client, {"candidate": "", "sdpMid": "1"}) == {
            "status": "success"
        }
    pc = stream.pcs[client.webrtc_id]
    await asyncio.sleep(0.3)  # ICE would have failed at once
    assert pc.iceConnectionState == "checking"
    await client.take(answer)  # its checks tell the server where it is
    await assert_talks(client)


async def test_offer_without_trickle_needs_no_more() -> None:
    stream = echo()
    client = Client(stream, audio=AudioSource(tone(5)))
    answer = await client.post(await client.offer())
    assert known_to_server(stream, client) > 0
    await take_without_candidates(client, answer)
    await assert_talks(client)


async def test_answer_comes_without_sleeping() -> None:
    """Row 16: nothing in an offer waits for the clock; here it costs some milliseconds."""
    stream = echo()
    loop = asyncio.get_running_loop()
    timers: list[float] = []
    call_later = loop.call_later

    def counted(delay: float, *args: Any, **kwargs: Any) -> Any:
        timers.append(delay)
        return call_later(delay, *args, **kwargs)

    client = Client(stream, audio=AudioSource(tone(5)))
    offer = await client.offer()
    loop.call_later = counted  # type: ignore[method-assign]
    try:
        client.response = await client.post(offer)
    finally:
        loop.call_later = call_later  # type: ignore[method-assign]
    assert not [delay for delay in timers if 0.03 < delay < 5], timers
    await client.take(client.response)
    await assert_talks(client)
