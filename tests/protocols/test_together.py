"""One stream with all protocols at once: the same handler, and one limit."""

import json
from contextlib import AsyncExitStack
from typing import Any

import httpx
from fastapi import FastAPI
from websockets.asyncio.client import connect

from fastrtc.protocols.openai_realtime import realtime_session
from fastrtc.protocols.table import MODULES
from fastrtc.server.endpoint import endpoint_of
from tests.protocols.openai_realtime.program import create_stream
from tests.protocols.openai_realtime.test_with_openai import client_of, talking
from tests.protocols.rtvi.peer import RTVIPeer
from tests.protocols.whip.publish import OFFER, HttpPeer
from tests.support.peers import AudioSource, eventually, tone
from tests.support.servers import serving

START = {"event": "start", "websocket_id": "mine", "audio": {"encoding": "pcm16"}}


async def test_all_protocols_share_a_limit() -> None:
    stream = create_stream()
    stream.concurrency_limit = 4
    app = FastAPI()
    stream.mount(app, protocols=["fastrtc", *MODULES])
    places = endpoint_of(stream).places
    with serving(app) as url:
        async with httpx.AsyncClient() as http, AsyncExitStack() as held:
            socket = await held.enter_async_context(
                connect(f"{url.replace('http', 'ws')}/websocket/offer")
            )
            await socket.send(json.dumps(START))
            assert json.loads(await socket.recv())["event"] == "started"
            talk = await held.enter_async_context(talking(url, "any"))
            await talk.until("session.created")
            peer = await held.enter_async_context(HttpPeer(http, f"{url}/whip"))
            peer.pc.addTrack(AudioSource(tone(5)))
            assert (await peer.post()).status_code == 201
            rtvi = RTVIPeer(http, f"{url}/api/offer", AudioSource(tone(5)))
            held.push_async_callback(rtvi.close)
            assert (await rtvi.offer()).status_code == 200
            assert (await rtvi.ready())["type"] == "bot-ready"
            await eventually(lambda: len(places) == 4)
            assert len({type(one.session.handler) for one in places}) == 1

            async with talking(url, "any") as late:
                await late.until("error")
                assert late.events[-1].error.code == "concurrency_limit_reached"
            async with HttpPeer(http, f"{url}/whip") as other:
                other.pc.addTrack(AudioSource())
                assert (await other.post()).status_code == 503
                offer = other.pc.localDescription.sdp
            refused = await http.post(f"{url}/v1/realtime/calls", content=offer, headers=OFFER)
            assert refused.status_code == 503
            assert refused.json()["error"]["code"] == "concurrency_limit_reached"
            body = {"sdp": offer, "type": "offer", "webrtc_id": "other"}
            refused = await http.post(f"{url}/webrtc/offer", json=body)
            assert refused.json()["meta"] == {"error": "concurrency_limit_reached", "limit": 4}
            refused = await http.post(f"{url}/api/offer", json={"sdp": offer, "type": "offer"})
            assert refused.status_code == 503

            await talk.type("Hello")
            await talk.until("response.done")
            assert talk.events[-1].response.output[0].content[0].transcript == "You said: Hello."
            assert (await peer.delete()).status_code == 200
            await eventually(lambda: len(places) == 3)
            async with client_of(url, "any") as openai:
                session: Any = {"type": "realtime", "model": "some", "instructions": "Be kind."}
                call = await openai.realtime.calls.create(sdp=offer, session=session)
                assert call.response.status_code == 201 and "a=fingerprint" in call.text
                id = call.response.headers["Location"].rpartition("/")[2]
                connection = places.get(id)
                assert connection is not None
                known = realtime_session(connection.session.user_context)
                assert known is not None
                assert (known.model, known.instructions) == ("some", "Be kind.")
                await openai.realtime.calls.hangup(id)
            await eventually(lambda: len(places) == 3)
