"""Requests of WHIP and RTVI clients that reach another process than that of their connection."""

from typing import Any

import httpx
from fastapi import FastAPI

from tests.protocols.rtvi.peer import RTVIPeer
from tests.protocols.whip.publish import HttpPeer
from tests.support.cluster import running, streams_of
from tests.support.peers import AudioSource, eventually, tone
from tests.webrtc.handlers import AsyncAudioEcho

URL = "http://test/bot"


def client(stream: Any) -> httpx.AsyncClient:
    app = FastAPI()
    stream.mount(app, "/bot", protocols=["rtvi", "whip"])
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=URL)


async def test_a_whip_session_is_found_from_any_process() -> None:
    one, two = streams_of(2, AsyncAudioEcho())
    here, there = client(one), client(two)
    async with running(one, two), HttpPeer(here, f"{URL}/whip") as peer:
        peer.pc.addTrack(AudioSource(tone(9)))
        assert (await peer.post(trickle=True)).status_code == 201
        (id,) = one.handlers
        peer.http = there
        restart = peer.fragment().replace("a=ice-ufrag:", "a=ice-ufrag:X")
        assert (await peer.patch(restart, peer.tag)).status_code == 422
        assert (await peer.patch(peer.fragment(), peer.tag)).status_code == 204
        assert any(found.type == "host" for found in one.diagnose(id).remote)
        await eventually(lambda: len(one.handlers[id].samples()) > 4800)
        assert (await peer.delete()).status_code == 200
        await eventually(lambda: not one.handlers)
        assert (await peer.delete()).status_code == 404
        assert (await peer.patch(peer.fragment(), peer.tag)).status_code == 404


async def test_an_rtvi_session_is_found_and_resumed_from_any_process() -> None:
    one, two = streams_of(2, AsyncAudioEcho())
    here, there = client(one), client(two)
    async with running(one, two):
        first = RTVIPeer(here, f"{URL}/api/offer", AudioSource(tone(9)))
        assert (await first.offer(trickle=True)).status_code == 200
        (id,) = one.handlers
        first.http = there
        assert (await first.trickle()).json() == {"status": "success"}
        assert any(found.type == "host" for found in one.diagnose(id).remote)
        await first.ready()
        again = await first.offer()
        assert again.json()["pc_id"] == id, again.text
        assert one.handlers.keys() == {id} and not two.handlers

        second = RTVIPeer(there, f"{URL}/api/offer", AudioSource(tone(9)))
        assert (await second.offer(pc_id=id, restart_pc=True)).json()["pc_id"] == id
        assert one.handlers.keys() == {id} and not two.handlers  # the session goes on
        await second.ready()
        second.send("disconnect-bot")  # otherwise the session waits for a returning client
        await eventually(lambda: not one.handlers)
        for peer in (first, second):
            await peer.close()
