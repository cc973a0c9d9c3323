"""Real senders and players: ffmpeg's WHIP muxer, and an aiortc peer with trickled candidates."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from fastapi import FastAPI

from fastrtc import Stream, get_current_context
from tests.protocols.whip.publish import HAS_WHIP, OFFER, HttpPeer, sending
from tests.support.certificates import write_certificate
from tests.support.connections import places
from tests.support.peers import LOCAL, AudioSource, eventually, tone
from tests.support.servers import serving
from tests.webrtc.handlers import (
    AsyncAudioEcho,
    AsyncAudioVideoEcho,
    frequency,
    is_red_on_top,
)

SECRET = "a secret of twenty bytes"


@contextmanager
def served(handler: Any, **options: Any) -> Iterator[tuple[Stream, str]]:
    stream = Stream(handler, **{"server_rtc_configuration": LOCAL, "verbose": False, **options})
    app = FastAPI()
    stream.mount(app, "/live", protocols=["whip"])
    with serving(app) as url:
        yield stream, f"{url}/live"


@pytest.mark.skipif(not HAS_WHIP, reason="PyAV is too old for WHIP")
async def test_ffmpeg_sends_audio_and_video_with_a_token(tmp_path: Path) -> None:
    write_certificate(tmp_path)
    users: list[Any] = []

    def connected(context: Any) -> None:
        users.append(context.user)

    handler = AsyncAudioVideoEcho()
    options = {"modality": "audio-video", "mode": "send-receive", "on_connect": connected}
    with served(handler, **options) as (stream, url):
        tokens = stream.tokens(SECRET)
        async with sending(f"{url}/whip", tmp_path) as refused:
            said, _ = await refused.communicate()
        assert refused.returncode != 0 and b"401" in said and places(stream) == 0
        async with sending(f"{url}/whip", tmp_path, tokens.issue(user="anna")) as ffmpeg:
            await eventually(lambda: stream.handlers)
            (taking,) = stream.handlers.values()
            await eventually(lambda: any(map(is_red_on_top, taking.seen)))
            await eventually(lambda: len(taking.samples()) > 24000)
            assert frequency(taking.samples()[-12000:], 24000) == pytest.approx(440, abs=5)
            ffmpeg.stdin.close()  # it ends, and sends DELETE
            assert await ffmpeg.wait() == 0, await ffmpeg.stdout.read()
            await eventually(lambda: places(stream) == 0)
    assert users == ["anna"]


def offered(stream: Stream, id: str) -> int:
    """The number of candidates that the client of a connection has offered."""
    return sum(one.type == "host" for one in stream.diagnose(id).remote)


async def test_a_sender_that_trickles_and_its_mistakes() -> None:
    options = {"modality": "audio", "mode": "send", "concurrency_limit": 1}
    turn = {"iceServers": [{"urls": "turn:t.example", "username": "u", "credential": "c"}]}
    with served(AsyncAudioEcho(), **options, rtc_configuration=turn) as (stream, url):
        async with httpx.AsyncClient() as http, HttpPeer(http, f"{url}/whip") as peer:
            peer.pc.addTrack(AudioSource(tone(9)))
            answer = await peer.post(trickle=True)
            assert answer.status_code == 201 and "a=recvonly" in answer.text
            assert answer.headers["Content-Type"] == "application/sdp"
            assert answer.headers["Accept-Patch"] == "application/trickle-ice-sdpfrag"
            assert 'rel="ice-server"; username="u"' in answer.headers["Link"]
            assert answer.headers["Location"].startswith("/live/whip/")

            fragment = peer.fragment()
            assert (await peer.patch(fragment)).status_code == 428
            assert (await peer.patch(fragment, '"other"')).status_code == 412
            assert (await peer.patch("?", peer.tag)).status_code == 400
            wrong = await peer.patch(fragment, peer.tag, **{"Content-Type": "text/plain"})
            assert wrong.status_code == 415
            restart = fragment.replace("a=ice-ufrag:", "a=ice-ufrag:X")
            assert (await peer.patch(restart, "*")).status_code == 422
            (id,) = stream.handlers
            assert not offered(stream, id)
            trickled = await peer.patch(fragment, peer.tag)
            assert trickled.status_code == 204 and "ETag" not in trickled.headers
            assert offered(stream, id) >= 1
            again = fragment.replace(" udp ", " sctp ")  # a transport that nobody has
            assert (await peer.patch(again, peer.tag)).status_code == 204
            many = fragment + "a=candidate:1 1 udp 1 192.0.2.1 9 typ host\r\n" * 200
            assert (await peer.patch(many, peer.tag)).status_code == 422

            (handler,) = stream.handlers.values()
            await eventually(lambda: len(handler.samples()) > 24000)
            assert frequency(handler.samples()[-12000:], 24000) == pytest.approx(440, abs=5)
            async with HttpPeer(http, f"{url}/whip") as late:
                late.pc.addTrack(AudioSource())
                full = await late.post()
                assert full.status_code == 503 and full.headers["Retry-After"]
                assert full.json()["code"] == "concurrency_limit_reached"
            unknown = peer.session + "x"
            assert (await http.delete(unknown)).status_code == 404
            assert (await peer.delete()).status_code == 200
            await eventually(lambda: "closed" == peer.pc.connectionState)
            await eventually(lambda: places(stream) == 0)
            assert (await peer.delete()).status_code == 404


def sweep() -> Iterator[tuple[int, np.ndarray]]:
    """What a player gets: a tone."""
    assert get_current_context().webrtc_id.startswith("whep-")
    sound = tone(30, 600)
    for k in range(0, len(sound), 4800):
        yield 48000, sound[k : k + 4800]


async def test_a_player_with_a_token_hears_a_stream_that_only_sends() -> None:
    with served(sweep, modality="audio", mode="receive") as (stream, url):
        token = stream.tokens(SECRET).issue(user="anna")
        async with httpx.AsyncClient() as http, HttpPeer(http, f"{url}/whep", token) as peer:
            async with HttpPeer(http, f"{url}/whep") as stranger:
                stranger.pc.addTransceiver("audio", direction="recvonly")
                answer = await stranger.post()
                assert answer.status_code == 401 and answer.headers["WWW-Authenticate"] == "Bearer"
            headers = {**OFFER, **peer.authorization}
            refused = await http.post(f"{url}/whip", content="v=0", headers=headers)
            assert refused.status_code == 404
            peer.pc.addTransceiver("audio", direction="sendrecv")
            answer = await peer.post()
            assert answer.status_code == 201 and "a=sendonly" in answer.text
            track = peer.pc.getReceivers()[0].track
            heard = np.zeros(0, np.int16)
            while np.abs(heard[-24000:].astype(int)).max(initial=0) < 1000 or len(heard) < 48000:
                frame = await asyncio.wait_for(track.recv(), 20)
                heard = np.append(heard, frame.to_ndarray().reshape(-1, 2)[:, 0])
            assert frequency(heard[-24000:]) == pytest.approx(600, abs=5)
            assert (await peer.delete()).status_code == 200
            await eventually(lambda: places(stream) == 0)
