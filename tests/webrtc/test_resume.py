"""Sessions whose network is lost over WebRTC, and that are resumed over either transport."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
import pytest
from fastapi import FastAPI
from websockets.asyncio.client import connect

from fastrtc import AsyncStreamHandler, Limits, Stream, client, wait_for_item
from fastrtc.audio.encodings import ENCODINGS
from fastrtc.session.resumption import lose_network
from fastrtc.transport.webrtc import peer
from fastrtc.transport.webrtc._aiortc.transports import ice_connections
from fastrtc.transport.webrtc.client_peer import ClientPeer
from tests.support.cluster import running, streams_of
from tests.support.connections import connections_of, left
from tests.support.peers import LOCAL, AudioSource, Client, eventually
from tests.support.steps import assert_whole, stepped, steps_in
from tests.websocket.served import Client as SocketClient
from tests.websocket.served import served_here

RATE = 24_000
STEPS = 60


class Steps(AsyncStreamHandler):
    """Says 6 s of steps."""

    def __init__(self) -> None:
        super().__init__(input_sample_rate=RATE, output_sample_rate=RATE)
        self.audio: asyncio.Queue[Any] = asyncio.Queue()
        self.shutdowns = 0

    def copy(self) -> Steps:
        return Steps()

    async def start_up(self) -> None:
        self.audio.put_nowait((RATE, stepped(RATE, STEPS)[np.newaxis]))

    async def receive(self, frame: Any) -> None: ...

    async def emit(self) -> Any:
        return await wait_for_item(self.audio)

    async def shutdown(self) -> None:
        self.shutdowns += 1


class Resuming(Client):
    """A peer that asks to resume."""

    def __init__(self, *args: Any, resume: Any = True, **options: Any) -> None:
        self.fields = options.pop("fields", {})
        super().__init__(*args, audio=AudioSource(), **options)
        self.resume = resume

    async def offer(self, *, trickle: bool = False) -> dict[str, Any]:
        return {**await super().offer(trickle=trickle), "resume": self.resume, **self.fields}

    async def close(self) -> None:
        """Close the connection, as a client that has been back for some time."""
        if self.session is not None:
            self.session.resumption._settles_at = 0.0
        await super().close()

    @property
    def secret(self) -> str:
        secret: str = self.response["resume"]["secret"]
        return secret


def made(**options: Any) -> Stream:
    options = {"resume_within_s": 20, "concurrency_limit": 1, **options}
    return Stream(
        Steps(), modality="audio", verbose=False, server_rtc_configuration=LOCAL, **options
    )


def heard_steps(*parts: np.ndarray) -> list[int]:
    """Return the steps in audio of 48 kHz."""
    return steps_in(48_000, np.concatenate(parts))


@pytest.mark.usefixtures("fast_consent")
async def test_a_lost_peer_is_missed_and_its_session_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stream = made()
    first = Resuming(stream, webrtc_id="me")
    await first.connect()
    monkeypatch.setattr(peer, "CHANNEL_TIMEOUT_S", 0.0)  # its audio goes on before its messages
    handler, session = stream.handlers["me"], first.session
    await eventually(lambda: len(first.heard()) > 48_000)
    await first.vanish()
    before = first.heard()
    await eventually(lambda: session.resumption.suspended)
    await eventually(lambda: session.resumption.transport is None)
    session.user_context.send({"type": "missed", "data": 1})

    for wrong in ("x", first.secret[:-1]):
        other = Resuming(stream, webrtc_id="me", resume=wrong)
        refused = await other.call()
        assert refused == {"status": "failed", "meta": {"error": "resume_refused"}}
        await other.close()
    received = len(first.messages)
    second = Resuming(stream, webrtc_id="me", resume=first.secret, fields={"received": received})
    async with second:
        assert second.response["resume"]["resumed"] is True
        assert stream.handlers == {"me": handler}
        assert stream.pcs["me"] is session.resumption.transport.pc
        await second.message("missed", 1)
        await eventually(lambda: len(second.heard()) > 2 * 48_000)
    after = second.heard()
    assert handler.shutdowns == 1
    assert left(stream) == 0
    said = heard_steps(before)
    rest = heard_steps(after)
    assert rest[0] in (said[-1] - 2, said[-1] - 1, said[-1], said[-1] + 1)
    assert_whole(rest)


async def test_a_second_peer_evicts_the_first_and_a_websocket_the_second() -> None:
    app: FastAPI = FastAPI()
    over_webrtc: list[bool] = []
    stream = made(on_reconnect=lambda context: over_webrtc.append(context.websocket is None))
    stream.mount(app)
    first = Resuming(stream, webrtc_id="me")
    await first.connect()
    handler = stream.handlers["me"]
    await eventually(lambda: len(first.heard()) > 24_000)

    second = Resuming(stream, webrtc_id="me", resume=first.secret)
    await second.connect()
    assert (await first.message("end_stream"))["code"] == "replaced"
    await first.close()
    await eventually(lambda: len(second.heard()) > 24_000)
    assert stream.handlers == {"me": handler}

    async with served_here(app) as url, connect(f"{url}/websocket/offer") as socket:
        third = SocketClient(socket)
        third.encoding = ENCODINGS["pcm16"]
        audio = {"encoding": "pcm16", "output_sample_rate": 16_000}
        await third.send(
            {"event": "start", "websocket_id": "me", "audio": audio, "resume": second.secret}
        )
        started = await third.wait_for(event="started")
        assert started["resume"]["resumed"] is True
        assert (await second.message("end_stream"))["code"] == "replaced"
        await second.close()
        await third.hear(1.5, 16_000)
        assert connections_of(stream).peers == {}
        assert stream.pcs == {}
        fields = {"heard": sum(map(len, third.audio))}
        secret = started["resume"]["secret"]
        fourth = Resuming(stream, webrtc_id="me", resume=secret, fields=fields)
        async with fourth:
            await eventually(lambda: len(fourth.heard()) > 48_000)
            assert await third.closed() == 1000
            rest = np.concatenate(third.audio)
            assert stream.handlers == {"me": handler}
    steps = [
        heard_steps(first.heard()),
        heard_steps(second.heard()),
        steps_in(16_000, rest),
        heard_steps(fourth.heard()),
    ]
    for before, after in zip(steps, steps[1:], strict=False):
        assert_whole(after)
        assert abs(after[0] - before[-1]) <= 3, steps
    assert over_webrtc == [True, False, True]
    assert handler.shutdowns == 1
    assert left(stream) == 0


async def test_attempts_that_fail_cost_the_next_one_nothing() -> None:
    stream = made(limits=Limits(connecting=1))
    first = Resuming(stream, webrtc_id="me")
    await first.connect()
    session = first.session
    resumption, lost = session.resumption, session.resumption.transport
    lose_network(session, lost, "the network is gone")
    await first.close()
    end = {"candidate": "", "sdpMid": "0", "sdpMLineIndex": 0}
    for _ in range(2):  # of the connection that is lost
        await first.post({"type": "ice-candidate", "webrtc_id": "me", "candidate": end})

    unconnected, attempt = (Resuming(stream, webrtc_id="me", resume=first.secret) for _ in range(2))
    answer = await unconnected.post(await unconnected.offer(trickle=True))
    assert answer.get("type") == "answer", answer
    before = resumption.transport
    answering = asyncio.ensure_future(attempt.post(await attempt.offer()))
    while resumption.transport is before:  # noqa: ASYNC110, the next moment is too late
        await asyncio.sleep(0)
    left_alone = resumption.transport
    lose_network(session, left_alone, "the client has gone while its offer is answered")
    left_alone._abused("It still receives something")
    assert not session.ended
    assert (await answering)["meta"] == {"error": "connection_closed"}
    open_sockets = [one._protocols for one in ice_connections(left_alone.pc)]
    assert open_sockets and not any(open_sockets)
    async with Resuming(stream, webrtc_id="me", resume=first.secret) as second:
        await eventually(lambda: second.channel is not None and second.channel.readyState == "open")
    await unconnected.close()
    await attempt.close()
    assert left(stream) == 0


async def test_an_offer_that_reaches_another_process_finds_the_session() -> None:
    owner, other = streams_of(2, Steps(), concurrency_limit=5)
    app = FastAPI()
    other.mount(app)
    owner.mount(FastAPI())
    async with running(owner, other):
        first = Resuming(owner, webrtc_id="me")
        await first.connect()
        handler = owner.handlers["me"]

        for wrong in ("x", first.secret[1:]):
            stranger = Resuming(other, webrtc_id="me", resume=wrong)
            refused = await stranger.call()
            assert refused == {"status": "failed", "meta": {"error": "resume_refused"}}
            await stranger.close()
        second = Resuming(other, webrtc_id="me", resume=first.secret)
        second.response = await second.post(await second.offer())
        assert second.response["resume"]["resumed"] is True
        second.stream = owner
        await second.take(second.response)
        await eventually(lambda: len(second.heard()) > 24_000)
        assert owner.handlers == {"me": handler}
        assert other.handlers == {}
        await first.close()
        async with served_here(app) as url:
            for secret, code in (("x", "resume_refused"), (second.secret, "resume_elsewhere")):
                async with connect(f"{url}/websocket/offer") as socket:
                    client = SocketClient(socket)
                    await client.send(
                        {"event": "start", "websocket_id": "me", "audio": {}, "resume": secret}
                    )
                    assert (await client.wait_for(status="failed"))["meta"] == {"error": code}
                    assert await client.closed() == (1013 if "else" in code else 1008)
        await second.close()
        await second.over()
    assert handler.shutdowns == 1


async def test_the_python_client_presents_the_secret_of_an_attempt_that_failed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The server has seen the connection established, so the secret before is invalid."""
    app = FastAPI()
    stream = made()
    stream.mount(app)
    connected, attempts = ClientPeer.connected, []

    async def connected_or_not(peer: ClientPeer) -> bool:
        assert await connected(peer)
        attempts.append(peer)
        if len(attempts) == 2:
            await eventually(lambda: not session.resumption.suspended)
        return len(attempts) != 2

    monkeypatch.setattr(ClientPeer, "connected", connected_or_not)
    async with served_here(app) as url:
        address = url.replace("ws", "http", 1)
        async with client.Client(address, resume=True, mode="receive") as caller:
            session = connections_of(stream).session(caller.id)
            attempts[0]._consent_expired()
            async for message in caller.messages():
                if message["type"] == "reconnected":
                    break
            assert caller.error is None
            assert len(attempts) == 3
            assert len(caller._links.routes) == 1  # of all attempts
            session.resumption.secrets.issue()  # another one
            attempts[2]._consent_expired()
            error = await asyncio.wait_for(caller.wait_closed(), 20)
            assert error is not None and error.code == "connection_lost"
            session.close("enough")
