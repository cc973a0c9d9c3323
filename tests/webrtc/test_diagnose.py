"""A connection is diagnosed: while it connects, once it is connected, failed and ended."""

from __future__ import annotations

import re
from typing import Any

import pytest
from fastapi import FastAPI

from fastrtc import Client as PythonClient
from fastrtc import ClientError, Diagnosis, Ice, Limits, Stream
from fastrtc.cli.connect import _try
from fastrtc.server.offers import Body
from fastrtc.transport.webrtc import peer
from fastrtc.transport.webrtc._aiortc import consent, ice_state
from fastrtc.transport.webrtc.diagnosis import ACTIVE_TCP, UNRESOLVED
from tests.support.patches import without
from tests.support.peers import LOCAL, AudioSource, Client, eventually, tone
from tests.webrtc.handlers import AsyncAudioEcho
from tests.websocket.served import serve, sine

NAME = "candidate:9 1 udp 2122260223 7e1b2e9c-0000-4000-8000-000000000000.local 50009 typ host"
ACTIVE = "candidate:8 1 tcp 1518280447 192.168.1.7 9 typ host tcptype active"
LOOPBACK = "candidate:7 1 udp 2122260222 127.0.0.1 50007 typ host"


def echo(**options: Any) -> Stream:
    return Stream(AsyncAudioEcho(), modality="audio", server_rtc_configuration=LOCAL, **options)


def other_fingerprints(sdp: str) -> str:
    """Return an SDP with the fingerprint of another certificate."""
    return re.sub(
        r"(a=fingerprint:\S+ )(\S\S)", lambda m: m[1] + ("11" if m[2] == "00" else "00"), sdp
    )


async def trickled(client: Client, candidate: str) -> dict[str, Any]:
    body = {"candidate": {"candidate": candidate, "sdpMLineIndex": 0}, "type": "ice-candidate"}
    return await client.post({**body, "webrtc_id": client.webrtc_id})


async def test_a_connected_one_and_its_end() -> None:
    stream = echo()
    async with Client(stream, audio=AudioSource(tone(5))) as client:
        found = stream.diagnose(client.webrtc_id)
        assert (found.transport, found.state) == ("webrtc", "connected")
        assert (found.problem, found.advice, found.reason) == ("", (), "")
        assert found.selected is not None and found.selected.state == "succeeded"
        assert found.selected.local in found.local and found.selected.remote in found.remote
        assert found.selected in found.checks
        assert all(one.type == "host" and not one.note for one in (*found.local, *found.remote))
    ended = stream.diagnose(client.webrtc_id)
    assert (ended.state, ended.reason, ended.problem) == ("ended", "the client disconnected", "")
    assert ended.selected == found.selected
    assert (ended.local, ended.remote) == (found.local, found.remote)


async def test_one_whose_client_never_answers(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(peer, "CONNECT_TIMEOUT_S", 1.0)
    stream = echo()
    client = Client(stream, audio="sendrecv")
    await client.post(await client.offer())
    so_far = stream.diagnose(client.webrtc_id)
    assert so_far.state == "connecting" and "no packet arrives" in so_far.problem
    await client.pc.close()  # its sockets, so that nothing answers
    await eventually(lambda: stream.diagnose(client.webrtc_id).state == "failed")
    found = stream.diagnose(client.webrtc_id)
    assert found.selected is None and found.reason == "not connected within 1 s"
    assert found.checks and not any(check.state == "succeeded" for check in found.checks)
    assert "no packet arrives between the client" in found.problem
    assert "random UDP ports" in found.advice[0]
    (line,) = [r.getMessage() for r in caplog.records if "not connected within" in r.getMessage()]
    assert f"Session {client.webrtc_id}: not connected within 1 s: {found.problem}" in line
    assert found.advice[0] in line
    await client.close()


async def test_a_client_that_vanishes_during_the_dtls_handshake(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(consent, "CONSENT_EXPIRES_S", 0.5)
    stream = echo()
    client = Client(stream, audio=AudioSource())

    async def without_dtls(send: Any, data: bytes) -> None:
        if not 19 < data[0] < 64:  # RFC 7983 section 7
            await send(data)

    await client.offer()
    client.shape_network(without_dtls)
    await client.call()
    ice = stream.pcs[client.webrtc_id].getTransceivers()[0].receiver.transport.transport
    await eventually(lambda: ice.state == "completed")
    await client.vanish()
    await client.over()
    found = stream.diagnose(client.webrtc_id)
    assert found.reason == "the client vanished" and found.state == "failed"
    assert "the client vanished during the DTLS handshake" in found.problem
    assert "MTU" not in caplog.text


async def test_a_client_that_refuses_the_certificate(caplog: pytest.LogCaptureFixture) -> None:
    """As browsers do if the fingerprint in the answer is not that of the server."""
    stream = echo()
    client = Client(stream, audio=AudioSource())
    answer = await client.post(await client.offer())
    await client.take({**answer, "sdp": other_fingerprints(answer["sdp"])})
    await client.over()
    found = stream.diagnose(client.webrtc_id)
    assert (found.state, found.reason) == ("failed", "the connection failed")
    assert "the client has ended the DTLS handshake with the alert 'unknown CA'" in found.problem
    assert "the offer and the answer unchanged" in found.advice[0]
    assert found.problem in caplog.text and "MTU" not in caplog.text
    await client.close()


async def test_a_client_with_another_certificate(caplog: pytest.LogCaptureFixture) -> None:
    stream = echo()
    client = Client(stream, audio=AudioSource())
    offer = await client.offer()
    await client.take(await client.post({**offer, "sdp": other_fingerprints(offer["sdp"])}))
    await client.over()
    await eventually(lambda: client.states == ["connecting", "failed"])  # not without an alert
    found = stream.diagnose(client.webrtc_id)
    assert found.state == "failed" and found.reason == "the connection failed"
    assert "the certificate of the client is not the one in its offer" in found.problem
    assert found.problem in caplog.text and "MTU" not in caplog.text
    await client.close()


async def test_a_client_with_fingerprints_of_several_certificates() -> None:
    stream = echo()
    client = Client(stream, audio=AudioSource(tone(5)))
    offer = await client.offer()
    lines = [
        line + "\r\n" + other_fingerprints(line) if line.startswith("a=fingerprint:") else line
        for line in offer["sdp"].split("\r\n")
    ]
    await client.take(await client.post({**offer, "sdp": "\r\n".join(lines)}))
    await eventually(lambda: stream.diagnose(client.webrtc_id).state == "connected")
    await client.close()
    await client.over()


async def test_an_answer_with_another_certificate() -> None:
    """The Python client is told, and so is `fastrtc doctor --connect`."""
    app = FastAPI()

    @app.post("/webrtc/offer")
    async def answer(body: Body) -> Any:
        found = await served.stream.offer(body)
        return {**found, "sdp": other_fingerprints(found["sdp"])} if "sdp" in found else found

    async with serve(app=app, server_rtc_configuration=LOCAL) as served:
        url = served.address.replace("ws", "http", 1).removesuffix("/websocket/offer")
        with pytest.raises(ClientError) as refused:
            await PythonClient(url).connect()
        findings = await _try(url, {"iceServers": []}, {})
    expected = "the certificate of the server is not the one in its answer (a=fingerprint)"
    assert expected in refused.value.message
    assert "the offer and the answer unchanged" in refused.value.advice
    assert expected in findings[-1].detail and "MTU" not in findings[-1].advice


async def test_candidates_that_are_not_used_are_named() -> None:
    stream = echo()
    client = Client(stream, audio="sendrecv")
    client.place = "elsewhere"
    await client.post(await client.offer(trickle=True))
    empty = stream.diagnose(client.webrtc_id)
    assert "the client offered no address" in empty.problem and empty.remote == ()
    for candidate in (ACTIVE, LOOPBACK, LOOPBACK):
        assert await trickled(client, candidate) == {"status": "success"}
    found = stream.diagnose(client.webrtc_id)
    assert {one.address: one.note for one in found.remote} == {
        "192.168.1.7:9": ACTIVE_TCP,
        "127.0.0.1:50007": "ignored: the client is not on the server's machine",
    }
    long = f"{'x' * 900}.local"
    await trickled(client, f"candidate:6 1 udp 2122260221 {long} 50006 typ host")
    assert [one.host for one in stream.diagnose(client.webrtc_id).remote][-1] == "x" * 100
    assert found.local and not any(check.state == "succeeded" for check in found.checks)
    assert "the server uses no address of the client" in found.problem
    await client.close()
    await stream.close_sessions()


async def test_a_name_that_cannot_be_resolved(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aioice.mdns.MDnsProtocol.resolve", _resolves_nothing)
    stream = echo()
    client = Client(stream, audio="sendrecv")
    await client.post(await client.offer(trickle=True))
    await trickled(client, NAME)
    await eventually(
        lambda: UNRESOLVED in [one.note for one in stream.diagnose(client.webrtc_id).remote]
    )
    assert "hides its addresses behind multicast DNS" in stream.diagnose(client.webrtc_id).problem
    await client.close()
    await stream.close_sessions()


async def _resolves_nothing(self: Any, hostname: str, timeout: float = 1.0) -> None:
    return None


async def test_private_addresses_that_are_not_allowed() -> None:
    stream = echo(limits=Limits(private_candidates=False), ice=Ice(public_ip="198.51.100.1"))
    client = Client(stream, audio="sendrecv")
    await client.post(await client.offer())
    found = stream.diagnose(client.webrtc_id)
    assert {one.host for one in found.local if ":" not in one.host} <= {"198.51.100.1", "127.0.0.1"}
    assert "Limits(private_candidates=False)" in found.problem
    await client.close()
    await stream.close_sessions()


async def test_without_the_names_of_aioice_the_rest_is_said() -> None:
    stream = echo()
    with without(ice_state.PATCH):
        async with Client(stream, audio=AudioSource(tone(5))) as client:
            found = stream.diagnose(client.webrtc_id)
            assert found.state == "connected" and not found.checks
    assert stream.diagnose(client.webrtc_id).state == "ended"


async def test_an_unknown_one() -> None:
    with pytest.raises(LookupError, match="There is no connection 'nobody'"):
        echo().diagnose("nobody")


async def test_one_of_the_page() -> None:
    stream = echo()
    async with Client(stream.webrtc_component, audio=AudioSource(tone(5))) as client:
        assert stream.diagnose(client.webrtc_id).state == "connected"
        assert stream.webrtc_component.diagnose(client.webrtc_id).state == "connected"
    assert stream.diagnose(client.webrtc_id).state == "ended"


async def test_one_over_a_websocket() -> None:
    async with serve() as served, served.client() as client:
        await client.start("one")
        await client.say(sine(0.1))
        await served.handler("one")
        found = served.stream.diagnose("one")
        assert found == Diagnosis("one", "websocket", "connected")
        await client.send({"event": "stop"})
        await client.closed()
        await served.is_empty()
        ended = served.stream.diagnose("one")
        assert (ended.transport, ended.state) == ("websocket", "ended") and ended.reason
