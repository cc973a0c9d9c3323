"""WebSockets of several processes: a socket stays where it is, its requests find it."""

import asyncio
import json
from contextlib import ExitStack
from typing import Any

import pytest
from fastapi import FastAPI
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from fastrtc import Client, ClientError, Stream
from fastrtc.server.cluster.node import ASK_AGAIN_S
from fastrtc.server.endpoint import endpoint_of
from tests.support.cluster import FailingDirectory, clustered, node_of, streams_of
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


async def test_a_full_process_refuses_the_handshake_while_another_has_places(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr("fastrtc.client.web_socket.FULL_PAUSES_S", (0.05, 0.05))
    directory, streams, urls = FailingDirectory(), [], []
    with ExitStack() as stack:
        for _ in range(2):
            (stream,) = streams_of(1, Inputs(), directory, concurrency_limit=1)
            app = FastAPI()
            stream.mount(app)
            streams.append(stream)
            urls.append(stack.enter_context(serving(app)))
        await eventually(lambda: all(endpoint_of(one).cluster.is_running for one in streams))
        sockets = [await start(urls[0], "first")]
        await eventually(lambda: "first" in streams[0].handlers)
        with pytest.raises(InvalidStatus) as refused:
            await start(urls[0], "second")
        meta = {"error": "concurrency_limit_reached", "limit": 1}
        assert refused.value.response.status_code == 503
        assert json.loads(refused.value.response.body)["meta"] == meta
        with pytest.raises(ClientError, match="concurrency_limit_reached") as error:
            await Client(urls[0], "websocket").connect()
        assert error.value.meta == meta

        sockets.append(await start(urls[1], "second"))
        await eventually(lambda: "second" in streams[1].handlers)
        await eventually(
            lambda: not any(node_of(one).nodes_with_places("/") for one in streams)
        )  # after their next heartbeats
        for url in urls:  # no process has a place, so the client is told over the socket
            sockets.append(await start(url, "third"))
            assert json.loads(await sockets[-1].recv())["meta"] == meta
        for one in sockets:
            await one.close()
        await eventually(lambda: not any(map(left, streams)))


async def test_sockets_at_once_are_accepted_for_as_many_places_as_there_are(
    monkeypatch: pytest.MonkeyPatch,
):
    directory, apps = FailingDirectory(), []
    streams = streams_of(2, Inputs(), directory, concurrency_limit=2)
    for stream in streams:
        apps.append(FastAPI())
        stream.mount(apps[-1])
    with serving(apps[0]) as url, serving(apps[1]):
        await eventually(lambda: all(endpoint_of(one).cluster.is_running for one in streams))
        await eventually(lambda: node_of(streams[0]).nodes_with_places("/"))
        opening = (connect(f"{url.replace('http', 'ws')}/websocket/offer") for _ in range(5))
        opened = await asyncio.gather(*opening, return_exceptions=True)
        refused = [one for one in opened if isinstance(one, InvalidStatus)]
        sockets = [one for one in opened if not isinstance(one, BaseException)]
        assert [one.response.status_code for one in refused] == [503] * 3
        for number, one in enumerate(sockets):
            await one.send(json.dumps({"event": "start", "websocket_id": str(number)}))
        await eventually(lambda: set(streams[0].handlers) == {"0", "1"})
        for one in sockets:
            await one.close()
        await eventually(lambda: not left(streams[0]))

        for _ in range(6):  # these close, and leave their places to others
            await (await connect(f"{url.replace('http', 'ws')}/websocket/offer")).close()
        unstarted = await connect(f"{url.replace('http', 'ws')}/websocket/offer")
        started = await start(url, "2")
        await eventually(lambda: set(streams[0].handlers) == {"2"})
        with pytest.raises(InvalidStatus):  # one place is occupied, and one socket may start
            await start(url, "3")
        await unstarted.close()
        await (await start(url, "3")).close()
        await started.close()
        await eventually(lambda: not left(streams[0]))

        monkeypatch.setattr("fastrtc.server.starting_sockets.STARTING_S", 0.0)
        silent = [await connect(f"{url.replace('http', 'ws')}/websocket/offer") for _ in range(5)]
        for one in silent:
            await one.close()


async def test_sockets_that_never_start_do_not_make_all_processes_refuse_others(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr("fastrtc.server.starting_sockets.STARTING_S", 600.0)
    directory, streams, urls = FailingDirectory(), [], []
    with ExitStack() as stack:
        for _ in range(2):
            (stream,) = streams_of(1, Inputs(), directory, concurrency_limit=1)
            app = FastAPI()
            stream.mount(app)
            streams.append(stream)
            urls.append(stack.enter_context(serving(app)))
        await eventually(lambda: all(endpoint_of(one).cluster.is_running for one in streams))
        await eventually(lambda: all(node_of(one).nodes_with_places("/") for one in streams))
        sockets = [await connect(f"{url.replace('http', 'ws')}/websocket/offer") for url in urls]

        statuses: list[int] = []
        for url in urls * 4:
            try:
                sockets.append(await start(url, "first"))
                break
            except InvalidStatus as refused:
                statuses.append(refused.response.status_code)
                await asyncio.sleep(ASK_AGAIN_S)
        assert len(statuses) <= 2, statuses  # as each learns about the sockets of the other
        await eventually(lambda: any("first" in one.handlers for one in streams))

        busy = next(n for n, one in enumerate(streams) if "first" in one.handlers)
        with pytest.raises(InvalidStatus):  # it has no place, and the other one has
            await start(urls[busy], "second")
        await eventually(lambda: not node_of(streams[1 - busy]).nodes_with_places("/"))
        sockets.append(await start(urls[1 - busy], "second"))
        await eventually(lambda: "second" in streams[1 - busy].handlers)
        for one in sockets:
            await one.close()
        await eventually(lambda: not any(map(left, streams)))
