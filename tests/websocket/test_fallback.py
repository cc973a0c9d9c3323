"""A WebSocket that replaces an attempt to connect over WebRTC, which has the only place."""

import asyncio
import json
from contextlib import ExitStack

import httpx
import pytest
from aiortc import RTCPeerConnection
from fastapi import FastAPI
from websockets.asyncio.client import ClientConnection, connect

from fastrtc import Stream
from tests.support.cluster import FailingDirectory, clustered
from tests.support.connections import left
from tests.support.peers import eventually, strip_candidates
from tests.support.servers import serving
from tests.websocket.served import Echo


async def attempt(url: str, id: str) -> None:
    """Send an offer of a client that no candidate reaches."""
    peer = RTCPeerConnection()
    peer.addTransceiver("audio")
    await peer.setLocalDescription(await peer.createOffer())
    sdp = strip_candidates(peer.localDescription.sdp)
    async with httpx.AsyncClient() as client:
        body = {"sdp": sdp, "type": "offer", "webrtc_id": id}
        answer = (await client.post(f"{url}/webrtc/offer", json=body)).json()
    assert answer.get("type") == "answer", answer
    await peer.close()


async def start(url: str, id: str, **fields: str) -> tuple[ClientConnection, dict[str, object]]:
    """Start a connection, and return its socket and the first message of the server."""
    socket = await connect(f"{url.replace('http', 'ws')}/websocket/offer")
    message = {"event": "start", "websocket_id": id, "audio": {}, **fields}
    await socket.send(json.dumps(message))
    return socket, json.loads(await socket.recv())


@pytest.mark.parametrize("id", ["same", "other"])
async def test_a_websocket_frees_the_place_of_the_attempt_that_it_replaces(id: str) -> None:
    stream, app = Stream(Echo(), modality="audio", verbose=False, concurrency_limit=1), FastAPI()
    stream.mount(app)
    with serving(app) as url:
        await attempt(url, "same")
        refused, message = await start(url, "third")
        assert message["status"] == "failed"
        socket, message = await start(url, id, replaces="same")
        assert message["event"] == "started"

        # an established connection is not replaced, whoever knows its id
        second, message = await start(url, "fourth", replaces=id)
        assert message["status"] == "failed"
        assert id in stream.connections
        for one in (refused, socket, second):
            await one.close()
        await eventually(lambda: not left(stream))


async def test_the_attempt_may_be_at_another_process() -> None:
    directory, streams, urls = FailingDirectory(), [], []
    with ExitStack() as stack:
        for _ in range(2):
            app = FastAPI()
            cluster = clustered(directory)
            stream = Stream(Echo(), modality="audio", verbose=False, total_limit=1, cluster=cluster)
            stream.mount(app)
            streams.append(stream)
            urls.append(stack.enter_context(serving(app)))
        await attempt(urls[0], "attempt")
        socket, message = await start(urls[1], "attempt", replaces="attempt")
        assert message["event"] == "started"
        await eventually(lambda: "attempt" not in streams[0].connections)
        await asyncio.to_thread(streams[0].clean_up, "attempt")
        await asyncio.wait_for(socket.wait_closed(), 10)
        await eventually(lambda: not any(map(left, streams)))
