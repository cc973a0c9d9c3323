"""WebSockets of several processes: a socket stays where it is, its requests find it."""

import asyncio
import json
from contextlib import ExitStack
from typing import Any

from fastapi import FastAPI
from websockets.asyncio.client import connect

from fastrtc import Stream
from tests.support.cluster import FailingDirectory, clustered
from tests.support.connections import left
from tests.support.peers import eventually
from tests.support.servers import serving
from tests.webrtc.test_cluster import Inputs


async def start(url: str, id: str) -> Any:
    socket = await connect(f"{url.replace('http', 'ws')}/websocket/offer")
    await socket.send(json.dumps({"event": "start", "websocket_id": id}))
    return socket


async def test_requests_find_the_socket_of_another_process():
    directory, streams, urls = FailingDirectory(), [], []
    with ExitStack() as stack:
        for _ in range(2):
            stream = Stream(
                Inputs(),
                modality="audio",
                verbose=False,
                concurrency_limit=5,
                total_limit=2,
                cluster=clustered(directory),
            )
            app = FastAPI()
            stream.mount(app)
            streams.append(stream)
            urls.append(stack.enter_context(serving(app)))
        owner, other = streams
        socket = await start(urls[0], "me")
        await eventually(lambda: "me" in owner.handlers)

        await asyncio.to_thread(other.set_input, "me", "hello")
        assert owner.handlers["me"].got == [["hello"]]
        assert (await asyncio.to_thread(other.diagnose, "me")).transport == "websocket"

        same = await start(urls[1], "me")
        assert json.loads(await same.recv())["meta"]["error"] == "connection_already_exists"
        second = await start(urls[1], "second")
        await eventually(lambda: "second" in other.handlers)
        third = await start(urls[1], "third")
        refusal = {"error": "concurrency_limit_reached", "limit": 2}
        assert json.loads(await third.recv())["meta"] == refusal

        await asyncio.to_thread(other.clean_up, "me")
        await eventually(lambda: not left(owner))
        for one in (socket, same, second, third):
            await one.close()
        await eventually(lambda: not left(other))
